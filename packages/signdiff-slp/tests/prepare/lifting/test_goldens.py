"""Against what the published program made of four clips."""

from functools import cache

import numpy as np
import pytest

from signdiff_slp.prepare import lift_all
from signdiff_slp.prepare.lifting.measuring import LIMBS, Scaling, interpolate, log_bone_lengths

pytestmark = pytest.mark.realdata


@cache
def read(folder):
    paths = sorted((folder / "lifting" / "golden").glob("*.npz"))
    assert len(paths) == 4
    return [dict(np.load(path)) for path in paths]


@cache
def lift_read(folder):
    clips = [golden["input2d"].reshape(-1, 50, 3) for golden in read(folder)]
    results = []
    for clip, joints in zip(clips, lift_all(clips), strict=True):
        scaling = Scaling.of(clip[..., :2])
        results.append((joints - np.append(scaling.centre, 0)) / scaling.unit * [1, 1, -1])
    return results


@pytest.fixture
def goldens(realdata):
    return read(realdata)


@pytest.fixture
def lifted(realdata):
    """Joints of each clip in the unit of the goldens, depth towards the viewer as theirs."""
    return lift_read(realdata)


def test_two_dimensions(goldens):
    for golden in goldens:
        keypoints = golden["input2d"].reshape(-1, 50, 3)
        scaled = Scaling.of(keypoints[..., :2]).apply(keypoints[..., :2])
        assert scaled == pytest.approx(golden["normalized"], abs=1e-5)
        seen = interpolate(scaled, keypoints[..., 2])
        assert seen == pytest.approx(golden["interpolated"][..., :2], abs=1e-5)
        assert log_bone_lengths(seen) == pytest.approx(golden["log_bones"], abs=1e-4)


def test_is_nearer_to_the_picture(goldens, lifted):
    def loss(joints, golden):
        target = golden["interpolated"].astype(np.float64)
        return (target[..., 2] * ((joints[..., :2] - target[..., :2]) ** 2).sum(axis=-1)).mean()

    for golden, joints in zip(goldens, lifted, strict=True):
        published = golden["losses"][-1]
        assert loss(golden["final3d"], golden) == pytest.approx(published, rel=1e-5)
        assert loss(joints, golden) < 0.3 * published


def test_bones_are_constant(lifted):
    near, far, _ = np.array(LIMBS).T
    for joints in lifted:
        lengths = np.linalg.norm(joints[:, far] - joints[:, near], axis=-1)
        assert np.abs(lengths / lengths[0] - 1).max() < 1e-5


def test_is_where_the_published_program_puts_it(goldens, lifted):
    for golden, joints in zip(goldens, lifted, strict=True):
        published = golden["final3d"].astype(np.float64)
        width = np.median(np.linalg.norm(published[:, 2] - published[:, 5], axis=-1))
        apart = np.linalg.norm((joints - joints[:, 1:2]) - (published - published[:, 1:2]), axis=-1) / width
        assert apart.mean() < 0.2
        assert apart[:, 1:8].mean() < 0.1


def test_sides_and_depth(goldens, lifted):
    for golden, joints in zip(goldens, lifted, strict=True):
        published = golden["final3d"]
        # The signer faces the viewer: the right shoulder is at smaller x, and arms reach towards the viewer.
        assert (joints[:, 2, 0] < joints[:, 5, 0]).all()
        for joint in (2, 3, 4, 5, 6, 7):
            assert np.sign(joints[:, joint, 0].mean()) == np.sign(published[:, joint, 0].mean())
        for wrist in (4, 7):
            assert (joints[:, wrist, 2] - joints[:, 1, 2]).min() >= 0
            depth, theirs = (each[:, wrist, 2] - each[:, 1, 2] for each in (joints, published))
            assert np.corrcoef(depth, theirs)[0, 1] > 0.6
