"""Preparing a corpus: from what a detector sees in videos to poses that a model learns from.

Importing the package does not load torch; the names below load what they need when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from signdiff_slp.prepare.lifting.clips import lift, lift_all

__all__ = ["lift", "lift_all"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("signdiff_slp.prepare.lifting.clips"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
