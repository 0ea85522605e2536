"""Pictures and a video of how far a training run is: drawing, FR map, made frame and true frame, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BytesIO
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import torch
from accelerate import Accelerator
from numpy.typing import NDArray
from PIL import Image

from signdiff_core.atomic import replacing
from signdiff_core.diffusion.pipeline import SignDiffPipeline
from signdiff_core.prepare.reader import Row
from signdiff_core.training.conditions import NEUTRAL, Conditions

_SEARCHED: Final = 4096
"""Rows among which a clip is looked for: data sets may have millions."""

VIDEO_FPS: Final = 12.0
"""Frames per second of a validation's video, whatever its clip had: data sets keep some frames of a clip."""


def longest_clip(rows: Sequence[Row], count: int) -> list[int]:
    """Choose the frames of one clip, in order.

    Args:
        rows: of a data set; those of one motion with one caption are a clip.
        count: frames at most.

    Returns:
        Indices of the first frames of the clip that has most; of the first such clip, if several have.

    Example:
        >>> from signdiff_core.prepare.reader import Row
        >>> clip = [("b", 1), ("a", 7), ("a", 3), ("a", 5)]
        >>> rows = [Row(file_name="", text="", joints=0, pose_id=pose, frame=frame) for pose, frame in clip]
        >>> longest_clip(rows, 2)
        [2, 3]
    """

    def clip(index: int) -> tuple[str, str]:
        return rows[index].pose_id, rows[index].text

    searched = range(min(len(rows), _SEARCHED))
    clips = [list(indices) for _, indices in groupby(sorted(searched, key=clip), key=clip)]
    longest = max(clips, key=lambda indices: (len(indices), -indices[0]))
    return sorted(longest, key=lambda index: rows[index].frame)[:count]


@torch.no_grad()
def side_by_side(
    pipeline: SignDiffPipeline,
    conditions: Conditions,
    indices: Sequence[int],
    *,
    channels: slice,
    steps: int,
    seed: int,
) -> Iterator[NDArray[np.uint8]]:
    """Render frames of a data set, each from its drawing, its neutral FR map, or both, as the ControlNet needs.

    Args:
        pipeline: what is being trained.
        conditions: those of the data set, with its frames.
        indices: which frames.
        channels: which of the six channels, c then d, the ControlNet looks at.
        steps: denoising steps.
        seed: of the noise, which all frames share.

    Yields:
        (H, 4 W, 3) uint8 RGB: c | d | made | true.
    """
    for index in indices:
        control = conditions.control(index, NEUTRAL).transpose(1, 2, 0)
        seen = [
            np.ascontiguousarray(part) for part in np.split(control[..., channels], pipeline.num_conditions, axis=-1)
        ]
        options: dict[str, Any] = {"fr_image": [seen[1]]} if len(seen) > 1 else {}
        made, _ = pipeline(
            conditions.frames.rows[index].text,
            image=[seen[0]],
            num_inference_steps=steps,
            guidance_scale=1.0,
            generator=torch.Generator().manual_seed(seed),
            output_type="np",
            return_dict=False,
            **options,
        )
        truth = conditions.frames.image(index, conditions.resolution)
        yield np.concatenate(
            [control[..., :3], control[..., 3:], np.rint(made[0] * 255).astype(np.uint8), truth], axis=1
        )


def write_grid(path: Path, grid: NDArray[np.uint8]) -> None:
    """Write a picture as PNG, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(cv2.imencode(".png", grid[..., ::-1])[1].tobytes())


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
