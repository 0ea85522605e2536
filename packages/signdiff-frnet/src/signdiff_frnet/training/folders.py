"""Folders of training data: frames with joints, pairs of drawings and frames, and videos with their poses."""

from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from signdiff_core import formats
from signdiff_core.camera import Camera
from signdiff_core.drawing import draw
from signdiff_core.prepare.reader import open_frames
from signdiff_core.skeleton import NUM_JOINTS
from signdiff_frnet.contract import UInt8Image
from signdiff_frnet.training.images import IMAGES, VIDEOS, pack, read_every, read_rgb, resize, square, unpack

Read = Callable[[], UInt8Image]


class JointFolder:
    """A source of frames with joints, in any layout that signdiff-core trains on; each frame's middle square is used.

    Rows with the same ``pose_id`` and ``text`` (the signer's looks) go together; a row without a ``text`` has no
    companions.
    """

    def __init__(self, root: Path) -> None:
        self._frames = open_frames(root, captions=False)
        self._signers: dict[tuple[str, str], list[int]] = defaultdict(list)
        for index, row in enumerate(self._frames.rows):
            self._signers[row.pose_id, row.text].append(index)

    def __len__(self) -> int:
        return len(self._frames)

    def drawing(self, index: int, resolution: int) -> UInt8Image:
        """See `Source.drawing`."""
        joints = self._frames.joints(index)
        return draw(joints, np.asarray(np.isfinite(joints).all(axis=1), np.float32), size=resolution)

    def frame(self, index: int, resolution: int) -> UInt8Image:
        """See `Source.frame`."""
        path = self._frames.root / self._frames.rows[index].file_name
        if path.is_file():
            return resize(square(read_rgb(path)), resolution)
        return self._frames.image(index, resolution)  # out of an archive

    def companions(self, index: int) -> list[int]:
        """See `Source.companions`."""
        row = self._frames.rows[index]
        return [other for other in self._signers[row.pose_id, row.text] if other != index]


class PairFolder:
    """A source of pairs ``drawings/NAME`` and ``frames/NAME``; suffixes may differ.

    The frames of a video, of which every ``frame_step``-th is a sample, and the images within one sub-folder, are of
    one signer; images that lie in no sub-folder are each of another, so that they have no companions. Videos are kept
    in memory, compressed. A ValueError if a frame has no drawing, or there are no pairs.
    """

    def __init__(self, root: Path, *, frame_step: int = 5) -> None:
        self._pairs: list[tuple[Read, Read]] = []
        self._signer_of: list[str] = []
        drawings = {path.relative_to(root / "drawings").with_suffix(""): path for path in _media(root / "drawings")}
        for frame in _media(root / "frames"):
            name = frame.relative_to(root / "frames").with_suffix("")
            drawing = drawings.get(name)
            if drawing is None or (drawing.suffix.lower() in VIDEOS) != (frame.suffix.lower() in VIDEOS):
                raise ValueError(f"{root}/drawings must hold {name} as frames does, an image or a video, but does not.")
            if frame.suffix.lower() in VIDEOS:
                self._add_videos(str(name), drawing, frame, frame_step)
            else:
                signer = str(name) if len(name.parts) == 1 else str(name.parent)
                self._add(signer, partial(read_rgb, drawing), partial(read_rgb, frame))
        if not self._pairs:
            raise ValueError(f"{root}/frames must hold images or videos, but holds none.")
        self._signers: dict[str, list[int]] = defaultdict(list)
        for index, signer in enumerate(self._signer_of):
            self._signers[signer].append(index)

    def __len__(self) -> int:
        return len(self._pairs)

    def drawing(self, index: int, resolution: int) -> UInt8Image:
        """See `Source.drawing`."""
        return resize(square(self._pairs[index][0]()), resolution, smooth=False)

    def frame(self, index: int, resolution: int) -> UInt8Image:
        """See `Source.frame`."""
        return resize(square(self._pairs[index][1]()), resolution)

    def companions(self, index: int) -> list[int]:
        """See `Source.companions`."""
        return [other for other in self._signers[self._signer_of[index]] if other != index]

    def _add(self, signer: str, drawing: Read, frame: Read) -> None:
        self._pairs.append((drawing, frame))
        self._signer_of.append(signer)

    def _add_videos(self, name: str, drawing: Path, frame: Path, step: int) -> None:
        # A film and its drawings can differ by a last frame that one encoder kept and the other did not.
        for drawn, filmed in zip(read_every(drawing, step), read_every(frame, step), strict=False):
            self._add(name, partial(unpack, pack(square(drawn))), partial(unpack, pack(square(filmed))))


def _media(folder: Path) -> list[Path]:
    """The images and videos of a folder, but for hidden ones."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in (*IMAGES, *VIDEOS)
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]


class ClipFolder:
    """A source of videos with poses, searched in sub-folders too, of which every ``frame_step``-th frame is a sample.

    A pose whose header gives the size of a picture is in pixels of that picture, which the video shows; a normalised
    one (1 by 1) is where the drawer's camera sees it. The middle square of each frame is used. Frames are kept in
    memory, compressed. A ValueError if a pose has no video beside it, or one of them can't be read.
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
        return draw(self._joints[index], self._confidence[index], size=resolution)

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
    camera = Camera()
    moved = np.zeros_like(joints)
    moved[:, :2] = (share - np.asarray(camera.neck)) / camera.scale
    return moved


def read_pose(path: Path) -> Any:
    """Read a ``.pose`` file of one person with the 50 joints; a ValueError if it is broken, or has another skeleton."""
    pose = formats.read(path)
    shape = pose.body.data.shape
    if shape[1] != 1 or shape[2] != NUM_JOINTS:
        raise ValueError(
            f"{path} must hold one person with SignDiff's {NUM_JOINTS} joints, but holds {shape[1]} with {shape[2]}; "
            "signdiff convert may bring them to that form."
        )
    return pose


def joints_of(pose: Any) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Take positions (T, 50, 3), absent ones 0, and confidences (T, 50) out of what `read_pose` gives."""
    data = np.ma.filled(pose.body.data[:, 0], 0.0).astype(np.float32)
    if data.shape[2] == 2:
        data = np.pad(data, ((0, 0), (0, 0), (0, 1)))
    return data, np.asarray(pose.body.confidence[:, 0], dtype=np.float32)
