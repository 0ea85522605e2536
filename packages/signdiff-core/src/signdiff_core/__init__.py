"""SignDiff's path from a pose to a video: plug-ins, pose formats, drawings, renderers and the ``signdiff`` command.

Importing the package loads nothing heavy: every public name is looked up when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from signdiff_core import camera, drawing, formats, plugins, skeleton, video
    from signdiff_core.diffusion import SignDiffPipeline, superimposed

__version__ = "0.1.0"

__all__ = [
    "SignDiffPipeline",
    "__version__",
    "camera",
    "drawing",
    "formats",
    "plugins",
    "skeleton",
    "superimposed",
    "video",
]

_DIFFUSION = ("SignDiffPipeline", "superimposed")


def __getattr__(name: str) -> Any:
    if name in _DIFFUSION:
        return getattr(import_module("signdiff_core.diffusion"), name)
    if name in __all__:
        return import_module(f"signdiff_core.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
