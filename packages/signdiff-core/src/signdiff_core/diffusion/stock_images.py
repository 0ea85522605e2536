"""``image`` as diffusers' own ControlNet pipeline takes it: what each ControlNet, or each channel, looks at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from signdiff_core.diffusion.images import is_picture

if TYPE_CHECKING:
    from signdiff_core.diffusion.pipeline import SignDiffPipeline


def apart(pipeline: SignDiffPipeline, image: Any, whose: str) -> tuple[Any, Any]:
    """Take drawings and FR maps apart where they come together, as diffusers has them.

    For two ControlNets: ``[drawing, map]`` is one frame, ``[drawings, maps]`` of two batches (T, ...) are T, and so
    are T pairs ``[[drawing, map], ...]``. For one ControlNet of both conditions: a tensor (T, 6, H, W).

    Args:
        pipeline: whose ControlNets these are.
        image: what it was called with, without maps apart from it.
        whose: what of the call diffusers does not know; with it, two pictures may be meant as two drawings.

    Returns:
        Drawings, and maps; ``image`` itself and None where it holds drawings alone.

    Raises:
        ValueError: it can be understood in two ways.
    """
    if not hasattr(pipeline.controlnet, "nets"):
        if pipeline.num_conditions == 2 and getattr(image, "ndim", 0) == 4 and image.shape[1] == 6:
            return image[:, :3], image[:, 3:]
        return image, None
    if not isinstance(image, list) or pipeline.num_conditions != 2:
        return image, None
    if image and all(isinstance(frame, list | tuple) for frame in image):
        if any(len(frame) != 2 for frame in image):
            raise ValueError("image must hold one picture for each of two ControlNets in each of its lists.")
        drawings, maps = zip(*image, strict=True)
        return list(drawings), list(maps)
    if len(image) != 2:
        return image, None
    if all(getattr(batch, "ndim", 0) == 4 for batch in image):
        return image[0], image[1]
    if not all(is_picture(picture) for picture in image):
        return image, None
    if whose:
        raise ValueError(
            "image must be unmistakable, but of two pictures for two ControlNets diffusers makes one frame, of drawing "
            f"and FR map, and {whose} two, of drawings: give the map as fr_image, or a frnet_source."
        )
    return image[:1], image[1:]
