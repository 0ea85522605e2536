"""The metrics of sign language production: each with its signature and beside its ceiling.

Three layers: pure functions on arrays (`signdiff_eval.functional`), accumulating classes (`signdiff_eval.metrics`), and
the command ``signdiff-eval``. Importing this package loads none of the numerical libraries; they load on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from signdiff_eval import functional, metrics
    from signdiff_eval.score import Score
    from signdiff_eval.signature import Signature

__version__ = "0.1.0"

__all__ = ["Score", "Signature", "__version__", "functional", "metrics"]

_CLASSES = {"Score": "signdiff_eval.score", "Signature": "signdiff_eval.signature"}


def __getattr__(name: str) -> Any:
    if name in {"functional", "metrics"}:
        return import_module(f"signdiff_eval.{name}")
    if name in _CLASSES:
        return getattr(import_module(_CLASSES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
