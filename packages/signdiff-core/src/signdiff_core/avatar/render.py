"""Draws a motion: one frame after another, as they are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from signdiff_core.avatar.looks import dress
from signdiff_core.avatar.raycast import Raycaster
from signdiff_core.camera import Camera

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from signdiff_core.avatar.motion import Motion
    from signdiff_core.avatar.signer import Signer


def render_frames(
    signer: Signer, motion: Motion, *, size: int = 256, camera: Camera | None = None, device: str = "cpu"
) -> Iterator[NDArray[np.uint8]]:
    """Draw a signer who performs a motion.

    Args:
        signer: skin, hair, clothes, background and light. The body is the motion's.
        motion: what `fit` gave.
        size: side of the frames in pixels, at least 16.
        camera: where the signer stands; `Camera()` if not given.
        device: a warp device, such as "cpu" or "cuda:0".

    Yields:
        One (size, size, 3) uint8 RGB frame per frame of the motion.

    Raises:
        ValueError: ``size`` is less than 16.
    """
    if size < 16:
        raise ValueError(f"size must be at least 16 pixels, but is {size}.")
    caster = Raycaster(motion.body, dress(motion.body, signer), size=size, camera=camera or Camera(), device=device)
    return (caster.draw(turns, shifts) for block in motion.blocks() for turns, shifts in zip(*block, strict=True))
