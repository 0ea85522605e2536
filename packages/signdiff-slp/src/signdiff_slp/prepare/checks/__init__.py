"""Check How2Sign's tables against its clips: `check` gives what is wrong, and the sentences that are left."""

from signdiff_slp.prepare.checks.check import PUBLISHED, check
from signdiff_slp.prepare.checks.findings import Finding, Findings
from signdiff_slp.prepare.checks.prepared import find_in_clips
from signdiff_slp.prepare.checks.table import Sentence, is_how2sign, read_table

__all__ = ["PUBLISHED", "Finding", "Findings", "Sentence", "check", "find_in_clips", "is_how2sign", "read_table"]
