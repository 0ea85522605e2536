"""From the model's frames to a pose."""

from __future__ import annotations

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
