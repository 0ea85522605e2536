"""The nodes: an IMAGE in, its FR maps as an IMAGE out."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, ClassVar, get_args

import numpy as np

from signdiff_frnet.contract import InvalidImageError, resize_frame
from signdiff_frnet.ops import annotate_batch
from signdiff_frnet.parameters import DEFAULTS, FRNetParameters, Preset, ThresholdMethod

if TYPE_CHECKING:
    from torch import Tensor

    from signdiff_frnet.contract import UInt8Image

_IMAGE = ("IMAGE", {"tooltip": "Frames to annotate."})
_RESOLUTION = (
    "INT",
    {
        "default": 512,
        "min": 0,
        "max": 4096,
        "step": 64,
        "tooltip": "Short side of the map in pixels, both sides rounded to multiples of 64; 0 keeps the frames' size.",
    },
)


class FRNetNode:
    """Draws FR maps by a named preset, whose sizes follow the resolution."""

    CATEGORY: ClassVar = "ControlNet Preprocessors/SignDiff"
    DESCRIPTION: ClassVar = "Dark strokes along edges, on white: the frame-reinforcement map of SignDiff."
    FUNCTION: ClassVar = "annotate"
    RETURN_TYPES: ClassVar = ("IMAGE",)
    RETURN_NAMES: ClassVar = ("fr_map",)

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802 - ComfyUI's name
        """Describe the node's inputs in ComfyUI's way."""
        presets = list(get_args(Preset)), {"default": "paper"}
        return {"required": {"image": _IMAGE, "preset": presets, "resolution": _RESOLUTION}}

    def annotate(self, image: Tensor, preset: Preset, resolution: int) -> tuple[Tensor]:
        """Draw the maps of (B, H, W, 3) float frames, RGB, 0 to 1: of the same kind and device, every value 0 or 1.

        Presets are made for 512 pixels, and scaled to the resolution: the short side of the maps in pixels, above 32,
        or 0 for the frames' own size. A ValueError if an argument has another type, shape or range.
        """
        frames = _resized(_to_frames(image), resolution)
        parameters = FRNetParameters.preset(preset).for_resolution(min(frames.shape[1:3]))
        return (_to_image(annotate_batch(frames, **asdict(parameters)), image),)


class FRNetAdvancedNode:
    """Draws FR maps by parameters that are given one by one, in pixels of the map."""

    CATEGORY: ClassVar = FRNetNode.CATEGORY
    DESCRIPTION: ClassVar = FRNetNode.DESCRIPTION
    FUNCTION: ClassVar = "annotate"
    RETURN_TYPES: ClassVar = FRNetNode.RETURN_TYPES
    RETURN_NAMES: ClassVar = FRNetNode.RETURN_NAMES

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802 - ComfyUI's name
        """Describe the node's inputs in ComfyUI's way."""
        return {
            "required": {
                "image": _IMAGE,
                "threshold_method": (list(get_args(ThresholdMethod)), {"default": DEFAULTS.threshold_method}),
                "block_size": ("INT", {"default": DEFAULTS.block_size, "min": 3, "max": 255, "step": 2}),
                "offset": ("FLOAT", {"default": DEFAULTS.offset, "min": -255.0, "max": 255.0, "step": 1.0}),
                "kernel_size": ("INT", {"default": DEFAULTS.kernel_size, "min": 1, "max": 255, "step": 2}),
                "resolution": _RESOLUTION,
            }
        }

    def annotate(
        self,
        image: Tensor,
        threshold_method: ThresholdMethod,
        block_size: int,
        offset: float,
        kernel_size: int,
        resolution: int,
    ) -> tuple[Tensor]:
        """Draw the maps: see `FRNetNode.annotate`, and `FRNetParameters` for the next four arguments."""
        frames = _resized(_to_frames(image), resolution)
        maps = annotate_batch(
            frames, threshold_method=threshold_method, block_size=block_size, offset=offset, kernel_size=kernel_size
        )
        return (_to_image(maps, image),)


def _to_frames(image: Tensor) -> UInt8Image:
    import torch

    if not isinstance(image, torch.Tensor) or not image.is_floating_point():
        form = f"a tensor of dtype {image.dtype}" if isinstance(image, torch.Tensor) else type(image).__name__
        raise InvalidImageError(f"image must be a float tensor with values from 0 to 1, but is {form}.")
    if image.ndim != 4 or image.shape[3] != 3 or 0 in image.shape:
        raise InvalidImageError(
            f"image must have the shape (B, H, W, 3) with no side of 0, but has {tuple(image.shape)}."
        )
    if not bool(image.isfinite().all()):
        raise InvalidImageError("image must hold numbers from 0 to 1, but some are infinite or not a number.")
    # Rounded and not cut off: ComfyUI's frames are 8-bit levels divided by 255, which multiply back to a bit less.
    frames: UInt8Image = (image.float() * 255).round().clamp(0, 255).to(torch.uint8).cpu().numpy()
    return frames


def _resized(frames: UInt8Image, resolution: int) -> UInt8Image:
    if resolution == 0:
        return frames
    return np.stack([resize_frame(frame, resolution) for frame in frames])


def _to_image(maps: UInt8Image, image: Tensor) -> Tensor:
    import torch

    white = torch.from_numpy(maps).to(image.device) > 0
    return white.to(torch.float32)[..., None].repeat(1, 1, 1, 3)
