"""Translators by name: the bundled one, a folder, or any callable of yours."""

from __future__ import annotations

import sys
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
        spec: ``bundled``, a folder, or ``module:name`` of a callable (a class is called without arguments); modules of
            the working folder are found, after those that are installed.
        device: where a bundled translator or that of a folder runs.

    Raises:
        ValueError: there is no such translator, its module fails, or it can't be called.
        ModuleNotFoundError: a module or the extra ``backtranslation`` is missing.
    """
    if spec == "bundled" or Path(spec).is_dir():
        from signdiff_eval.backtranslation.translator import BackTranslator

        return BackTranslator.from_pretrained(None if spec == "bundled" else spec, device=device)
    module, colon, name = spec.partition(":")
    if not colon or not module or not name:
        raise ValueError(f"translator must be 'bundled', a folder or 'module:name', but is {spec!r}.")
    found: Any = _found(module, name, spec)
    if not callable(found):
        raise ValueError(f"translator must name something that can be called, but {spec!r} is {found!r}.")
    translator: Translator = found
    return translator


def _found(module: str, name: str, spec: str) -> Any:
    here = str(Path.cwd())
    if here not in sys.path:  # a command's path begins with its own folder, and not with the working folder
        sys.path.append(here)
    try:
        found = getattr(import_module(module), name, None)
        return found() if isinstance(found, type) else found
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"translator {spec!r} needs the module {error.name}, which is neither installed nor in {here}."
        ) from error
    except Exception as error:  # a stranger's module may raise anything at all
        raise ValueError(f"translator {spec!r} can't be loaded: {type(error).__name__}: {error}") from error


def settings_of(translator: Translator, spec: str) -> tuple[tuple[str, str], ...]:
    """Tell what a signature says of a translator."""
    return tuple(getattr(translator, "settings", (("translator", spec.replace("|", "_")),)))
