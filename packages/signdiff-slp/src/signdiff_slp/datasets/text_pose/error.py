"""What is wrong with a corpus."""

from __future__ import annotations

from fairseq2.datasets import DatasetError


class CorpusError(DatasetError):
    """A corpus cannot be read, and its message says why: which file or setting, what it must hold, what it holds."""
