"""Translators by name: the bundled one, a folder, or any callable of yours."""

from __future__ import annotations

import sys
from collections.abc import Iterable
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


class Guarded:
    """A translator of whoever's making: whatever it raises is one error that names the option.

    Args:
        translator: the translator.
        spec: what was given with ``--translator``.
    """

    def __init__(self, translator: Translator, spec: str) -> None:
        self._translator = translator
        self._spec = spec

    def __call__(self, poses: Sequence[Any], /) -> list[str]:
        """Translate each of the poses."""
        try:
            return texts_of(self._translator, poses)
        except (Exception, SystemExit) as error:  # a stranger's translator may raise anything at all
            raise ValueError(f"--translator {self._spec!r} failed: {type(error).__name__}: {error}") from error


def texts_of(translator: Translator, poses: Sequence[Any]) -> list[str]:
    """Translate poses, and make sure that there is a text for each.

    Raises:
        ValueError: there isn't.
    """
    made: Any = translator(list(poses))
    if isinstance(made, (str, bytes)) or not isinstance(made, Iterable):
        raise ValueError(f"the translator must give a list of texts, but gave {type(made).__name__}.")
    texts = list(made)
    if len(texts) != len(poses):
        raise ValueError(f"the translator must give a text for each pose, but gave {len(texts)} for {len(poses)}.")
    for text in texts:
        if not isinstance(text, str):
            raise ValueError(f"the translator must give texts, but one is {type(text).__name__}.")
    return texts


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
    except (Exception, SystemExit) as error:  # a stranger's module may raise anything at all
        raise ValueError(f"translator {spec!r} can't be loaded: {type(error).__name__}: {error}") from error


def settings_of(translator: Translator, spec: str) -> tuple[tuple[str, str], ...]:
    """Tell what a signature says of a translator.

    Raises:
        ValueError: its ``settings`` aren't such.
    """
    settings: Any = getattr(translator, "settings", (("translator", spec.replace("|", "_")),))
    try:
        pairs = tuple((str(name), str(value)) for name, value in settings)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"translator {spec!r} must have settings of (name, value) pairs, but has {settings!r:.200}."
        ) from error
    return pairs
