"""Trunk, neck and shoulders follow the place of the head and the line of the shoulders."""

import numpy as np
import pytest

from signdiff_core.anatomy.rotations import about
from signdiff_core.avatar import AvatarBody, Motion
from signdiff_core.avatar.trunk import trunk_turns
from signdiff_core.skeleton import LEFT_SHOULDER, NOSE, RIGHT_SHOULDER

FRAMES = 9
STILL = np.tile(np.eye(3), (FRAMES, 1, 1))


@pytest.fixture(params=["person", "old woman", "young sturdy man"])
def body(request):
    return AvatarBody.named(request.param)


def performed(body: AvatarBody, points: np.ndarray, head: np.ndarray = STILL, *, shrugs: bool = True) -> Motion:
    return Motion(body=body, turns=trunk_turns(body, points, head, 0.0, shrugs=shrugs))


def rest(body: AvatarBody) -> np.ndarray:
    return np.tile(body.joint_rest.astype(float), (FRAMES, 1, 1))


def bone_places(motion: Motion, name: str) -> np.ndarray:
    """Where the joint of a bone is, (T, 3)."""
    bone, body = motion.body.bone(name), motion.body
    blocks = [turns[:, bone] @ body.heads[bone] + shifts[:, bone] for turns, shifts, _ in motion.blocks()]
    return np.concatenate(blocks)


def test_a_body_at_rest_stays_at_rest(body):
    turns = performed(body, rest(body)).turns
    np.testing.assert_allclose(turns, np.broadcast_to(np.eye(3), turns.shape), atol=1e-6)


def test_a_head_aside_and_nearer_to_the_shoulders_is_there(body):
    points = rest(body)
    points[:, NOSE, 0] += np.linspace(-0.02, 0.02, FRAMES)
    points[:, NOSE, 1] += 0.02
    found = performed(body, points).joints
    np.testing.assert_allclose(found[:, NOSE, :2], points[:, NOSE, :2], atol=2e-3)


def test_shoulders_rise_as_a_head_sinks_and_keep_their_places_else(body):
    points = rest(body)
    points[3:6, NOSE, 1] += 0.04
    calm, shrugged = (performed(body, points, shrugs=shrugs) for shrugs in (False, True))
    chin, spine = (bone_places(shrugged, name)[:, 1] - bone_places(calm, name)[:, 1] for name in ("head", "spine01"))
    for sunk in (chin, spine):
        assert 0.015 < sunk[4] < 0.045, "seen from the shoulders, head and chest sink together"
        assert abs(sunk[0]) < 0.004
    shoulders = shrugged.joints[:, LEFT_SHOULDER] - shrugged.joints[:, RIGHT_SHOULDER]
    np.testing.assert_allclose(np.linalg.norm(shoulders, axis=-1), 1 / 3, rtol=0.05)


def test_a_neck_bends_so_far_and_no_farther(body):
    points = rest(body)
    points[:, NOSE, 0] += 0.3
    turns = performed(body, points, shrugs=False).turns
    neck = turns[:, body.bone("neck02")]
    angle = np.degrees(np.arccos(np.clip((np.trace(neck, axis1=1, axis2=2) - 1) / 2, -1, 1)))
    np.testing.assert_allclose(angle, 20, atol=0.1)
    np.testing.assert_allclose(turns[:, body.bone("head")], STILL, atol=1e-6)


@pytest.mark.parametrize("axis", [(0, 1.0, 0), (0, 0, 1.0)], ids=["turn", "tilt"])
def test_shoulders_turn_the_chest_as_far_and_the_hips_not_at_all(body, axis):
    true = about(np.array(axis), np.radians(18.0))
    points = rest(body) @ true.T
    turns = performed(body, points, np.tile(true, (FRAMES, 1, 1))).turns
    np.testing.assert_allclose(turns[:, body.bone("spine01")], np.tile(true, (FRAMES, 1, 1)), atol=1e-5)
    np.testing.assert_allclose(turns[:, body.bone("root")], STILL, atol=1e-6)
    angle = [np.degrees(np.arccos((np.trace(turns[0, body.bone(f"spine0{n}")]) - 1) / 2)) for n in (5, 4, 3, 2, 1)]
    np.testing.assert_allclose(angle, [0, 4.5, 9, 13.5, 18], atol=0.05)
