"""The frame rate of a corpus, as its report tells it."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

MAX_REPORT: Final = 1 << 28
"""Largest ``report.json`` that is read, in bytes."""


def corpus_rate(folder: Path) -> float | None:
    """Find the frame rate of a corpus.

    Args:
        folder: of the corpus.

    Returns:
        Frames per second that ``report.json`` tells, as those of ``corpus poses`` and ``prepare`` do; ``None`` where
        nothing tells.

    Raises:
        ValueError: ``report.json`` is broken, or its rate is no positive number.
    """
    path = folder / "report.json"
    if not path.is_file():
        return None
    if (size := path.stat().st_size) > MAX_REPORT:
        raise ValueError(f"{path} must be at most {MAX_REPORT} bytes, but is {size}.")
    try:
        report = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} must be JSON, but is not: {error!s:.100}.") from error
    for content in (report, report.get("settings") if isinstance(report, dict) else None):
        if isinstance(content, dict) and "fps" in content:
            return _rate(content["fps"], path)
    return None


def _rate(value: object, path: Path) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (is_number and 0 < value < math.inf):  # type: ignore[operator]
        raise ValueError(f"{path} must tell a positive frame rate in fps, but tells {value!r:.100}.")
    return float(value)  # type: ignore[arg-type]
