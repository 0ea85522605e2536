"""One way to read a pose, whatever it was found with: `read_pose`, for all commands and renderers."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast, get_args

import numpy as np

from signdiff_core.formats.coordinates import is_normalised
from signdiff_core.formats.dispatch import check_options, format_for, takes
from signdiff_core.formats.files import FormatError, FormatWarning
from signdiff_core.formats.openpose import smallest_picture
from signdiff_core.landmarks import as_pose, to_skeleton
from signdiff_core.rates import same_rate
from signdiff_core.skeleton import BODY_HANDS_FACE, OPENPOSE50, Skeleton, find_skeleton, is_known, skeleton_of
from signdiff_core.sources.find import Kind, Source, folder_source, in_file
from signdiff_core.sources.read import read
from signdiff_core.sources.signer import Keypoints, choose_signer

if TYPE_CHECKING:  # pose_format is heavy to import
    from pose_format import Pose

    from signdiff_core.formats.dispatch import PoseFileFormat

_FOLLOWED: Final = tuple(kind for kind in get_args(Kind) if kind != "video")
"""Formats in which there may be several people, none of them the same from frame to frame."""


def read_pose(
    path: str | os.PathLike[str],
    *,
    skeleton: str | None = None,
    fps: float | None = None,
    person: int | None = None,
    size: tuple[int, int] | None = None,
    format: str | None = None,  # noqa: A002
    **options: Any,
) -> Pose:
    """Read the pose of one person from whatever holds it, and follow that person from frame to frame.

    A file of a registered skeleton is given as it is. What detectors leave is brought to the 50 joints, with eyes, ears
    and face where there are any: ``.pose`` of MediaPipe Holistic or OpenPose, folders of OpenPose or DWPose JSON,
    MediaPipe's ``.npz``, ``.h5``. What was left out or taken for granted is a `FormatWarning`.

    Args:
        path: the file, or the folder of JSON files.
        skeleton: ``openpose50`` for the 50 joints alone, ``body_hands_face`` for all (absent where the file has none);
            if not given, what the file has.
        fps: frames per second, for files that do not tell and have no video of their name beside them; 25 if not given.
        person: which of several people: 1 for the most likely signer (seen in most frames, with confidence, near the
            camera, hands in sight), 2 for the next.
        size: (width, height) in pixels of the picture in which the pose was found, for files that do not tell.
        format: name of the format, where the path does not tell.
        options: as the format's own ``read`` takes them, such as ``index`` for ``.skels`` and ``clip`` for ``.h5``.

    Returns:
        The pose, in pixels or normalised as in the file; the header has the picture's size. In pixels, z is 0 unless
        the detector has a depth: then it is that of the body from the neck, of a hand from its wrist, of the face from
        the corners of its eyes, in pixels, in the right order but not of the right size.

    Raises:
        FileNotFoundError: there is no such file.
        FormatError: the file is broken, or no format fits.
        ValueError: nobody is seen in any frame, there is no such person, ``fps`` is not positive, or positions are
            shares of a picture whose size is not given.
        ModuleNotFoundError: the format needs a package that is missing.
        TypeError: the format takes no such option.
    """
    chosen, path = format_for(path, "read", name=format), Path(path)
    wanted = None if skeleton is None else find_skeleton(skeleton)
    if chosen.name not in _FOLLOWED:
        return _in_skeleton(_of_plugin(chosen, path, fps, person, size, options), wanted, path)
    check_options(chosen, chosen.read, options)
    if chosen.name == "pose":
        pose = chosen.read(path)
        if is_known(pose, registered=True) and (pose.body.data.shape[1] == 1 or is_normalised(pose)):
            _tell_rate(path, float(pose.body.fps), fps)
            _check_one(path, person)
            return _in_skeleton(pose, wanted, path)
    kind = cast("Kind", chosen.name)
    keypoints = read_keypoints(path, kind, fps=fps, person=person, size=size, clip=options.get("clip"))
    found_in = keypoints.size or size or smallest_picture(keypoints.points, path)
    return as_pose(keypoints.points, keypoints.depth, keypoints.fps, found_in, wanted)


def read_keypoints(
    path: Path,
    kind: Kind,
    *,
    fps: float | None = None,
    person: int | None = None,
    size: tuple[int, int] | None = None,
    clip: str | None = None,
) -> Keypoints:
    """Read joints, eyes, ears and face of one person as a detector sees them; all but ``kind`` as of `read_pose`."""
    source = _source(path, kind, clip)
    detections = read(source, fps, size=size, skeleton=BODY_HANDS_FACE)
    _tell_rate(path, detections.fps, fps)
    with _naming(path):
        keypoints = choose_signer(replace(detections, name="the clip"), person)
    for note in keypoints.notes:
        _tell(path, note)
    return replace(keypoints, name=source.name)


def _source(path: Path, kind: Kind, clip: str | None) -> Source:
    if path.is_dir():
        return folder_source(path, kind)
    if kind != "h5":
        return Source(name=path.stem, kind=kind, path=path)
    clips = {source.name: source for source in in_file(path)}
    if clip is None and len(clips) == 1:
        return next(iter(clips.values()))
    if clip not in clips:
        names = ", ".join(list(clips)[:5])
        wanted = "a clip that names one" if clip is None else f"a clip of its own, not {clip!r}"
        raise FormatError(path, f"holds {len(clips)} clips ({names}): expected {wanted}.")
    return clips[clip]


def _of_plugin(
    chosen: PoseFileFormat,
    path: Path,
    fps: float | None,
    person: int | None,
    size: tuple[int, int] | None,
    options: dict[str, Any],
) -> Pose:
    """Read with a format's own reader. One that takes a rate or a size does so because its files do not hold them."""
    given = {name: value for name, value in (("fps", fps), ("size", size)) if value is not None}
    taken = {name: value for name, value in given.items() if takes(chosen.read, name)}
    check_options(chosen, chosen.read, {**options, **taken})
    pose = chosen.read(path, **options, **taken)
    if takes(chosen.read, "fps") and fps is None:
        _tell(path, f"nothing tells the frame rate: {pose.body.fps:g} was taken")
    _tell_rate(path, float(pose.body.fps), fps)
    _check_one(path, person)
    return pose


def _in_skeleton(pose: Pose, wanted: Skeleton | None, path: Path) -> Pose:
    """Give a pose of one person in the skeleton that is wanted, or in the one of ours that it fits."""
    with _naming(path):
        if wanted is None and is_known(pose, registered=True):
            return pose
        pose = to_skeleton(pose)
        found = skeleton_of(pose)
        joints, confidence = found.arrays(pose)
        if wanted is None or wanted is found:
            return pose
        if wanted.name not in (OPENPOSE50.name, BODY_HANDS_FACE.name):
            raise ValueError(f"pose must have the skeleton {wanted.name!r}, but has {found.name!r}.")
        more = max(0, wanted.num_joints - found.num_joints)
        joints = np.pad(joints, ((0, 0), (0, more), (0, 0)))[:, : wanted.num_joints]
        confidence = np.pad(confidence, ((0, 0), (0, more)))[:, : wanted.num_joints]
        changed = wanted.make_pose(joints, pose.body.fps, confidence=confidence)
        changed.header.dimensions = pose.header.dimensions
        return changed


def _check_one(path: Path, person: int | None) -> None:
    if person not in (None, 1):
        raise FormatError(path, f"expected a person from 1 to 1, for it holds one, but it is {person}.")


def _tell_rate(path: Path, told: float, given: float | None) -> None:
    if given is not None and not same_rate(told, given):
        _tell(path, f"it has {told:g} frames per second: the {given:g} that were given were left aside")


def _tell(path: Path, note: str) -> None:
    warnings.warn(f"{path}: {note}.", FormatWarning, stacklevel=3)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Put the file's name before what is wrong with its content."""
    try:
        yield
    except FormatError:
        raise
    except ValueError as error:
        raise FormatError(path, f"{error}") from error
