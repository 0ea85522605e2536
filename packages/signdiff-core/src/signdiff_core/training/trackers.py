"""Validation pictures and videos for accelerate's trackers."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Sequence

    from accelerate import Accelerator
    from numpy.typing import NDArray


def log_picture(accelerator: Accelerator, name: str, picture: NDArray[np.uint8], *, step: int) -> None:
    """Show a picture in TensorBoard or W&B.

    Args:
        accelerator: of the run; with trackers or without.
        name: what it is called there.
        picture: (H, W, 3) uint8 RGB.
        step: optimizer steps so far.
    """
    for tracker in accelerator.trackers:
        if tracker.name == "tensorboard":
            tracker.log_images({name: picture[None]}, step=step, dataformats="NHWC")
        elif tracker.name == "wandb":
            tracker.log_images({name: [picture]}, step=step)


def log_clip(
    accelerator: Accelerator, name: str, frames: Sequence[NDArray[np.uint8]], *, fps: float, step: int
) -> None:
    """Show moving pictures in TensorBoard, which plays GIFs.

    Args:
        accelerator: of the run; with trackers or without.
        name: what they are called there.
        frames: (H, W, 3) uint8 RGB each, of one size.
        fps: frames per second.
        step: optimizer steps so far.
    """
    boards = [tracker for tracker in accelerator.trackers if tracker.name == "tensorboard"]
    if not boards:
        return
    # torch's own add_video does the same by way of moviepy, which nothing else here needs.
    from tensorboard.compat.proto.summary_pb2 import Summary  # type: ignore[import-untyped]

    first, *others = (Image.fromarray(frame) for frame in frames)
    animation = BytesIO()
    first.save(
        animation, format="GIF", save_all=True, append_images=others, duration=round(1000 / fps), loop=0, optimize=False
    )
    image = Summary.Image(
        height=first.height, width=first.width, colorspace=3, encoded_image_string=animation.getvalue()
    )
    for board in boards:
        board.writer.file_writer.add_summary(Summary(value=[Summary.Value(tag=name, image=image)]), step)
        board.writer.flush()
