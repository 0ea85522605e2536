"""Poses in, text out: the translators that are trained here, and those of users, by name."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from importlib import import_module
from importlib.resources import files as resources
from pathlib import Path
from typing import Any, Final, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from signdiff_eval import _checks
from signdiff_eval.backtranslation.files import Translation, load
from signdiff_eval.installed import need
from signdiff_eval.readers import PoseSequence, sequence_of

BUNDLED: Final = Path(str(resources("signdiff_eval"))) / "bundled" / "fingerspelling"
"""The folder of the translator that comes with the package."""

EXTRA: Final = "backtranslation"


@runtime_checkable
class Translator(Protocol):
    """Anything that turns a list of `PoseSequence` into a list of texts.

    If it has ``settings``, (name, value) pairs, these go into the signature in place of its name.
    """

    def __call__(self, poses: Sequence[Any], /) -> list[str]:
        """Translate each of the poses."""


class BackTranslator:
    """Reads signing: a translator from poses to text, to be judged by what becomes of a system's poses.

    Args:
        network: a Speech2TextForConditionalGeneration.
        tokenizer: a tokenizer of the library tokenizers.
        details: features, beam width and the like.
        digest: SHA-256 of the weights, in hexadecimal.
        batch_size: sequences that are translated together; it doesn't change the texts.

    Attributes:
        details: as given.
    """

    def __init__(
        self, network: Any, tokenizer: Any, details: Translation, *, digest: str = "", batch_size: int = 32
    ) -> None:
        self.network, self.tokenizer, self.details = network, tokenizer, details
        self.digest, self.batch_size = digest, batch_size

    @classmethod
    def from_pretrained(
        cls,
        name_or_dir: str | Path | None = None,
        *,
        device: str = "cpu",
        num_beams: int | None = None,
        batch_size: int = 32,
    ) -> Self:
        """Load a translator; from local files alone.

        Args:
            name_or_dir: a folder that ``signdiff_eval.training.train_backtranslation`` wrote; by default the bundled
                translator, which reads fingerspelling.
            device: where it runs.
            num_beams: width of the beam search; by default the one that it was scored with.
            batch_size: sequences that are translated together.

        Raises:
            FileNotFoundError: the folder lacks a file.
            ModuleNotFoundError: the extra ``backtranslation`` is not installed.
            ValueError: a file is broken, or ``num_beams`` or ``batch_size`` is below 1.
        """
        need(EXTRA, "torch", "transformers", "safetensors", "tokenizers", purpose="back translation")
        for name, value in (("num_beams", num_beams), ("batch_size", batch_size)):
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, but is {value}.")
        network, tokenizer, details, digest = load(Path(name_or_dir or BUNDLED), device=device)
        if num_beams is not None:
            details = replace(details, num_beams=num_beams)
        return cls(network, tokenizer, details, digest=digest, batch_size=batch_size)

    @property
    def settings(self) -> tuple[tuple[str, str], ...]:
        """What fixes the texts, for signatures: the translator, its weights, its training set, its search."""
        return (
            ("translator", self.details.name),
            ("weights", self.digest[:12] or "unsaved"),
            ("trained_on", self.details.trained_on[:12]),
            ("beams", str(self.details.num_beams)),
        )

    def __call__(self, poses: Iterable[Any]) -> list[str]:
        """Translate.

        Args:
            poses: each a `PoseSequence`, a `pose_format.Pose` of one person, or an array (T, J, C) at the
                translator's frame rate; in the units of its training files. Other frame rates are resampled.

        Returns:
            A text for each.

        Raises:
            TypeError: ``poses`` is a single array.
            ValueError: another number of joints or axes, another skeleton, or no frame.
        """
        if isinstance(poses, np.ndarray):
            raise TypeError("poses must be a list of poses or arrays, but is a single array.")
        sequences = [self._features(index, pose) for index, pose in enumerate(poses)]
        if not sequences:
            return []
        from signdiff_eval.backtranslation.network import decode

        tokens = decode(
            self.network,
            sequences,
            num_beams=self.details.num_beams,
            max_tokens=self.details.max_tokens,
            batch_size=self.batch_size,
        )
        return [str(self.tokenizer.decode(row)).strip() for row in tokens]

    def _features(self, index: int, pose: Any) -> NDArray[np.float32]:
        features = self.details.features
        if hasattr(pose, "body"):
            pose = sequence_of(pose, f"poses[{index}]")
        if isinstance(pose, PoseSequence):
            if features.skeleton and pose.skeleton and features.skeleton != pose.skeleton:
                raise ValueError(f"{pose.name} must have the skeleton of the training files, but has another.")
            pose = pose.resampled(features.fps).joints
        try:
            joints = _checks.numbers("joints", pose)
            _checks.unmasked("joints", pose)
            return features(joints)
        except ValueError as error:
            raise ValueError(f"poses[{index}]: {error}") from error


class Guarded:
    """A translator of whoever's making: whatever it raises is one error that names ``--translator`` and its value."""

    def __init__(self, translator: Translator, spec: str) -> None:
        self._translator, self._spec = translator, spec

    def __call__(self, poses: Sequence[Any], /) -> list[str]:
        """Translate each of the poses."""
        try:
            return texts_of(self._translator, poses)
        except (Exception, SystemExit) as error:  # a stranger's translator may raise anything at all
            raise ValueError(f"--translator {self._spec!r} failed: {type(error).__name__}: {error}") from error


def texts_of(translator: Translator, poses: Sequence[Any]) -> list[str]:
    """Translate poses, and make sure that there is a text for each; a ValueError if there isn't."""
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
    """Give what a signature says of a translator; a ValueError if its ``settings`` aren't such."""
    settings: Any = getattr(translator, "settings", (("translator", spec.replace("|", "_")),))
    try:
        pairs = tuple((str(name), str(value)) for name, value in settings)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"translator {spec!r} must have settings of (name, value) pairs, but has {settings!r:.200}."
        ) from error
    return pairs
