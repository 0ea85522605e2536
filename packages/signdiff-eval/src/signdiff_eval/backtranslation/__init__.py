"""From poses back to text: how much of the meaning a system's poses carry.

Needs ``signdiff-eval[backtranslation]``; importing this package loads nothing of it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from signdiff_eval.backtranslation.features import PoseFeatures
    from signdiff_eval.backtranslation.network import train_tokenizer
    from signdiff_eval.backtranslation.translator import BackTranslator, Translator, load_translator

__all__ = ["BackTranslator", "PoseFeatures", "Translator", "load_translator", "train_tokenizer"]

_MODULES = {
    "BackTranslator": "translator",
    "PoseFeatures": "features",
    "Translator": "translator",
    "load_translator": "translator",
    "train_tokenizer": "network",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
