"""Readers of poses: ``.pose``, ``.skels``, folders of OpenPose JSON."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from attack import samples
from attack.case import Case, check, check_numbers


def one_pose(folder: Path) -> None:
    """A file of pose-format: the 50 joints."""
    _pose(folder, np.float32(samples.joints()), (1, 1))


def holistic_pose(folder: Path) -> None:
    """A file of pose-format: two people of a skeleton of its own, in pixels."""
    from pose_format import Pose
    from pose_format.numpy import NumPyPoseBody
    from pose_format.pose_header import PoseHeader, PoseHeaderComponent, PoseHeaderDimensions

    points = [f"P{number}" for number in range(6)]
    parts = [PoseHeaderComponent("POSE", points, [(0, 1), (1, 2)], [(255, 0, 0)], "XYZC")]
    data = np.arange(4 * 2 * 6 * 3, dtype=np.float32).reshape(4, 2, 6, 3)
    body = NumPyPoseBody(24.0, data, np.ones(data.shape[:-1], dtype=np.float32))
    with (folder / "clip.pose").open("wb") as file:
        Pose(PoseHeader(0.2, PoseHeaderDimensions(640, 480, 1000), parts), body).write(file)


def read_pose(folder: Path) -> None:
    """Read it with signdiff-core."""
    from signdiff_core.formats.pose import PoseFormat

    _check_pose(PoseFormat().read(folder / "clip.pose"))


def skels(folder: Path) -> None:
    """Two sequences as the published code of Progressive Transformers writes them."""
    lines = []
    for frames in (4, 5):
        poses = np.zeros((frames, 151))
        poses[:, :150] = (samples.joints(frames) * (-1, -1, 1) * (1, -1, -1)).reshape(frames, 150)
        poses[:, 150] = np.arange(frames) / frames
        lines.append(" ".join(f"{number:.5f}" for number in poses.ravel()))
    (folder / "clips.skels").write_text("\n".join(lines) + "\n")
    (folder / "clips.files").write_text("test/one\ntest/two\n")


def read_skels(folder: Path) -> None:
    """Read all of it with signdiff-core."""
    from signdiff_core import formats

    for name, pose in formats.iter_skels(folder / "clips.skels"):
        check(bool(name), "a sequence without a name")
        _check_pose(pose)


def openpose(folder: Path) -> None:
    """A folder as OpenPose writes it."""
    for number, points in enumerate(samples.pixels(3)):
        person = {"person_id": [-1], "face_keypoints_2d": []}
        body = np.zeros((25, 3))
        body[:8] = _with_confidence(points[:8])
        person["pose_keypoints_2d"] = body.ravel().tolist()
        person["hand_left_keypoints_2d"] = _with_confidence(points[8:29]).ravel().tolist()
        person["hand_right_keypoints_2d"] = _with_confidence(points[29:]).ravel().tolist()
        content = {"version": 1.3, "people": [person, person][: number % 3]}
        (folder / f"clip_{number:012}_keypoints.json").write_text(json.dumps(content))


def read_openpose(folder: Path) -> None:
    """Read it with signdiff-core."""
    from signdiff_core.formats.openpose import OpenposeFormat

    pose = OpenposeFormat().read(folder)
    check(len(pose.body.data) == len(list(folder.glob("*_keypoints.json"))), "another number of frames than files")
    _check_pose(pose)


def read_eval_poses(folder: Path) -> None:
    """Read it with signdiff-eval."""
    from signdiff_eval.readers import PoseFormats

    for sequence in PoseFormats({}).read(folder / "clip.pose"):
        check_numbers("joints", sequence.joints, absent=True)
        check(0 < sequence.fps <= 1000, f"{sequence.fps} frames per second")


def _pose(folder: Path, data: np.ndarray, size: tuple[int, int]) -> None:
    from signdiff_core import skeleton

    with (folder / "clip.pose").open("wb") as file:
        skeleton.make_pose(data, 25).write(file)


def _with_confidence(points: np.ndarray) -> np.ndarray:
    return np.concatenate([points, np.full((len(points), 1), 0.9)], axis=1)


def _check_pose(pose: object) -> None:
    body = pose.body  # type: ignore[attr-defined]
    check_numbers("coordinates", body.data)
    check_numbers("confidences", body.confidence)
    check(0 < body.fps <= 1000, f"{body.fps} frames per second")
    check(body.data.shape[:-1] == body.confidence.shape and body.data.size > 0, f"shape {body.data.shape}")


CASES = (
    Case(
        name="pose",
        seeds=(one_pose, holistic_pose),
        real=(("pose-format-samples/*.pose", "clip.pose"),),
        read=read_pose,
        weight=4,
    ),
    Case(
        name="eval-pose",
        seeds=(one_pose,),
        real=(("pose-format-samples/*.pose", "clip.pose"),),
        read=read_eval_poses,
        weight=3,
    ),
    Case(name="skels", seeds=(skels,), read=read_skels, weight=4),
    Case(name="openpose", seeds=(openpose,), read=read_openpose, weight=4),
)
