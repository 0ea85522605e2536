import os
from pathlib import Path

import numpy as np
import pytest
from pose_format import Pose
from pose_format.numpy import NumPyPoseBody
from pose_format.pose_header import PoseHeader, PoseHeaderComponent, PoseHeaderDimensions


@pytest.fixture(scope="session")
def realdata():
    folder = os.environ.get("SIGNDIFF_REALDATA")
    if not folder:
        pytest.skip("SIGNDIFF_REALDATA names no folder with samples of real corpora")
    return Path(folder)


@pytest.fixture
def rng():
    return np.random.default_rng(20250101)


@pytest.fixture
def walk(rng):
    """A smooth movement of some frames: (frames, 50, 3)."""

    def make(frames, joints=50):
        return np.cumsum(rng.normal(scale=0.02, size=(frames, joints, 3)), axis=0)

    return make


def pose_of(joints, fps=25.0, confidence=None):
    frames, count, _ = joints.shape
    names = [f"J{index}" for index in range(count)]
    header = PoseHeader(
        version=0.2,
        dimensions=PoseHeaderDimensions(1, 1, 1),
        components=[PoseHeaderComponent("BODY", names, [], [(0, 0, 0)], "XYZC")],
    )
    if confidence is None:
        confidence = np.ones((frames, count))
    data = np.asarray(joints, dtype=np.float32)[:, None]
    return Pose(header, NumPyPoseBody(fps, data, np.asarray(confidence, dtype=np.float32)[:, None]))


@pytest.fixture
def make_pose():
    return pose_of


@pytest.fixture
def write_pose():
    def write(path, joints, fps=25.0, confidence=None):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            pose_of(joints, fps, confidence).write(file)
        return path

    return write
