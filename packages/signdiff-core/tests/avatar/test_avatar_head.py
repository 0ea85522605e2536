"""Rotations of the head from points of a face, or from the nose."""

import numpy as np
import pytest

from signdiff_core.anatomy.rotations import about
from signdiff_core.avatar import AvatarBody, fit
from signdiff_core.avatar.head import head_turns, neck_turns

ANGLES = np.radians([0, 10, 25, -20, 35, -5, 0])
AXES = {"nod": [1.0, 0, 0], "turn": [0, 1.0, 0], "tilt": [0, 0, 1.0], "askew": [0.6, -0.64, 0.48]}


def wanted(axis: str) -> np.ndarray:
    return about(np.tile(AXES[axis], (len(ANGLES), 1)), ANGLES)


def still(frames: int) -> tuple[np.ndarray, np.ndarray]:
    """No joints, and a trunk at rest."""
    return np.full((frames, 50, 3), np.nan), np.tile(np.eye(3), (frames, 1, 1))


def face_of(body: str, turns: np.ndarray) -> np.ndarray:
    """Points of a body's face as a detector gives them: turned, in pixels, somewhere in the picture."""
    points = AvatarBody.named(body).face_rest.astype(float)
    seen = np.einsum("tij,nj->tni", turns, points - points.mean(0)) * 700 + [640, 300, 0]
    return np.concatenate([np.zeros((len(turns), 4, 3)), seen], axis=1)


def apart(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Degrees between rotations."""
    trace = np.einsum("tij,tij->t", a, b)
    return np.degrees(np.arccos(np.clip((trace - 1) / 2, -1, 1)))


def without_mean(found: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Degrees that are left once the first frame's rotation between the two faces is taken off."""
    return apart(found @ (true[0].T @ found[0]).T, true)


@pytest.mark.parametrize("axis", AXES)
def test_a_turned_face_turns_the_head_as_far(axis):
    true = wanted(axis)
    found = head_turns(still(7)[0], face_of("person", true), np.ones((7, 74)), smoothing=0)
    np.testing.assert_allclose(found, true, atol=1e-5)


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("body", ["old man", "young sturdy woman"])
def test_another_face_turns_it_as_far_too(axis, body):
    true = wanted(axis)
    found = head_turns(still(7)[0], face_of(body, true), np.ones((7, 74)), smoothing=0)
    assert without_mean(found, true).max() < 0.1
    assert apart(found, true).max() < 6, "the two faces at rest look the same way, nearly"


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize(("body", "most"), [("person", 0.01), ("young man", 8.0)])
def test_a_flat_face_tells_the_rotation(axis, body, most):
    true = wanted(axis)
    face = face_of(body, true)
    face[..., 2] = 0
    found = head_turns(still(7)[0], face, np.ones((7, 74)), smoothing=0)
    assert apart(found, true).max() < most


def test_no_head_turns_farther_than_a_neck_does():
    """A detector that takes the back of a head for a face must not wring the neck."""
    true = about(np.tile([0, 1.0, 0], (2, 1)), np.radians([0, 130]))
    found = head_turns(still(2)[0], face_of("person", true), np.ones((2, 74)), smoothing=0)
    assert apart(found, np.tile(np.eye(3), (2, 1, 1)))[1] == pytest.approx(80)


def test_frames_without_a_face_lie_between_their_neighbours():
    true = about(np.tile([0, 1.0, 0], (5, 1)), np.radians([0, 10, 20, 30, 40]))
    face, confidence = face_of("person", true), np.ones((5, 74))
    face[1:4], confidence[1:4] = 5.0, 0
    found = head_turns(still(5)[0], face, confidence, smoothing=0)
    assert apart(found, true).max() < 1.0


def test_without_a_face_the_head_follows_the_nose():
    joints = np.full((9, 50, 3), np.nan)
    joints[:, 1] = 0
    joints[:, 0] = [0, -0.2, -0.15]
    joints[6:, 0] = [0.06, -0.2, -0.15]
    joints[3, 0, 2] = -0.10
    found = head_turns(joints, None, None, smoothing=0)
    np.testing.assert_allclose(found[:6], np.tile(np.eye(3), (6, 1, 1)), atol=1e-9)
    ahead = found[8] @ [0, 0, -1.0]
    assert ahead[0] > 0.05, "the nose went to the viewer's right, and so the head looks"
    leans = np.cross([0, -0.2, -0.15], [0.06, -0.2, -0.15])
    assert np.abs(found[8] @ leans - leans).max() < 1e-9, "about the axis that takes the nose there"


def test_a_nose_without_depth_leaves_the_head_looking_at_the_viewer():
    joints = np.zeros((3, 50, 3))
    joints[:, 0, :2] = [[0, -0.2], [0.1, -0.2], [-0.1, -0.2]]
    found = head_turns(joints, None, None)
    np.testing.assert_allclose(found, np.tile(np.eye(3), (3, 1, 1)), atol=1e-9)


def test_the_neck_shares_the_way_from_trunk_to_head():
    torso, head = about(np.array([[0, 0, 1.0]]), np.radians([10.0])), about(np.array([[0, 0, 1.0]]), np.radians([50.0]))
    turns = neck_turns(torso, head)
    np.testing.assert_allclose(turns["head"], head, atol=1e-9)
    np.testing.assert_allclose(turns["neck02"], about(np.array([[0, 0, 1.0]]), np.radians([30.0])), atol=1e-9)


def test_fit_turns_the_body_s_head(pose):
    body, true = AvatarBody.named("old man"), wanted("askew")
    joints = np.repeat(pose.body.data[:1, 0].filled(), 7, axis=0)
    motion = fit(body, joints, face=(face_of("old man", true), np.ones((7, 74))), smoothing=0)
    assert without_mean(motion.turns[:, body.bone("head")].astype(float), true).max() < 0.1


def test_a_face_of_another_shape_is_refused(pose):
    joints = pose.body.data[:3, 0].filled()
    with pytest.raises(ValueError, match=r"face must have the shapes \(3, 74, 3\) and \(3, 74\), but has \(3, 70, 3\)"):
        fit(AvatarBody.named(), joints, face=(np.zeros((3, 70, 3)), np.ones((3, 70))))
