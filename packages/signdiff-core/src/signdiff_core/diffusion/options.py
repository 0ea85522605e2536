"""How a video is rendered: the options of a call, checked once, and carried by one object from there on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from signdiff_core.diffusion.frmap import FRMapper
from signdiff_core.diffusion.windows import Part, check_parts

if TYPE_CHECKING:
    from diffusers import ControlNetModel, MultiControlNetModel
    from diffusers.callbacks import MultiPipelineCallbacks, PipelineCallback

CHUNK_SIZE: Final = 8
"""Frames of a batch, where nobody says otherwise."""

LARGEST: Final = 1_000_000.0
"""Largest number either way: far beyond any use, and far below what overflows."""

_DIFFUSERS: Final = (
    *("num_inference_steps", "timesteps", "sigmas", "guidance_scale", "eta", "output_type", "cross_attention_kwargs"),
    *("guess_mode", "control_guidance_start", "control_guidance_end", "clip_skip"),
    *("callback_on_step_end", "callback_on_step_end_tensor_inputs"),
)
"""Options that diffusers' pipeline takes as they are."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of `SignDiffPipeline.stream`, where they are described; ValueError for one out of range."""

    height: int | None
    width: int | None
    num_inference_steps: int
    timesteps: list[int] | None
    sigmas: list[float] | None
    guidance_scale: float
    num_images_per_prompt: int | None
    eta: float
    output_type: str | None
    cross_attention_kwargs: dict[str, Any] | None
    controlnet_conditioning_scale: float | list[float]
    guess_mode: bool
    control_guidance_start: float | list[float]
    control_guidance_end: float | list[float]
    clip_skip: int | None
    callback_on_step_end: Callable[..., Any] | PipelineCallback | MultiPipelineCallbacks | None
    callback_on_step_end_tensor_inputs: Sequence[str]
    frnet: FRMapper | None
    detail: tuple[Part, ...]
    detail_scale: int | None
    detail_strength: float | None
    chunk_size: int
    shared_noise: bool
    pad_chunks: bool
    cache_interval: int
    cache_depth: int
    start: int

    def __post_init__(self) -> None:
        if self.num_images_per_prompt not in (1, None):
            raise ValueError(f"num_images_per_prompt must be 1 for a video, but is {self.num_images_per_prompt}.")
        if self.timesteps is self.sigmas is None:
            check_least(1, num_inference_steps=self.num_inference_steps)
        check_weights(
            guidance_scale=self.guidance_scale,
            controlnet_conditioning_scale=self.controlnet_conditioning_scale,
            eta=self.eta,
            control_guidance_start=self.control_guidance_start,
            control_guidance_end=self.control_guidance_end,
        )
        object.__setattr__(self, "detail", check_parts(self.detail))
        scale, strength = self.detail_scale, self.detail_strength
        if scale is not None and (isinstance(scale, bool) or not isinstance(scale, int) or not 1 <= scale <= 8):
            raise ValueError(f"detail_scale must be a whole number from 1 to 8, but is {scale!r}.")
        if strength is not None and not _lies(strength, 0, 1):
            raise ValueError(f"detail_strength must be a number from 0 to 1, but is {strength!r}.")
        if self.is_detailed and self.output_type == "latent":
            raise ValueError("output_type must not be 'latent' where detail is drawn: crops are of pixels.")
        check_least(1, chunk_size=self.chunk_size, cache_interval=self.cache_interval)
        check_least(0, start=self.start)

    @classmethod
    def taken_from(cls, arguments: dict[str, Any]) -> Options:
        """Take the options out of a call's arguments; what to render, and of whom, stays there."""
        return cls(**{field.name: arguments.pop(field.name) for field in fields(cls)})

    @property
    def first_frame(self) -> int:
        """The first frame that is rendered: that of a chunk, so that ``start`` comes out as in a whole video."""
        return self.start - self.start % self.chunk_size

    @property
    def is_detailed(self) -> bool:
        """Whether something is drawn in detail."""
        return bool(self.detail) and self.detail_strength != 0

    @property
    def strength(self) -> float:
        """How far crops go where no network of detail draws them."""
        return 0.4 if self.detail_strength is None else float(self.detail_strength)

    def for_diffusers(self) -> dict[str, Any]:
        """Give the arguments of diffusers' pipeline that all chunks share."""
        inputs = list(self.callback_on_step_end_tensor_inputs)
        return {name: getattr(self, name) for name in _DIFFUSERS} | {"callback_on_step_end_tensor_inputs": inputs}

    def control_scale(
        self, controlnet: ControlNetModel | MultiControlNetModel, conditions: int
    ) -> tuple[float | list[float], tuple[float, ...] | None]:
        """Give diffusers' scale, and the weights of c and d where one ControlNet superimposes them.

        Raises ValueError where there are more or fewer scales than conditions, or several starts or ends for one
        ControlNet.
        """
        scale = self.controlnet_conditioning_scale
        if not isinstance(scale, list | tuple):
            return float(scale), None
        if len(scale) != conditions:
            raise ValueError(f"controlnet_conditioning_scale must be one value or {conditions}, but has {len(scale)}.")
        values = tuple(float(value) for value in scale)
        if hasattr(controlnet, "nets"):
            return list(values), None
        if len(values) == 1:
            return values[0], None
        if isinstance(self.control_guidance_start, list) or isinstance(self.control_guidance_end, list):
            raise ValueError("control_guidance_start and control_guidance_end must be numbers for one ControlNet.")
        return 1.0, values


def check_least(least: int, **numbers: Any) -> None:
    """Raise ValueError, by the argument's name, for what is no number or less than allowed.

    Example:
        >>> check_least(1, chunk_size=8)
    """
    for name, number in numbers.items():
        if not _lies(number, least, LARGEST):
            raise ValueError(f"{name} must be at least {least}, but is {number!r}.")


def check_weights(**weights: Any) -> None:
    """Raise ValueError for a weight, or one of several, that is no number, NaN or beyond `LARGEST`.

    Example:
        >>> check_weights(guidance_scale=7.5, controlnet_conditioning_scale=[1.0, 0.5])
    """
    for name, weight in weights.items():
        for value in weight if isinstance(weight, list | tuple) else [weight]:
            if not _lies(value, -LARGEST, LARGEST):
                raise ValueError(f"{name} must be a number within {LARGEST:,.0f} either way, but is {value!r}.")


def _lies(value: Any, least: float, most: float) -> bool:
    try:
        return least <= float(value) <= most and not isinstance(value, str | bytes)
    except (TypeError, ValueError, OverflowError):
        return False
