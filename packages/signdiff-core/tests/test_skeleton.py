import numpy as np
import pytest

from signdiff_core.plugins import PluginError
from signdiff_core.skeleton import (
    BODY_HANDS_FACE,
    FACE,
    FACE_JOINTS,
    HEAD,
    HEAD_JOINTS,
    LIMBS,
    OPENPOSE50,
    Component,
    Skeleton,
    face_of,
    find_skeleton,
    is_skeleton,
    joints_of,
    make_pose,
    outward,
    pose_header,
    skeleton_names,
    skeleton_of,
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
    with pytest.raises(ValueError, match=r"one of body_hands_face, openpose50.*but is 'none'"):
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


def test_a_face_comes_after_the_50_joints():
    rng = np.random.default_rng(0)
    points, confidence = rng.normal(size=(4, 124, 3)).astype(np.float32), rng.uniform(0.1, 1, (4, 124))
    confidence[1, 60] = 0
    pose = BODY_HANDS_FACE.make_pose(points, 24, confidence=confidence)
    assert skeleton_of(pose) is find_skeleton("body_hands_face") is BODY_HANDS_FACE
    assert not is_skeleton(pose)
    joints, weights = joints_of(pose)
    assert np.array_equal(joints, points[:, :50])
    assert np.array_equal(weights, confidence[:, :50].astype(np.float32))
    assert face_of(make_pose(points[:, :50], 24)) is None
    face, weights = face_of(pose)
    points[1, 60] = 0
    assert np.array_equal(face, points[:, 50:])
    assert weights[1, 10] == 0
    assert (len(HEAD_JOINTS), len(FACE_JOINTS)) == (4, 70)
    assert (slice(50, 54), slice(54, 124)) == (HEAD, FACE)
    assert BODY_HANDS_FACE.limbs == LIMBS  # nothing in a face keeps its length
    names = [f"{part.name} {point}" for part in pose.header.components for point in part.points]
    assert [names[at] for at in (50, 53, 54, 121, 122, 123)] == [
        *("HEAD RIGHT_EYE", "HEAD LEFT_EAR", "FACE FACE_0", "FACE FACE_67", "FACE RIGHT_PUPIL", "FACE LEFT_PUPIL"),
    ]


def test_what_has_neither_skeleton():
    with pytest.raises(ValueError, match=r"and maybe HEAD \(4\) and FACE \(70\), but has STICK \(2\)"):
        joints_of(
            Skeleton(
                name="s", components=(Component(name="STICK", joints=("A", "B")),), root=0, shoulders=(0, 1)
            ).make_pose(np.zeros((1, 2, 3)), 25)
        )
