"""Preparing a corpus: from what a detector sees in videos to poses that a model learns from.

Importing the package does not load torch; the names below load what they need when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from signdiff_slp.prepare.lifting.clips import lift, lift_all

__all__ = ["lift", "lift_all"]

_HOMES = {
    "lift": "signdiff_slp.prepare.lifting.clips",
    "lift_all": "signdiff_slp.prepare.lifting.clips",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
