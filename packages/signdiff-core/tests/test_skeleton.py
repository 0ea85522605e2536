import numpy as np
import pytest

from signdiff_core.plugins import PluginError
from signdiff_core.skeleton import (
    LIMBS,
    OPENPOSE50,
    Component,
    Skeleton,
    find_skeleton,
    is_skeleton,
    make_pose,
    outward,
    pose_header,
    skeleton_names,
)

MODULE = """
from signdiff_core.skeleton import Component, Skeleton

STICK = Skeleton(
    name="stick",
    components=(Component(name="STICK", joints=("A", "B", "C"), limbs=((0, 1), (1, 2))),),
    root=0,
    shoulders=(1, 2),
)
WRONG = 7
"""


def test_the_50_joints_are_those_of_the_module():
    joints = np.random.default_rng(0).normal(size=(4, 50, 3))
    pose = OPENPOSE50.make_pose(joints, 25)
    assert is_skeleton(pose)
    assert OPENPOSE50.fits(make_pose(joints, 25))
    assert np.array_equal(pose.body.data, make_pose(joints, 25).body.data)
    assert OPENPOSE50.limbs == LIMBS
    assert OPENPOSE50.fits(pose)
    assert [c.name for c in OPENPOSE50.header().components] == [c.name for c in pose_header().components]


def test_others_are_registered(site, installed):
    points = "[signdiff.skeletons]\nstick = sticks:STICK\nrod = sticks:STICK\nwrong = sticks:WRONG\n"
    installed(site, "sticks", "1", points, {"sticks": MODULE})
    assert {"openpose50", "stick", "wrong"} <= set(skeleton_names())
    stick = find_skeleton("stick")
    assert (stick.num_joints, stick.limbs) == (3, ((0, 1), (1, 2)))
    with pytest.raises(PluginError, match=r"'wrong' of sticks 1 must be a Skeleton with header\(\) .* is a int\."):
        find_skeleton("wrong")
    with pytest.raises(ValueError, match="registered as 'rod' must be a Skeleton of that name"):
        find_skeleton("rod")
    with pytest.raises(ValueError, match=r"one of openpose50.*but is 'none'"):
        find_skeleton("none")


def test_every_limb_of_the_body_is_reached_from_the_neck():
    ordered = outward(OPENPOSE50.limbs, OPENPOSE50.root)
    reached = {OPENPOSE50.root}
    for number, near, far in ordered:
        assert near in reached
        assert far not in reached
        assert set(OPENPOSE50.limbs[number]) == {near, far}
        reached.add(far)
    assert reached == set(range(8))  # hands begin at a wrist of their own
    assert outward([(0, 1), (1, 2), (2, 0)], root=0) == [(0, 0, 1), (2, 0, 2)]


def test_what_is_no_skeleton():
    with pytest.raises(ValueError, match="from 0 to 0"):
        Skeleton(name="x", components=(Component(name="X", joints=("A",)),), root=1, shoulders=(0, 0))
    with pytest.raises(ValueError, match=r"\(T, 50, 3\)"):
        OPENPOSE50.make_pose(np.zeros((2, 49, 3)), 25)
    with pytest.raises(ValueError, match="fps must be positive"):
        OPENPOSE50.make_pose(np.zeros((2, 50, 3)), 0)
