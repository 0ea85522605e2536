"""Writes clips as detectors leave them."""

import json

import pytest


def _openpose_person(joints):
    body = [*joints[:8].ravel().tolist(), *[0.0] * (3 * 17)]
    return {
        "pose_keypoints_2d": body,
        "hand_left_keypoints_2d": joints[8:29].ravel().tolist(),
        "hand_right_keypoints_2d": joints[29:].ravel().tolist(),
    }


@pytest.fixture
def write_openpose():
    """``write_openpose(folder, frames)``: ``frames`` holds lists of (50, 3) people."""

    def write(folder, frames):
        folder.mkdir(parents=True)
        for number, people in enumerate(frames):
            content = {"version": 1.3, "people": [_openpose_person(person) for person in people]}
            (folder / f"{folder.name}_{number:012d}_keypoints.json").write_text(json.dumps(content))
        return folder

    return write


@pytest.fixture
def write_dwpose():
    """``write_dwpose(folder, frames)``: ``frames`` holds lists of people, as DWPose has them."""

    def write(folder, frames):
        folder.mkdir(parents=True)
        for number, people in enumerate(frames, start=1):
            content = {"num_persons": len(people)} | {f"person_{place}": one for place, one in enumerate(people)}
            (folder / f"{number:08d}.json").write_text(json.dumps(content))
        return folder

    return write
