"""Files of the SLRTP 2025 challenge: ``.pt``, a dictionary from names to poses of 178 joints."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from signdiff_eval.installed import need
from signdiff_eval.readers.torch_files import load_tensors

if TYPE_CHECKING:
    from pose_format import Pose

FPS: Final = 25.0
"""Frames per second of the challenge's own files."""

MAX_BYTES: Final = 2**32
"""Largest file that is read, and largest content that is unpacked from one."""

MAX_VALUES: Final = 50_000_000
"""Most numbers in one sequence: more than 25 minutes of signing."""

_FINGERS: Final = ("Thumb", "Index", "Middle", "Ring", "Pinky")
_BODY: Final = ("RShoulder", "RElbow", "RWrist", "LShoulder", "LElbow", "LWrist", "RHip", "LHip")
_HAND: Final = ("Wrist", *(f"{finger}{joint}" for finger in _FINGERS for joint in range(1, 5)))
_FACE: Final = tuple(f"face{point}" for point in range(128))

COMPONENTS: Final = (
    ("BODY", _BODY, ((0, 1), (1, 2), (0, 3), (3, 4), (4, 5), (0, 6), (6, 7), (7, 3))),
    *(
        (side, _HAND, tuple((0 if joint % 4 == 1 else joint - 1, joint) for joint in range(1, 21)))
        for side in ("RIGHT_HAND", "LEFT_HAND")
    ),
    ("FACE", _FACE, ()),
)
"""Name, joints and limbs of each component, in the order of the files: body, right hand, left hand, face."""

JOINTS: Final = sum(len(points) for _, points, _ in COMPONENTS)
"""178."""


class SLRTPFormat:
    """Reads the challenge's files: those with ``{"poses_3d": ..., "text": ...}`` and those with nothing but poses.

    Files load without running any code that they may hold. It takes torch.

    Args:
        fps: frames per second, which the files don't state.
    """

    name = "slrtp"
    suffixes = (".pt",)

    def __init__(self, fps: float = FPS) -> None:
        self.fps = fps

    def matches(self, path: Path) -> bool:
        """Tell by its name whether a file is of this format."""
        return path.suffix == ".pt"

    def read_all(self, path: Path) -> Iterator[tuple[str, Pose]]:
        """Read names and poses one after another: 178 joints with 3 axes, of which those with a NaN are absent.

        A ValueError if it is no file of the challenge, or too large, a ModuleNotFoundError without torch.
        """
        # One stretch of the file may be several tensors, but not any number of them.
        left = 4 * path.stat().st_size
        for name, entry in _entries(path).items():
            joints = _joints_of(path, name, entry)
            left -= joints.size
            if left < 0:
                raise ValueError(f"{path} must hold all values of its tensors, but has no room for so many.")
            yield name, _pose_of(joints, self.fps)


def read_slrtp_texts(path: Path) -> dict[str, str]:
    """Read the sentences of a file of the challenge, by the names of their sequences.

    Raises:
        ValueError: not a file of the challenge, too large a one, or one without sentences.
        ModuleNotFoundError: torch isn't installed.
    """
    texts = {}
    for name, entry in _entries(path).items():
        text = entry.get("text") if isinstance(entry, dict) else None
        if not isinstance(text, str):
            raise ValueError(f"{path} must hold a text for each sequence, but holds none for {name}.")
        texts[name] = text
    return texts


def _entries(path: Path) -> dict[str, Any]:
    need("slrtp", "torch", purpose="reading .pt files")
    content = load_tensors(path, what="a .pt file of tensors and texts", max_bytes=MAX_BYTES)
    if not isinstance(content, dict) or not content or not all(isinstance(name, str) for name in content):
        raise ValueError(f"{path} must hold a dictionary from names to poses, but holds {type(content).__name__}.")
    return content


def _joints_of(path: Path, name: str, entry: Any) -> NDArray[np.float32]:
    import torch

    poses = entry.get("poses_3d") if isinstance(entry, dict) else entry
    expected = f"a tensor of the shape (T, {JOINTS}, 3)"
    if not isinstance(poses, torch.Tensor) or not poses.is_floating_point():
        raise ValueError(f"{path} must hold {expected} for each sequence, but {name} is {type(poses).__name__}.")
    shape = tuple(poses.shape)
    if len(shape) != 3 or not shape[0] or shape[1:] != (JOINTS, 3) or poses.numel() > MAX_VALUES:
        raise ValueError(f"{path} must hold {expected} for each sequence, but {name} has {shape}.")
    if poses.layout != torch.strided or poses.device.type != "cpu":
        raise ValueError(f"{path} must hold plain tensors, but {name} is {poses.layout} on {poses.device}.")
    if poses.numel() * poses.element_size() > poses.untyped_storage().nbytes():
        raise ValueError(f"{path} must hold all values of {name}, but holds fewer than its shape has.")
    joints: NDArray[np.float32] = poses.detach().to(torch.float32).numpy()
    return joints


def _pose_of(joints: NDArray[np.float32], fps: float) -> Pose:
    from pose_format import Pose
    from pose_format.numpy import NumPyPoseBody
    from pose_format.pose_header import PoseHeader, PoseHeaderComponent, PoseHeaderDimensions

    present: NDArray[np.bool_] = np.isfinite(joints).all(axis=-1)  # type: ignore[assignment]
    components = [
        PoseHeaderComponent(name, list(points), list(limbs), [(128, 128, 128)], "XYZC")
        for name, points, limbs in COMPONENTS
    ]
    header = PoseHeader(version=0.2, dimensions=PoseHeaderDimensions(1, 1, 1), components=components)
    data = np.where(present[..., None], joints, 0)[:, None]
    return Pose(header, NumPyPoseBody(fps, data, present[:, None].astype(np.float32)))
