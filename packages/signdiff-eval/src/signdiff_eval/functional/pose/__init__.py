"""Functions that compare two pose sequences."""

from signdiff_eval.functional.pose.alignment import align
from signdiff_eval.functional.pose.dtw import dtw
from signdiff_eval.functional.pose.duration import duration
from signdiff_eval.functional.pose.total_distance import total_distance

__all__ = ["align", "dtw", "duration", "total_distance"]
