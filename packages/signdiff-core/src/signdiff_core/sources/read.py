"""Read a clip of any kind. Folders of JSON, a file a frame, and ``.pose`` files are read here.

A frame of DWPose has ``num_persons`` and ``person_0``, ``person_1``, ...: of each 18 points of the body in OpenPose's
order, with the neck, then 21 of each hand, and 68 of the face, as positions and scores. Positions are shares of the
picture's sides, or pixels. Instead of the body's scores there are mostly the numbers of the points, counted over all
people, -1 where absent.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from signdiff_core.estimators.estimating import estimate_video
from signdiff_core.formats.coordinates import LARGEST, is_normalised
from signdiff_core.formats.files import FormatError, frames_of, is_absent, load_object, shown
from signdiff_core.formats.openpose import FILES, read_people
from signdiff_core.formats.pose import PoseFormat
from signdiff_core.landmarks import in_space, landmarks_of
from signdiff_core.skeleton import (
    BODY,
    BODY_HANDS_FACE,
    FACE,
    HEAD,
    LEFT_HAND,
    OPENPOSE50,
    RIGHT_HAND,
    Skeleton,
    is_known,
)
from signdiff_core.sources.arrays import read_h5, read_mediapipe
from signdiff_core.sources.detections import (
    MAX_FRAMES,
    MAX_PLACES,
    Detections,
    as_points,
    rate_of,
    stack_people,
)
from signdiff_core.sources.find import Source
from signdiff_core.video.reading import probe

if TYPE_CHECKING:  # pose_format is heavy to import
    from pose_format import Pose

_PARTS: Final = (("body", BODY, 18), ("left_hand", LEFT_HAND, 21), ("right_hand", RIGHT_HAND, 21), ("face", FACE, 68))
_HEAD: Final = slice(14, 18)
"""Eyes and ears among the 18 points of the body."""

_LARGEST_SHARE: Final = 3.0
"""What positions stay below if they are shares; joints may lie outside of the picture."""


def read(
    source: Source,
    fps: float | None = None,
    *,
    size: tuple[int, int] | None = None,
    skeleton: Skeleton = OPENPOSE50,
) -> Detections:
    """Read what a detector saw in a clip.

    Args:
        source: where it is.
        fps: frames per second of clips that do not tell theirs: JSON and h5 without a video; 25 if not given.
        size: width and height, in pixels, of the picture of such clips.
        skeleton: the 50 joints, or `BODY_HANDS_FACE` with eyes, ears and face, absent where the source has none.

    Raises:
        FormatError: the clip is broken, empty or too large; the message names the file and the place.
        VideoError: its video is broken.
        ValueError: ``fps`` is not positive, or ``size`` is missing for positions that are shares of the picture.
        ModuleNotFoundError: the kind needs a package that is missing.
    """
    if fps is not None and not (math.isfinite(fps) and fps > 0):
        raise ValueError(f"fps must be positive, but is {fps}.")
    if source.kind == "mediapipe":
        return read_mediapipe(source.path, source.name, fps, skeleton=skeleton)
    if source.kind == "pose":
        return read_pose_file(source.path, source.name, skeleton=skeleton)
    if source.kind == "video":
        return estimate_in_video(source.path, source.name, skeleton=skeleton)
    told = None
    if source.video is not None:
        info = probe(source.video)
        told, size = info.fps or None, (info.width, info.height)
    if source.kind == "openpose":
        people = read_openpose(source.path, skeleton=skeleton)
    elif source.kind == "dwpose":
        people = read_dwpose(source.path, size, skeleton=skeleton)
    else:
        people = read_h5(source.path, source.name)
        more = skeleton.num_joints - people.shape[2]
        people = np.concatenate([people, np.zeros((*people.shape[:2], more, 3), dtype=np.float32)], axis=2)
    rate, notes = rate_of(told, fps)
    return Detections(name=source.name, people=people, fps=rate, size=size, notes=notes)


def read_pose_file(path: Path, name: str, *, skeleton: Skeleton = OPENPOSE50) -> Detections:
    """Read a ``.pose`` file of a skeleton of ours, OpenPose or MediaPipe Holistic, of any number of people.

    A ``FormatError`` says if it is broken, has another skeleton, or is in normalised coordinates.
    """
    pose = PoseFormat().read(path)
    return _people_of(pose, path, name, skeleton)


def estimate_in_video(path: Path, name: str, *, skeleton: Skeleton = OPENPOSE50) -> Detections:
    """Find the people of a video, as `estimate_video` does, whose errors it raises; MediaPipe follows one person."""
    found = estimate_video(path)
    return replace(_people_of(found.pose, path, name, skeleton), notes=tuple(found.notes()))


def _people_of(pose: Pose, path: Path, name: str, skeleton: Skeleton) -> Detections:
    """Take the joints of all people out of a pose in pixels, which ``path`` held."""
    from pose_format import Pose
    from pose_format.numpy import NumPyPoseBody

    frames, count = pose.body.data.shape[:2]
    if frames > MAX_FRAMES or frames * count > MAX_PLACES:
        raise FormatError(path, f"expected at most {MAX_FRAMES} frames, but found {frames} of {count} people.")
    size = (int(pose.header.dimensions.width), int(pose.header.dimensions.height))
    people, depths = [], []
    for number in range(count):
        data, confidence = pose.body.data[:, number : number + 1], pose.body.confidence[:, number : number + 1]
        one = Pose(pose.header, NumPyPoseBody(pose.body.fps, data, confidence))
        try:
            found = landmarks_of(one, face=skeleton is BODY_HANDS_FACE)
        except ValueError as error:
            raise FormatError(path, f"{error}") from error
        people.append(as_points(found.joints[..., :2], found.confidence))
        own = is_known(one)
        depths.append(_own_depth(one, people[-1]) if own else found.depth_in_pixels(people[-1], size[0]))
    if is_normalised(pose):
        raise FormatError(path, "expected positions in pixels, but they are normalised.")
    empty = np.full(people[0].shape[:2], np.nan, dtype=np.float32)
    known = any(depth is not None for depth in depths)
    return Detections(
        name=name,
        people=np.stack(people, axis=1),
        fps=float(pose.body.fps),
        depth=np.stack([empty if depth is None else depth for depth in depths], axis=1) if known else None,
        size=size,
    )


def _own_depth(pose: Pose, points: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """Give the loose depth of a pose of a skeleton of ours, for its points (T, J, 3), of the same skeleton or not."""
    known = in_space(pose)[:, : points.shape[1], 2]
    depth = np.pad(known, ((0, 0), (0, points.shape[1] - known.shape[1])), constant_values=np.nan)
    return depth if np.isfinite(depth).any() else None


def read_openpose(folder: Path, *, skeleton: Skeleton = OPENPOSE50) -> NDArray[np.float32]:
    """Read a folder of OpenPose JSON, a file a frame: (T, P, J, 3) as in `Detections`; broken ones are errors."""
    files = frames_of(folder, FILES, most=MAX_FRAMES)
    people = [read_people(file, num_joints=skeleton.num_joints) for file in files]
    return stack_people([as_points(frame[..., :2], frame[..., 2]) for frame in people], folder)


def read_dwpose(folder: Path, size: tuple[int, int] | None, *, skeleton: Skeleton = OPENPOSE50) -> NDArray[np.float32]:
    """Read a folder of DWPose JSON, a file a frame: (T, P, J, 3) as in `Detections`; broken ones are errors.

    Where positions are shares of the picture, ``size``, its width and height in pixels, must be given.
    """
    files = frames_of(folder, most=MAX_FRAMES)
    people = stack_people([_people(file, skeleton) for file in files], folder)
    if 0 < people[..., :2].max() < _LARGEST_SHARE:
        if size is None:
            raise ValueError(
                f"{folder}: positions are shares of the picture, whose size must be given (size, --picture), or its "
                "video put beside."
            )
        people[..., :2] *= np.array(size, dtype=np.float32)
    return people


def _people(path: Path, skeleton: Skeleton) -> NDArray[np.float32]:
    frame = load_object(path)
    count = frame.get("num_persons")
    if type(count) is not int or not 0 <= count < len(frame):
        raise FormatError(path, f"expected as many people as 'num_persons' says, but it says {count!r}.")
    joints = [_joints(frame.get(f"person_{number}"), path, f"person {number}", skeleton) for number in range(count)]
    return np.stack(joints) if joints else np.zeros((0, skeleton.num_joints, 3), dtype=np.float32)


def _joints(person: Any, path: Path, place: str, skeleton: Skeleton) -> NDArray[np.float32]:
    positions, scores = np.zeros((skeleton.num_joints, 2)), np.zeros(skeleton.num_joints)
    for name, part, count in _PARTS:
        if part == FACE and (skeleton is not BODY_HANDS_FACE or not isinstance(person, dict)):
            continue
        if part == FACE and person.get("face_keypoints") is None:
            continue
        points = _numbers_of(person, f"{name}_keypoints", (count, 2), path, place)
        weights = _numbers_of(person, f"{name}_scores", (count,), path, place)
        if name == "body":
            weights = _body_scores(weights)
        # DWPose writes -1 for points that it takes for absent.
        weights = np.where((points < 0).all(axis=1), 0.0, weights)
        length = min(count, part.stop - part.start)
        positions[part][:length], scores[part][:length] = points[:length], weights[:length]
        if part == BODY and skeleton is BODY_HANDS_FACE:
            positions[HEAD], scores[HEAD] = points[_HEAD], weights[_HEAD]
    return as_points(positions, scores)


def _body_scores(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scores as they are; 1 and 0 where there are numbers of points instead."""
    numbers = np.isnan(weights) | (weights == -1) | ((weights - np.arange(len(weights))) % len(weights) == 0)
    return (weights >= 0).astype(np.float64) if numbers.all() else weights


def _numbers_of(person: Any, key: str, shape: tuple[int, ...], path: Path, place: str) -> NDArray[np.float64]:
    if not isinstance(person, dict):
        raise FormatError(path, f"expected an object, but found {type(person).__name__}.", place=place)
    rows = person.get(key)
    if not isinstance(rows, list) or len(rows) != shape[0]:
        found = f"{len(rows)} points" if isinstance(rows, list) else shown(rows)
        raise FormatError(path, f"expected {shape[0]} points in {key!r}, but found {found}.", place=place)
    numbers = np.zeros(shape)
    for point, row in enumerate(rows):
        if row is None:
            numbers[point] = np.nan
            continue
        for number in row if len(shape) == 2 and isinstance(row, list) else [row]:
            if is_absent(number):
                continue
            if type(number) not in (int, float) or not abs(number) <= LARGEST:
                wrong = f"point {point} has {shown(number)}"
                raise FormatError(path, f"expected numbers up to {LARGEST} in {key!r}, but {wrong}.", place=place)
        if isinstance(row, list) != (len(shape) == 2) or (isinstance(row, list) and len(row) != shape[1]):
            wrong = f"point {point} has {shown(row)}"
            raise FormatError(
                path, f"expected {' times '.join(map(str, shape))} numbers in {key!r}, but {wrong}.", place=place
            )
        numbers[point] = np.array(row, dtype=np.float64)  # None becomes NaN
    return numbers
