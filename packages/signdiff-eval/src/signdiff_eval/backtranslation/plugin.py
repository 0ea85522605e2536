"""Translators by name: the bundled one, a folder, or any callable of yours."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Sequence


@runtime_checkable
class Translator(Protocol):
    """Anything that turns a list of `PoseSequence` into a list of texts.

    If it has ``settings``, (name, value) pairs, these go into the signature in place of its name.
    """

    def __call__(self, poses: Sequence[Any], /) -> list[str]:
        """Translate each of the poses."""


def load_translator(spec: str = "bundled", *, device: str = "cpu") -> Translator:
    """Load a translator.

    Args:
        spec: ``bundled``, a folder, or ``module:name`` of a callable (a class is called without arguments).
        device: where a bundled translator or that of a folder runs.

    Raises:
        ValueError: there is no such translator, or it can't be called.
        ModuleNotFoundError: a module or the extra ``backtranslation`` is missing.
    """
    if spec == "bundled" or Path(spec).is_dir():
        from signdiff_eval.backtranslation.translator import BackTranslator

        return BackTranslator.from_pretrained(None if spec == "bundled" else spec, device=device)
    module, colon, name = spec.partition(":")
    if not colon or not module or not name:
        raise ValueError(f"translator must be 'bundled', a folder or 'module:name', but is {spec!r}.")
    found: Any = getattr(import_module(module), name, None)
    if isinstance(found, type):
        found = found()
    if not callable(found):
        raise ValueError(f"translator must name something that can be called, but {spec!r} is {found!r}.")
    translator: Translator = found
    return translator


def settings_of(translator: Translator, spec: str) -> tuple[tuple[str, str], ...]:
    """Tell what a signature says of a translator."""
    return tuple(getattr(translator, "settings", (("translator", spec.replace("|", "_")),)))
