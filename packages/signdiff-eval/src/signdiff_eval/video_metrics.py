"""Which metrics of videos a report has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from signdiff_eval.metrics import FID, SSIM, Flicker, HandPose, HandSSIM
from signdiff_eval.metrics.image.detector import HandDetector, Remembering

if TYPE_CHECKING:
    from signdiff_eval.metrics.image import VideoMetric


def video_metrics(*, hands: HandDetector | None = None, fid: FID | None = None) -> list[VideoMetric]:
    """Make the metrics of videos: ``ssim`` and ``flicker`` always, others where what they need is given.

    Args:
        hands: finds hands in frames, for ``hand_ssim`` and ``hand_pose``.
        fid: for ``fid``.
    """
    metrics: list[VideoMetric] = [SSIM(), Flicker()]
    if hands is not None:
        detector = Remembering(hands)
        metrics += [HandSSIM(detector=detector), HandPose(detector=detector)]
    return [*metrics, fid] if fid is not None else metrics
