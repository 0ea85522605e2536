"""What detectors leave, as ``signdiff-slp prepare`` reads it: DWPose JSON, MediaPipe ``.npz``, HDF5, ``.pose``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from attack import samples
from attack.case import Case, check, check_numbers
from attack.cases.poses import one_pose
from signdiff_core.skeleton import BODY_HANDS_FACE


def dwpose(folder: Path) -> None:
    """A folder of DWPose JSON."""
    for number, points in enumerate(samples.pixels(3)):
        body = np.full((18, 2), -1.0)
        body[:8] = points[:8]
        person = {
            "body_keypoints": body.tolist(),
            "body_scores": [0.9] * 18,
            "left_hand_keypoints": points[8:29].tolist(),
            "left_hand_scores": [0.8] * 21,
            "right_hand_keypoints": points[29:].tolist(),
            "right_hand_scores": [0.8] * 21,
            "face_keypoints": [[300.0 + point, 80.0] for point in range(68)],
            "face_scores": [0.7] * 68,
        }
        frame = {"num_persons": 1, "person_0": person}
        (folder / f"frame_{number:06}.json").write_text(json.dumps(frame))


def read_dwpose(folder: Path) -> None:
    """Read it with signdiff-slp."""
    from signdiff_core.sources.read import read_dwpose

    people = read_dwpose(folder, (640, 480), skeleton=BODY_HANDS_FACE)
    check(len(people) == len(list(folder.glob("*.json"))), "another number of frames than files")
    _check_people(people)


def holistic(folder: Path) -> None:
    """A file of NumPy's with MediaPipe Holistic's landmarks."""
    random = np.random.default_rng(1)
    pose = random.uniform(100, 400, (5, 33, 4))
    pose[..., 3] = 0.9
    hands = random.uniform(100, 400, (2, 5, 21, 4))
    hands[0, 2] = np.nan
    save = np.savez_compressed if folder.name[-1] < "g" else np.savez
    known = {"fps": 25.0, "width": 640, "height": 480, "face": random.uniform(200, 300, (5, 478, 4))}
    save(folder / "clip.npz", pose=pose, left_hand=hands[0], right_hand=hands[1], **known)


def stored_holistic(folder: Path) -> None:
    """The same, not compressed."""
    holistic(folder)
    with np.load(folder / "clip.npz") as file:
        arrays = dict(file)
    np.savez(folder / "clip.npz", **arrays)


def read_holistic(folder: Path) -> None:
    """Read it with signdiff-slp."""
    from signdiff_core.sources.arrays import read_mediapipe

    _check_detections(read_mediapipe(folder / "clip.npz", "clip", skeleton=BODY_HANDS_FACE))


def h5(folder: Path) -> None:
    """A file of h5py with two clips, one of them compressed."""
    import h5py

    points = np.concatenate([samples.pixels(5), np.full((5, 50, 1), 0.9)], axis=2).reshape(5, 150)
    with h5py.File(folder / "clips.h5", "w") as file:
        file.create_dataset("one", data=points.astype(np.float32))
        file.create_dataset("two", data=points, chunks=(2, 150), compression="gzip", fletcher32=True)


def old_h5(folder: Path) -> None:
    """The same by the newest layout of HDF5, with plain numbers alone."""
    import h5py

    points = np.concatenate([samples.pixels(5), np.full((5, 50, 1), 0.9)], axis=2).reshape(5, 150)
    with h5py.File(folder / "clips.h5", "w", libver="latest") as file:
        for name in ("one", "two"):
            file.create_dataset(name, data=points.astype(np.float32))


def read_h5(folder: Path) -> None:
    """Read all its clips with signdiff-slp."""
    from signdiff_core.sources.arrays import clips_in_h5, read_h5

    for name in clips_in_h5(folder / "clips.h5"):
        check(isinstance(name, str) and name != "", f"a clip of the name {name!r}")
        _check_people(read_h5(folder / "clips.h5", name))


def pose_in_pixels(folder: Path) -> None:
    """A file of pose-format: the 50 joints, in pixels."""
    from signdiff_core import skeleton

    points = np.concatenate([samples.pixels(), np.zeros((6, 50, 1))], axis=2)
    pose = skeleton.make_pose(np.float32(points), 25)
    pose.header.dimensions.width, pose.header.dimensions.height = 640, 480
    with (folder / "clip.pose").open("wb") as file:
        pose.write(file)


def read_pose_in_pixels(folder: Path) -> None:
    """Read it with signdiff-slp."""
    from signdiff_core.sources.read import read_pose_file

    _check_detections(read_pose_file(folder / "clip.pose", "clip", skeleton=BODY_HANDS_FACE))


def read_anything(folder: Path) -> None:
    """Read it as ``signdiff render`` does."""
    from signdiff_core.sources import read_pose

    data = read_pose(next(folder.iterdir()), fps=24, size=(640, 480)).body.data
    check(data.shape[1] == 1 and data.shape[3] == 3, f"shape {data.shape}")
    check_numbers("joints", data)


def landmarks_corpus(folder: Path) -> None:
    """A folder to import: a pose, and its text beside it."""
    one_pose(folder)
    (folder / "clip.txt").write_text("hello world\n")


def read_landmarks_corpus(folder: Path) -> None:
    """Import it with signdiff-slp."""
    from signdiff_slp.corpora.pose_corpus import divide, import_poses, list_beside
    from signdiff_slp.datasets.files import open_poses

    output = folder.parent / "out"
    try:
        import_poses(divide(list_beside(folder), (1, 0, 0)), output)
    except ValueError as error:
        if "must hold at least one clip" in str(error):  # it was left out, with the reason
            return
        raise
    check_numbers("joints", open_poses(output, "train"))


def _check_detections(found: object) -> None:
    _check_people(found.people)  # type: ignore[attr-defined]
    fps, size = found.fps, found.size  # type: ignore[attr-defined]
    check(0 < fps <= 1000, f"{fps} frames per second")
    check(size is None or all(0 < side <= 100_000 for side in size), f"a picture of {size}")


def _check_people(people: np.ndarray) -> None:
    check(
        people.ndim == 4 and people.shape[2:] in ((50, 3), (124, 3)) and 0 not in people.shape, f"shape {people.shape}"
    )
    check_numbers("joints", people)
    check(people[..., 2].min() >= 0 and people[..., 2].max() <= 1, "confidence beyond 1")


CASES = (
    Case(name="dwpose", seeds=(dwpose,), read=read_dwpose, weight=4),
    Case(name="mediapipe", seeds=(holistic, stored_holistic), read=read_holistic, weight=5),
    Case(name="h5", seeds=(h5, old_h5), real=(("lifting/*.h5", "clips.h5"),), read=read_h5, weight=6),
    Case(
        name="slp-pose",
        seeds=(pose_in_pixels,),
        real=(("pose-format-samples/*.pose", "clip.pose"),),
        read=read_pose_in_pixels,
        weight=1.5,
    ),
    Case(
        name="read-pose",
        seeds=(holistic, pose_in_pixels),
        real=(("pose-format-samples/*.pose", "clip.pose"),),
        read=read_anything,
        weight=1.5,
    ),
    Case(name="pose-corpus", seeds=(landmarks_corpus,), read=read_landmarks_corpus, weight=0.7),
)
