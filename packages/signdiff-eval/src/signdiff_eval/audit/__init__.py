"""What makes a score incomparable: found in the files, before anybody reads a number."""

from signdiff_eval.audit.folders import KINDS, Audit, Finding, audit

__all__ = ["KINDS", "Audit", "Finding", "audit"]
