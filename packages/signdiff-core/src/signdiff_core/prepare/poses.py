"""The pose of a clip, in pixels of its video."""

from __future__ import annotations

import inspect
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from signdiff_core import formats
from signdiff_core.landmarks import landmarks_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from pose_format import Pose

    from signdiff_core.video import VideoInfo

_ASPECT: Final = 0.02
"""How much the proportions of the picture that a pose was found in may differ from the video's."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a detector saw of the signer.

    Attributes:
        points: (T, 50, 2) in pixels of the video, from its top left corner; absent joints are anything.
        confidence: (T, 50) in [0, 1]; 0 where absent.
        fps: frames per second; None if the files do not tell, and there is a pose for every frame of the video.
        notes: what was left out while reading.
    """

    points: NDArray[np.float64]
    confidence: NDArray[np.float64]
    fps: float | None
    notes: tuple[str, ...] = ()


def read_seen(path: Path, video: VideoInfo) -> Seen:
    """Read the pose of a video.

    Args:
        path: a file or folder of any format, with the 50 joints, MediaPipe Holistic's or OpenPose's landmarks.
        video: the video that it was found in.

    Raises:
        FormatError: the pose is broken, normalised, or of another picture.
        ValueError: it has another skeleton.
    """
    chosen = formats.format_for(path, "read")
    # A format that takes the rate and the picture's size does so because its files do not tell them.
    told = {"fps": video.fps, "size": (video.width, video.height)}
    known = inspect.signature(chosen.read).parameters
    options: dict[str, Any] = {name: value for name, value in told.items() if name in known}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", formats.FormatWarning)
        pose = chosen.read(path, **options)
    notes = tuple(str(each.message) for each in caught if issubclass(each.category, formats.FormatWarning))
    if formats.is_normalised(pose):
        raise formats.FormatError(path, "expected positions in pixels of the video, but they are normalised.")
    found = landmarks_of(_most_confident(pose))
    scale = _scale(path, pose, video)
    points = found.joints[..., :2] * scale
    present = (found.confidence > 0) & np.isfinite(points).all(axis=-1)
    # A whole picture beyond its edges: no detector guesses that far. The pose is of a larger picture.
    reach = np.abs(np.where(present[..., None], points, 0)).max() if present.any() else 0.0
    if reach > 2 * max(video.width, video.height):
        raise formats.FormatError(
            path, f"expected positions in a picture of {video.width}x{video.height}, but they reach {reach:.0f}."
        )
    return Seen(
        points=points,
        confidence=np.where(present, np.minimum(found.confidence, 1.0), 0.0),
        fps=None if "fps" in options else float(pose.body.fps),
        notes=notes,
    )


def _most_confident(pose: Pose) -> Pose:
    """Keep one person a frame, as the reader of OpenPose JSON does."""
    from pose_format import Pose as PoseClass
    from pose_format.numpy import NumPyPoseBody

    if pose.body.data.shape[1] == 1:
        return pose
    best = np.asarray(pose.body.confidence).sum(axis=-1).argmax(axis=1)
    frames = np.arange(len(best))
    data, confidence = pose.body.data[frames, best][:, None], pose.body.confidence[frames, best][:, None]
    return PoseClass(pose.header, NumPyPoseBody(pose.body.fps, data, confidence))


def _scale(path: Path, pose: Pose, video: VideoInfo) -> float:
    """Pixels of the video per pixel of the picture that the pose names."""
    width, height = int(pose.header.dimensions.width), int(pose.header.dimensions.height)
    across, down = video.width / max(width, 1), video.height / max(height, 1)
    if abs(across / down - 1) > _ASPECT:
        raise formats.FormatError(
            path, f"expected a pose of a picture of {video.width}x{video.height}, but it is of {width}x{height}."
        )
    return across
