"""What makes a score incomparable: found in the files, before anybody reads a number."""

from signdiff_eval.audit.finding import KINDS, Finding
from signdiff_eval.audit.folders import Audit, audit

__all__ = ["KINDS", "Audit", "Finding", "audit"]
