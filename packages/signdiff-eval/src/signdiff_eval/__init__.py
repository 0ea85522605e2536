"""The metrics of sign language production: each with its signature and beside its ceiling.

Three layers: pure functions on arrays (`signdiff_eval.functional`), accumulating classes (`signdiff_eval.metrics`), and
the command ``signdiff-eval``. Importing this package loads none of the numerical libraries; they load on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from signdiff_eval.signature import Score, Signature, __version__

if TYPE_CHECKING:
    from signdiff_eval import functional, metrics

__all__ = ["Score", "Signature", "__version__", "functional", "metrics"]


def __getattr__(name: str) -> Any:
    if name in {"functional", "metrics"}:
        return import_module(f"signdiff_eval.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
