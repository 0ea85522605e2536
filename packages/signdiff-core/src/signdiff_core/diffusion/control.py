"""The control images of a batch, as a pipeline's ControlNet takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image

from signdiff_core.diffusion.images import frames_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from signdiff_core.diffusion.conditions import Conditions
    from signdiff_core.diffusion.pipeline import SignDiffPipeline


def control_tensors(
    pipeline: SignDiffPipeline,
    frames: Sequence[Conditions],
    size: tuple[int | None, int | None],
    weights: tuple[float, ...] | None,
) -> Any:
    """Make the control images of a batch.

    Args:
        pipeline: whose ControlNet will see them.
        frames: drawings and maps.
        size: height and width in pixels, where they were given.
        weights: of c and d, for one ControlNet that superimposes them.

    Returns:
        (B, 3, H, W) in [0, 1]; (B, 6, H, W) for a superimposed ControlNet; a list for two ControlNets.

    Raises:
        ValueError: the pictures differ in kind or in size.
    """
    drawings, maps = [frame.drawing for frame in frames], [frame.fr_map for frame in frames]
    named = (("image", drawings), ("fr_image", maps))[: pipeline.num_conditions]
    each = [_tensor(pipeline, name, list(frames_of(images)), size) for name, images in named]
    first = each[0].shape[-2:]
    for (name, _), images in zip(named, each, strict=True):
        if images.shape[-2:] != first:
            raise ValueError(f"{name} must have the size of image, {_told(first)}, but has {_told(images.shape[-2:])}.")
    if weights is not None:
        each = [weight * images for weight, images in zip(weights, each, strict=True)]
    return each if hasattr(pipeline.controlnet, "nets") else torch.cat(each, dim=1)


def _tensor(pipeline: SignDiffPipeline, name: str, images: list[Any], size: tuple[int | None, int | None]) -> Any:
    """Let diffusers bring the pictures of a batch to one tensor; PIL images it brings to one size, others it cannot."""
    kinds = [kind for kind in (Image.Image, np.ndarray, torch.Tensor) if any(isinstance(one, kind) for one in images)]
    if len(kinds) > 1:
        names = {Image.Image: "PIL images", np.ndarray: "arrays of floats", torch.Tensor: "tensors"}
        raise ValueError(f"{name} must hold pictures of one kind, but has {' and '.join(names[k] for k in kinds)}.")
    if kinds != [Image.Image]:
        shapes = sorted({tuple(image.shape) for image in images})
        if len(shapes) > 1:
            raise ValueError(f"{name} must hold pictures of one size, but has {shapes[0]} and {shapes[1]}.")
    return pipeline.control_image_processor.preprocess(images, height=size[0], width=size[1])


def _told(size: Sequence[int]) -> str:
    return f"{size[1]}x{size[0]}"
