"""The control images of a batch, as a pipeline's ControlNet takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

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
    """
    drawings, maps = [frame.drawing for frame in frames], [frame.fr_map for frame in frames]
    each = [
        pipeline.control_image_processor.preprocess(list(frames_of(images)), height=size[0], width=size[1])
        for images in (drawings, maps)[: pipeline.num_conditions]
    ]
    if weights is not None:
        each = [weight * images for weight, images in zip(weights, each, strict=True)]
    return each if hasattr(pipeline.controlnet, "nets") else torch.cat(each, dim=1)
