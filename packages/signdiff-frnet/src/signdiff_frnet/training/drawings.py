"""OpenPose drawings of joints, by whichever annotator is registered as ``openpose``."""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from signdiff_frnet.contract import UInt8Image

JOINTS = 50


def load_plugin(group: str, name: str) -> Any:
    """Load a plug-in of SignDiff; no package needs to be imported by name for it.

    Args:
        group: such as ``"signdiff.annotators"``.
        name: the plug-in.

    Raises:
        ImportError: no installed package has it.
    """
    found = tuple(entry_points(group=group, name=name))
    if not found:
        raise ImportError(f"this training data needs the plug-in {name!r} of {group}; pip install signdiff-core.")
    return found[0].load()


@lru_cache(maxsize=1)
def drawer() -> Any:
    """The annotator ``openpose``."""
    return load_plugin("signdiff.annotators", "openpose")()


def draw(joints: NDArray[np.floating], confidence: NDArray[np.floating] | None, resolution: int) -> UInt8Image:
    """Draw joints, with lines whose width follows the resolution.

    Args:
        joints: (50, 3), normalised; the camera is the drawer's own.
        confidence: (50,), 0 for absent joints; or None.
        resolution: side in pixels.

    Returns:
        (resolution, resolution, 3) uint8 RGB.
    """
    drawing: UInt8Image = drawer()(
        joints,
        confidence,
        detect_resolution=resolution,
        image_resolution=resolution,
        output_type="np",
        line_scale=None,
    )
    return drawing


def read_pose(path: Path) -> Any:
    """Read a ``.pose`` file of one person with the 50 joints.

    Args:
        path: the file.

    Returns:
        A ``pose_format.Pose``.

    Raises:
        OSError: there is no such file.
        ValueError: it is broken, or has another skeleton.
    """
    pose = load_plugin("signdiff.pose_formats", "pose")().read(path)
    shape = pose.body.data.shape
    if shape[1] != 1 or shape[2] != JOINTS:
        raise ValueError(
            f"{path} must hold one person with SignDiff's {JOINTS} joints, but holds {shape[1]} with {shape[2]}; "
            "signdiff convert may bring them to that form."
        )
    return pose


def joints_of(pose: Any) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Take positions (T, 50, 3), absent ones 0, and confidences (T, 50) out of what `read_pose` gives."""
    data = np.ma.filled(pose.body.data[:, 0], 0.0).astype(np.float32)
    if data.shape[2] == 2:
        data = np.pad(data, ((0, 0), (0, 0), (0, 1)))
    return data, np.asarray(pose.body.confidence[:, 0], dtype=np.float32)
