"""Comparisons of systems, with tests of significance, and how they are shown."""

from signdiff_eval.reports.compare import Comparison, compare, compare_texts, compare_videos
from signdiff_eval.reports.significance import Difference, Interval, confidence, paired_difference, smallest_p

__all__ = [
    "Comparison",
    "Difference",
    "Interval",
    "compare",
    "compare_texts",
    "compare_videos",
    "confidence",
    "paired_difference",
    "smallest_p",
]
