"""Scores of a system's files against their references, with the ceiling of each.

`score_poses`, `score_videos` and `score_texts` each give a `Report`.
"""

from signdiff_eval.scoring.poses import score_poses
from signdiff_eval.scoring.report import Protocol, Report
from signdiff_eval.scoring.suites import pose_metrics, slrtp_metrics, text_metrics, video_metrics
from signdiff_eval.scoring.texts import BackTranslation, score_texts
from signdiff_eval.scoring.videos import score_videos

__all__ = [
    "BackTranslation",
    "Protocol",
    "Report",
    "pose_metrics",
    "score_poses",
    "score_texts",
    "score_videos",
    "slrtp_metrics",
    "text_metrics",
    "video_metrics",
]
