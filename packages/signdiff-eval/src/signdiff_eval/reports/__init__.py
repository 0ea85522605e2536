"""Comparisons of systems, with tests of significance, and how they are shown."""

from signdiff_eval.reports.compare import Comparison, compare
from signdiff_eval.reports.significance import Difference, Interval, confidence, paired_difference

__all__ = ["Comparison", "Difference", "Interval", "compare", "confidence", "paired_difference"]
