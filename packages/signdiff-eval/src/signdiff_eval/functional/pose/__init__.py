"""Functions that compare two pose sequences."""

from signdiff_eval.functional.pose.alignment import align
from signdiff_eval.functional.pose.batch import dtw_batch
from signdiff_eval.functional.pose.channels import dtw_channels
from signdiff_eval.functional.pose.dtw import dtw
from signdiff_eval.functional.pose.duration import duration
from signdiff_eval.functional.pose.total_distance import total_distance

__all__ = ["align", "dtw", "dtw_batch", "dtw_channels", "duration", "total_distance"]
