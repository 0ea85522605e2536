"""Frames of a signer by latent diffusion: SignDiff's ControlNet, its pipeline, and the renderer built on them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from signdiff_core.diffusion.frmap import FRMapper
    from signdiff_core.diffusion.pipeline import SignDiffPipeline
    from signdiff_core.diffusion.renderer import DiffusionRenderer
    from signdiff_core.diffusion.superposition import superimposed

__all__ = ["DiffusionRenderer", "FRMapper", "SignDiffPipeline", "superimposed"]

_HOMES = {
    "DiffusionRenderer": "renderer",
    "FRMapper": "frmap",
    "SignDiffPipeline": "pipeline",
    "superimposed": "superposition",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
