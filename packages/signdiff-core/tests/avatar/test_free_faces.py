"""Heads and faces that move at random."""

import numpy as np
import pytest

from signdiff_core.avatar import AvatarBody, fit
from signdiff_core.avatar.cast import bundled_cast
from signdiff_core.avatar.free_faces import free_faces
from signdiff_core.avatar.head import head_turns

FRAMES = 400


@pytest.fixture
def joints():
    still = AvatarBody.named().joint_rest.astype(float)
    return np.tile(still, (FRAMES, 1, 1))


@pytest.fixture
def made(joints):
    return free_faces(joints, np.random.default_rng(4))


def test_only_the_nose_moves_with_the_head_and_the_face_is_at_it(joints, made):
    moved, face, _ = made
    assert (moved.shape, face.shape) == ((FRAMES, 50, 3), (FRAMES, 74, 3))
    assert np.array_equal(moved[:, 1:], joints[:, 1:])
    assert 0.02 < np.linalg.norm(moved[:, 0] - joints[:, 0], axis=1).max() < 0.15
    tip = face[:, 4 + 30]
    assert np.linalg.norm(tip - moved[:, 0], axis=1).max() < 0.01, "iBUG's point 30 is the tip of the nose"
    assert np.array_equal(free_faces(joints, np.random.default_rng(4))[1], face)
    assert not np.array_equal(free_faces(joints, np.random.default_rng(5))[1], face)


def test_faces_are_what_people_s_can_be(made):
    _, _, shapes = made
    names = bundled_cast().shapes
    assert (shapes.shape, shapes.dtype) == ((FRAMES, len(names)), np.float32)
    assert shapes.min() >= 0
    assert shapes.max() <= 1
    for one, other in (("browInnerUp", "browDownLeft"), ("eyeLookOutLeft", "eyeLookInLeft"), ("jawOpen", "cheekPuff")):
        both = shapes[::8, [names.index(one), names.index(other)]]  # from one expression to the next both may be there
        assert (both > 0).any(axis=0).all()
        assert not (both > 0).all(axis=1).any(), f"{one} with {other}"
    for left, right in (("mouthSmileLeft", "mouthSmileRight"), ("eyeBlinkLeft", "eyeBlinkRight")):
        pair = shapes[:, [names.index(left), names.index(right)]]
        assert np.abs(pair[:, 0] - pair[:, 1]).max() <= 0.151
    looks_left = shapes[:, [names.index("eyeLookOutLeft"), names.index("eyeLookInRight")]]
    assert np.array_equal(looks_left[:, 0], looks_left[:, 1]), "both eyes look the same way"
    assert np.abs(np.diff(shapes, axis=0)).max() < 0.25, "nothing jumps"
    unused = {"tongueOut", "jawForward"}
    assert not shapes[:, [names.index(name) for name in unused]].any()


def test_heads_turn_within_what_necks_do(joints, made):
    moved, face, _ = made
    turns = head_turns(moved, face, np.ones(face.shape[:2]), smoothing=0)
    angles = np.degrees(np.arccos(np.clip((np.trace(turns, axis1=1, axis2=2) - 1) / 2, -1, 1)))
    assert 8 < np.median(angles) < 25
    assert angles.max() < 40
    turned = fit(AvatarBody.named("old man"), moved[:40], face=(face[:40], np.ones((40, 74))), seen=False)
    head = turned.turns[:, turned.body.bone("head")].astype(float)
    apart = np.degrees(np.arccos(np.clip((np.einsum("tij,tij->t", head, turns[:40]) - 1) / 2, -1, 1)))
    assert apart.max() < 6
