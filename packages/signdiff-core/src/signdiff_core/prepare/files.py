"""Names of the files of a set; see `signdiff_core.prepare.assemble`."""

from __future__ import annotations

from typing import Final

METADATA: Final = "metadata.jsonl"
JOINTS: Final = "joints.safetensors"
INDEX: Final = "index.safetensors"
CLIPS: Final = "clips.jsonl"
MANIFEST: Final = "manifest.json"
REPORT: Final = "report.json"
FAILURES: Final = "failures.log"
PREVIEW: Final = "preview.png"

MAP_SUFFIX: Final = ".fr.png"
"""Suffix of FR maps, after the name of their frame without its own."""


def frame_name(clip: str, frame: int) -> str:
    """Name a frame, without a suffix.

    Example:
        >>> frame_name("hello", 12)
        'hello/000012'
    """
    return f"{clip}/{frame:06d}"
