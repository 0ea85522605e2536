"""SignDiff's text-to-pose model: a progressive transformer on fairseq2.

Importing the package loads neither torch nor fairseq2; the names below load them when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from signdiff_slp._sndfile import preload

preload()

if TYPE_CHECKING:
    from signdiff_slp.models.progressive import ProgressiveConfig, ProgressiveTransformer
    from signdiff_slp.text_to_pose import TextToPose

__version__ = "0.1.0"

__all__ = ["ProgressiveConfig", "ProgressiveTransformer", "TextToPose"]

_HOMES = {
    "ProgressiveConfig": "signdiff_slp.models.progressive",
    "ProgressiveTransformer": "signdiff_slp.models.progressive",
    "TextToPose": "signdiff_slp.text_to_pose",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
