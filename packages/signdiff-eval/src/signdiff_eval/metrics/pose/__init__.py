"""Metrics of pose sequences."""

from signdiff_eval.metrics.pose.dtw import DTW
from signdiff_eval.metrics.pose.duration import Duration
from signdiff_eval.metrics.pose.total_distance import TotalDistance
from signdiff_eval.metrics.pose.wrist_distance import WristDistance

__all__ = ["DTW", "Duration", "TotalDistance", "WristDistance"]
