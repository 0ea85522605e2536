"""Videos of signers, each with the pose that was estimated from it, in a ``.pose`` file of the same name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from signdiff_frnet.training.drawings import draw, drawer, joints_of, read_pose
from signdiff_frnet.training.images import VIDEOS, pack, read_every, resize, square, unpack

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from signdiff_frnet.contract import UInt8Image


class ClipFolder:
    """A source of videos with poses.

    A pose whose header gives the size of a picture is in pixels of that picture, which the video shows; a normalised
    one (1 by 1) is where the drawer's camera sees it. The middle square of each frame is used. Frames are kept in
    memory, compressed.

    Args:
        root: the folder; its sub-folders are searched too.
        frame_step: every so many frames are samples.

    Raises:
        ValueError: a pose has no video beside it, or one of them can't be read.
    """

    def __init__(self, root: Path, *, frame_step: int = 5) -> None:
        self._frames: list[bytes] = []
        self._joints: list[NDArray[np.float32]] = []
        self._confidence: list[NDArray[np.float32]] = []
        self._clip: list[range] = []
        for path in sorted(root.rglob("*.pose")):
            if any(part.startswith(".") for part in path.relative_to(root).parts):
                continue
            videos = [other for other in (path.with_suffix(suffix) for suffix in VIDEOS) if other.is_file()]
            if not videos:
                raise ValueError(f"{path} must have a video of the same name beside it, but has none.")
            self._add(path, videos[0], frame_step)
        if not self._frames:
            raise ValueError(f"{root} must hold videos with frames, but holds none.")

    def __len__(self) -> int:
        return len(self._frames)

    def drawing(self, index: int, resolution: int) -> UInt8Image:
        """See `Source.drawing`."""
        return draw(self._joints[index], self._confidence[index], resolution)

    def frame(self, index: int, resolution: int) -> UInt8Image:
        """See `Source.frame`."""
        return resize(unpack(self._frames[index]), resolution)

    def companions(self, index: int) -> list[int]:
        """See `Source.companions`."""
        return [other for other in self._clip[index] if other != index]

    def _add(self, path: Path, video: Path, step: int) -> None:
        pose = read_pose(path)
        joints, confidence = joints_of(pose)
        start = len(self._frames)
        for number, frame in zip(range(0, len(joints), step), read_every(video, step), strict=False):
            self._frames.append(pack(square(frame)))
            self._joints.append(_aligned(joints[number], pose.header.dimensions, frame.shape))
            self._confidence.append(confidence[number])
        clip = range(start, len(self._frames))
        self._clip.extend(clip for _ in clip)


def _aligned(joints: NDArray[np.float32], picture: Any, frame: tuple[int, ...]) -> NDArray[np.float32]:
    """Bring joints in pixels to where the drawer's camera sees them in the frame's middle square."""
    if picture.width <= 1 and picture.height <= 1:
        return joints
    height, width = frame[:2]
    side = min(height, width)
    pixels = joints[:, :2] * (width / picture.width, height / picture.height)
    share = (pixels - ((width - side) / 2, (height - side) / 2)) / side
    camera = drawer().camera
    moved = np.zeros_like(joints)
    moved[:, :2] = (share - np.asarray(camera.neck)) / camera.scale
    return moved
