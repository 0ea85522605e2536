"""Rotations of the head from points of a face, or from the nose."""

import numpy as np
import pytest

from signdiff_core.anatomy.rotations import about
from signdiff_core.avatar import AvatarBody, fit
from signdiff_core.avatar.head import face_size, head_turns, neck_turns

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
    motion = fit(body, joints, face=(face_of("old man", true), np.ones((7, 74))), smoothing=0, seen=False)
    assert without_mean(motion.turns[:, body.bone("head")].astype(float), true).max() < 0.1


def test_a_face_of_another_shape_is_refused(pose):
    joints = pose.body.data[:3, 0].filled()
    with pytest.raises(ValueError, match=r"face must have the shapes \(3, 74, 3\) and \(3, 74\), but has \(3, 70, 3\)"):
        fit(AvatarBody.named(), joints, face=(np.zeros((3, 70, 3)), np.ones((3, 70))))


MARKS = np.array([(0, 1.4, -3.2), (-2, -0.7, -1.4), (2, -0.7, -1.4), (-4.0, 0.2, 3.0), (4.0, 0.2, 3.0)])
"""Nose, right and left eye, right and left ear of some head, in any unit."""


def marked(turns: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Joints with a nose, and a face of nothing but eyes and ears, of a head in the picture that turns."""
    marks = np.einsum("tij,nj->tni", turns, MARKS) * 12 + [640, 300, 0]
    joints, face, confidence = (
        np.full((len(turns), 50, 3), np.nan),
        np.zeros((len(turns), 74, 3)),
        np.zeros((len(turns), 74)),
    )
    joints[:, 0], face[:, :4], confidence[:, :4] = marks[:, 0], marks[:, 1:], 1
    return joints, face, confidence


@pytest.mark.parametrize("axis", AXES)
def test_nose_eyes_and_ears_tell_a_rotation_where_there_is_no_face(axis):
    true = wanted(axis)
    assert apart(head_turns(*marked(true), smoothing=0), true).max() < 8, "another head's marks"


def test_an_ear_that_is_not_seen_leaves_four_marks():
    true = wanted("turn")
    joints, face, confidence = marked(true)
    face[3:, 3], confidence[3:, 3] = 0, 0
    assert apart(head_turns(joints, face, confidence, smoothing=0), true).max() < 9
    confidence[:, 2:] = 0
    assert apart(head_turns(joints, face, confidence, smoothing=0), np.eye(3)[None]).max() < 1e-3, "three tell nothing"


def test_what_is_marked_tells_less_of_a_nod_than_of_a_turn():
    """MediaPipe's faces nod by 0.7 of what heads do: read from heads of the cast that nod by known angles."""
    nod, turn = wanted("nod"), wanted("turn")
    for true, share in ((nod, 1 / 0.7), (turn, 1.0)):
        found = head_turns(still(7)[0], face_of("person", true), np.ones((7, 74)), smoothing=0, seen=True)
        np.testing.assert_allclose(apart(found, np.eye(3)[None]), share * np.degrees(np.abs(ANGLES)), atol=0.1)


@pytest.mark.parametrize("size", [0.8, 1.0, 1.3])
def test_the_size_of_a_face_is_measured_however_it_is_turned(size):
    true = wanted("askew")
    face = face_of("person", true)
    face[:, 4:] = (face[:, 4:] - [640, 300, 0]) / 700 * size
    assert face_size(still(7)[0], face, np.ones((7, 74)), true) == pytest.approx(size, rel=1e-3)
