"""From the model's frames to a pose, and to a file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from signdiff_core.skeleton import make_pose
from signdiff_slp.models.progressive import ProgressiveTransformer, with_bone_lengths
from signdiff_slp.models.progressive.standardizer import as_joints

if TYPE_CHECKING:
    from pose_format import Pose
    from torch import Tensor


def to_pose(frames: Tensor, model: ProgressiveTransformer, *, constant_bones: bool = True) -> Pose:
    """Make a pose of decoded frames.

    Args:
        frames: (T, 151) as `generate` returns them.
        model: the model that they come from.
        constant_bones: put every limb on the length that it has in the training corpus.

    Returns:
        A pose of T frames at the model's frame rate.
    """
    joints = as_joints(frames[:, :-1])
    if constant_bones:
        joints = with_bone_lengths(joints, model.standardizer.bone_lengths.float())
    return make_pose(joints.cpu().numpy(), model.config.fps)


def write_pose(pose: Pose, path: Path) -> None:
    """Write a ``.pose`` file. Nothing half-written is left behind."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            pose.write(file)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
