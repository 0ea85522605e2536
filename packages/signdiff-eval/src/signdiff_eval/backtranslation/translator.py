"""Poses in, text out."""

from __future__ import annotations

from importlib.resources import files as resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from signdiff_eval import _checks
from signdiff_eval._checks import numbers
from signdiff_eval.backtranslation.files import Translation, load
from signdiff_eval.installed import need
from signdiff_eval.readers import PoseSequence, sequence_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

BUNDLED: Final = Path(str(resources("signdiff_eval"))) / "bundled" / "fingerspelling"
"""The folder of the translator that comes with the package."""

EXTRA: Final = "backtranslation"


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
        self.network = network
        self.tokenizer = tokenizer
        self.details = details
        self.digest = digest
        self.batch_size = batch_size

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
        from dataclasses import replace

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
            joints = numbers("joints", pose)
            _checks.unmasked("joints", pose)
            return features(joints)
        except ValueError as error:
            raise ValueError(f"poses[{index}]: {error}") from error
