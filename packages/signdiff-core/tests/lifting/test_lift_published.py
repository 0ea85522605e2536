"""Against what the published program (Zelinka & Kanis, WACV 2020) made of four clips."""

from functools import cache

import numpy as np
import pytest

from signdiff_core.lifting import lift
from signdiff_core.skeleton import LEFT_HAND, RIGHT_HAND

pytestmark = pytest.mark.realdata

BODY = slice(1, 8)
WRISTS = (4, 7)


@cache
def lifted_of(folder):
    """Of each clip, what the program left, and joints in its unit, depth towards the viewer as its own."""
    paths = sorted((folder / "lifting" / "golden").glob("*.npz"))
    assert len(paths) == 4
    clips = []
    for golden in (dict(np.load(path)) for path in paths):
        seen = golden["input2d"].reshape(-1, 50, 3).astype(np.float64)
        centre, unit = seen[..., :2].mean(axis=(0, 1)), seen[..., :2].std()
        assert (seen[..., :2] - centre) / unit == pytest.approx(golden["normalized"], abs=1e-5)
        clips.append((golden, (lift(seen) - np.append(centre, 0)) / unit * [1, 1, -1]))
    return clips


@pytest.fixture
def clips(realdata):
    return lifted_of(realdata)


def test_is_nearer_to_the_picture(clips):
    """On average, by confidence; hands of hinges leave single points farther off than theirs, whose joints are free."""
    for golden, joints in clips:
        sure = golden["input2d"].reshape(-1, 50, 3)[..., 2]

        def off(found, part, golden=golden, sure=sure):
            return np.average(
                np.linalg.norm(found[:, part, :2] - golden["normalized"][:, part], axis=-1), weights=sure[:, part]
            )

        assert off(joints, slice(0, 50)) < off(golden["final3d"], slice(0, 50))
        assert off(joints, BODY) < 0.5 * off(golden["final3d"], BODY)


def test_is_where_the_published_program_puts_it(clips):
    """In the picture; depth is another, as lengths are: theirs is the median of what the picture shows."""
    for golden, joints in clips:
        published = golden["final3d"].astype(np.float64)
        width = np.median(np.linalg.norm(published[:, 2] - published[:, 5], axis=-1))
        apart = np.linalg.norm((joints - published)[..., :2], axis=-1) / width
        assert apart.mean() < 0.1
        assert apart[:, BODY].mean() < 0.05
        assert np.linalg.norm(joints - published, axis=-1)[:, BODY].mean() < 0.5 * width


def test_arms_reach_towards_the_viewer_as_theirs_do(clips):
    for golden, joints in clips:
        assert (joints[:, 2, 0] < joints[:, 5, 0]).all()
        for wrist in WRISTS:
            depth, theirs = (np.median(each[:, wrist, 2] - each[:, 1, 2]) for each in (joints, golden["final3d"]))
            assert depth > 0
            assert theirs > 0


def test_bones_of_hands_are_constant(clips):
    for _, joints in clips:
        for hand in (LEFT_HAND, RIGHT_HAND):
            lengths = np.linalg.norm(np.diff(joints[:, hand], axis=1)[:, 1:4], axis=-1)
            assert lengths == pytest.approx(np.tile(lengths[0], (len(lengths), 1)), rel=1e-6)
