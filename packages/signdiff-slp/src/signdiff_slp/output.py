"""From the model's frames to a pose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from signdiff_slp.models.progressive import ProgressiveTransformer, with_bone_lengths
from signdiff_slp.models.progressive.standardizer import as_joints

if TYPE_CHECKING:
    from pose_format import Pose
    from torch import Tensor


def to_pose(frames: Tensor, model: ProgressiveTransformer, *, constant_bones: bool | None = None) -> Pose:
    """Make a pose of decoded frames.

    Args:
        frames: (T, D + 1) as `generate` returns them.
        model: the model that they come from.
        constant_bones: put every limb on its median length in the training corpus; by default as the model's
            configuration says.

    Returns:
        A pose of T frames at the model's frame rate.
    """
    skeleton = model.standardizer.skeleton
    joints = as_joints(frames[:, :-1])
    if model.config.constant_bones if constant_bones is None else constant_bones:
        joints = with_bone_lengths(joints, model.standardizer.bone_lengths.float(), skeleton)
    return skeleton.make_pose(joints.cpu().numpy(), model.config.fps)
