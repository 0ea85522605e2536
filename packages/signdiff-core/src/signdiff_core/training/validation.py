"""Pictures of how far a training run is: drawing, FR map, made frame and true frame, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch

from signdiff_core.atomic import replacing
from signdiff_core.training.conditions import NEUTRAL

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from signdiff_core.diffusion.pipeline import SignDiffPipeline
    from signdiff_core.training.conditions import ConditionCache


@torch.inference_mode()
def validation_grid(
    pipeline: SignDiffPipeline, cache: ConditionCache, *, images: int, steps: int, seed: int
) -> NDArray[np.uint8]:
    """Render frames spread over a data set, from drawings and neutral FR maps.

    Args:
        pipeline: what is being trained.
        cache: the frames and their conditions.
        images: number of rows.
        steps: denoising steps.
        seed: of the noise.

    Returns:
        (images * H, 4 * W, 3) uint8 RGB: c | d | made | true.
    """
    count = min(images, len(cache.frames))
    rows = []
    for index in (number * len(cache.frames) // count for number in range(count)):
        control = cache.control(index, NEUTRAL).transpose(1, 2, 0)
        made, _ = pipeline(
            cache.frames.rows[index].text,
            image=[np.ascontiguousarray(control[..., :3])],
            fr_image=[np.ascontiguousarray(control[..., 3:])],
            num_inference_steps=steps,
            guidance_scale=1.0,
            generator=torch.Generator(pipeline.device).manual_seed(seed),
            output_type="np",
            return_dict=False,
        )
        truth = cache.frames.image(index, cache.resolution)
        rows.append(
            np.concatenate([control[..., :3], control[..., 3:], np.rint(made[0] * 255).astype(np.uint8), truth], axis=1)
        )
    return np.concatenate(rows)


def write_grid(path: Path, grid: NDArray[np.uint8]) -> None:
    """Write a grid as PNG, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(cv2.imencode(".png", grid[..., ::-1])[1].tobytes())
