"""The configuration of a progressive transformer, and its named architectures."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final, Literal

from fairseq2.runtime.config_registry import ConfigRegistrar
from fairseq2.runtime.dependency import DependencyContainer
from fairseq2.utils.validation import Validatable, ValidationResult
from typing_extensions import override

from signdiff_core.plugins import PluginError
from signdiff_core.skeleton import find_skeleton

PROGRESSIVE_FAMILY: Final = "slp_progressive"
"""The name under which fairseq2 knows this model family."""

_CHOICES: Final = (("counter", "value", "rate"), ("variant", "published", "fairseq2"), ("clock", "frame", "token"))
"""Settings that have one of two values."""


@dataclass(kw_only=True)
class ProgressiveConfig(Validatable):
    """Holds the configuration of a progressive transformer.

    The default is the base model of Saunders et al., Progressive Transformers (ECCV 2020), which SignDiff's ASL-SLP
    extends.
    """

    model_dim: int = 512
    """The dimensionality of the model."""

    vocab_size: int = 3000
    """The number of source tokens."""

    pad_idx: int = 0
    """The index of the source token that pads."""

    skeleton: str = "openpose50"
    """What joints a pose has: the name of a skeleton that is registered with `signdiff_core.skeleton`."""

    pose_dim: int = 150
    """The number of values of a frame: the skeleton's joints by x, y, z."""

    constant_bones: bool = False
    """If ``True``, decoded limbs are put on the median lengths of the training corpus: for a corpus whose limbs do not
    change their lengths. On one whose limbs do, as detectors leave them, it would move joints away from the truth."""

    fps: float = 25.0
    """The frame rate of the poses, in frames per second."""

    num_future_frames: int = 1
    """How many frames each step predicts. Above 1, this is the paper's future prediction."""

    just_counter: bool = False
    """If ``True``, the decoder reads its own counter and not its own poses: the paper's just counter."""

    counter: Literal["value", "rate"] = "value"
    """What the model predicts to advance its counter: the next value itself, as in the paper, or the logarithm of the
    step towards it (in hundredths), which is always positive and whose error does not grow with the length."""

    variant: Literal["published", "fairseq2"] = "published"
    """What the papers leave to the implementation. "published" is numerically the model of the code of Progressive
    Transformers: sinusoids interleaved, embeddings not scaled, no bias in the output layer, one counter a step however
    many frames it predicts, an epsilon of 1e-6 in layer norms. "fairseq2" is what that library builds by itself, with a
    counter for each frame."""

    standardize: bool = True
    """If ``True``, the model sees standardised values (see `PoseStandardizer`); else coordinates, as published."""

    residual_statistics: bool = False
    """If ``True``, the model keeps in training how far it is off, for noise that follows its errors."""

    clock: Literal["frame", "token"] = "frame"
    """How the decoder knows where it is: by the frame's number, as in the paper, or by the place in the source that its
    counter stands for (see `SourceReader`). The latter tells no frame count, so speed is learned from the text."""

    max_source_len: int = 256
    """The largest number of source tokens."""

    max_piece_len: int = 256
    """The number of source tokens that the model was trained for. Longer texts are signed in pieces."""

    max_target_len: int = 1024
    """The largest number of frames."""

    max_frames_per_token: int = 40
    """Decoding gives up, with a warning, after this many frames for each source token."""

    num_encoder_layers: int = 2
    """The number of encoder layers."""

    num_decoder_layers: int = 2
    """The number of decoder layers."""

    num_heads: int = 4
    """The number of attention heads of every layer."""

    ffn_inner_dim: int = 2048
    """The inner dimensionality of the feed-forward networks."""

    dropout_p: float = 0.0
    """The dropout probability."""

    @property
    def output_dim(self) -> int:
        """The number of values that a step puts out."""
        if self.variant == "published":
            return self.num_future_frames * self.pose_dim + 1
        return self.num_future_frames * (self.pose_dim + 1)

    @override
    def validate(self) -> ValidationResult:
        result = ValidationResult()
        if self.model_dim % self.num_heads:
            result.add_error(
                f"`model_dim` must be a multiple of `num_heads` ({self.num_heads}), but is {self.model_dim}."
            )
        if self.model_dim % 2:
            result.add_error(f"`model_dim` must be even, but is {self.model_dim}.")
        try:
            joints = find_skeleton(self.skeleton).num_joints
        except (ValueError, PluginError) as error:
            result.add_error(f"`skeleton` cannot be used: {error}")
        else:
            if self.pose_dim != 3 * joints:
                result.add_error(
                    f"`pose_dim` must be {3 * joints}, {joints} joints of {self.skeleton} by 3, but is {self.pose_dim}."
                )
        if self.num_future_frames < 1:
            result.add_error(f"`num_future_frames` must be at least 1, but is {self.num_future_frames}.")
        if not 3 <= self.max_piece_len <= self.max_source_len:
            result.add_error(
                f"`max_piece_len` must be from 3 to `max_source_len` ({self.max_source_len}), but is "
                f"{self.max_piece_len}."
            )
        if not 0.0 <= self.dropout_p <= 1.0:
            result.add_error(f"`dropout_p` must be from 0 to 1, but is {self.dropout_p}.")
        if not 0 < self.fps < math.inf:
            result.add_error(f"`fps` must be positive, but is {self.fps}.")
        for name, one, other in _CHOICES:
            if getattr(self, name) not in (one, other):
                result.add_error(f"`{name}` must be {one!r} or {other!r}, but is {getattr(self, name)!r}.")
        return result


def register_configs(container: DependencyContainer) -> None:
    """Register the architectures, by the names of the functions below."""
    arch = ConfigRegistrar(container, ProgressiveConfig)

    @arch("base")
    def base() -> ProgressiveConfig:
        return ProgressiveConfig()

    @arch("future")
    def future() -> ProgressiveConfig:
        return ProgressiveConfig(num_future_frames=10)

    @arch("just_counter")
    def just_counter() -> ProgressiveConfig:
        return ProgressiveConfig(just_counter=True)

    @arch("fingerspelling")
    def fingerspelling() -> ProgressiveConfig:
        return ProgressiveConfig(
            model_dim=192,
            vocab_size=31,
            constant_bones=True,
            just_counter=True,
            counter="rate",
            variant="fairseq2",
            clock="token",
            max_source_len=128,
            max_piece_len=22,
            max_target_len=2048,
            num_encoder_layers=2,
            num_decoder_layers=3,
            num_heads=6,
            ffn_inner_dim=512,
        )

    @arch("alphabets")
    def alphabets() -> ProgressiveConfig:
        return replace(fingerspelling(), vocab_size=90, max_piece_len=23)  # with the language's tag

    @arch("by_heart")
    def by_heart() -> ProgressiveConfig:
        return ProgressiveConfig(
            model_dim=192,
            pad_idx=1,
            just_counter=True,
            counter="rate",
            variant="fairseq2",
            clock="token",
            max_target_len=4096,
            max_frames_per_token=200,
            num_decoder_layers=3,
            num_heads=6,
            ffn_inner_dim=512,
        )

    @arch("tiny")
    def tiny() -> ProgressiveConfig:
        return replace(
            fingerspelling(), model_dim=32, num_encoder_layers=1, num_decoder_layers=1, num_heads=2, ffn_inner_dim=64
        )
