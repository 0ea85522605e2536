"""Frames of faces that move: what changes, and where."""

import numpy as np
import pytest

pytest.importorskip("warp", reason="the extra avatar brings warp-lang")

from signdiff_core.anatomy.rotations import about
from signdiff_core.avatar import AvatarBody, AvatarRenderer, Motion, Signer, body_names, render_frames
from signdiff_core.avatar.face import face_points
from signdiff_core.avatar.looks import dress
from signdiff_core.avatar.raycast import Raycaster
from signdiff_core.camera import Camera
from signdiff_core.skeleton import BODY_HANDS_FACE

SIZE = 160
CLOSE = Camera(scale=4.2, neck=(0.5, 1.35))


def frame(body: AvatarBody, shapes: dict[str, float] | None) -> np.ndarray:
    """One frame of the face of a body at rest, with shapes by name."""
    turns = np.tile(np.eye(3, dtype=np.float32), (1, len(body.heads), 1, 1))
    weights = None
    if shapes is not None:
        weights = np.zeros((1, len(body.cast.shapes)), dtype=np.float32)
        for name, weight in shapes.items():
            weights[0, body.cast.shapes.index(name)] = weight
    motion = Motion(body=body, turns=turns, shapes=weights)
    return next(iter(render_frames(Signer(body=body.name), motion, size=SIZE, camera=CLOSE)))


def box(body: AvatarBody, points: range, around: float = 0.01) -> tuple[slice, slice]:
    """Rows and columns of the frame that points of the face take."""
    places = body.face_rest[list(points), :2]
    (left, top), (right, bottom) = CLOSE.project(np.array([places.min(0) - around, places.max(0) + around]), SIZE)
    return slice(int(top), int(bottom) + 1), slice(int(left), int(right) + 1)


def changed(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.abs(a.astype(int) - b.astype(int)).max(axis=-1) > 8


def test_weights_of_nothing_change_nothing():
    body = AvatarBody.named()
    np.testing.assert_array_equal(frame(body, None), frame(body, {"jawOpen": 0.0}))


@pytest.mark.parametrize("name", body_names())
def test_an_open_mouth_is_dark_inside_and_changes_the_lower_face_only(name):
    body = AvatarBody.named(name)
    closed, opened = frame(body, {}), frame(body, {"jawOpen": 0.8})
    rows, columns = box(body, range(60, 68))
    inside = opened[rows, columns].astype(int).sum(axis=-1)
    assert inside.min() < 0.5 * closed[rows, columns].astype(int).sum(axis=-1).min() + 60
    assert np.mean(inside < 180) > np.mean(closed[rows, columns].astype(int).sum(axis=-1) < 180)
    brows = box(body, range(17, 27))[0].stop
    assert not changed(closed, opened)[:brows].any()


@pytest.mark.parametrize("name", body_names())
def test_closed_lids_hide_the_white_and_the_iris(name):
    body = AvatarBody.named(name)
    opened, closed = frame(body, {}), frame(body, {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0})
    for points in (range(36, 42), range(42, 48)):
        eye = box(body, points, around=0.0)
        assert np.ptp(closed[eye].astype(int).sum(axis=-1)) < 0.75 * np.ptp(opened[eye].astype(int).sum(axis=-1))


def test_the_eyes_turn_where_they_look():
    """The iris, the darkest part of an eye, goes to the viewer's right when the signer looks to the left."""
    body = AvatarBody.named("old man")
    rows, columns = box(body, range(42, 48), around=0.0)

    def iris(shapes: dict[str, float]) -> float:
        dark = 400 - np.minimum(frame(body, shapes)[rows, columns].astype(float).sum(axis=-1), 400)
        return float((dark.sum(axis=0) @ np.arange(dark.shape[1])) / dark.sum())

    assert iris({"eyeLookOutLeft": 1.0}) > iris({}) + 0.5 > iris({"eyeLookInLeft": 1.0}) + 1.0


def test_a_pose_with_a_face_moves_the_avatar_s(pose):
    joints = np.repeat(pose.body.data[:1, 0].filled(), 9, axis=0)
    body = AvatarBody.named("person")
    points = np.tile(body.face_rest.astype(float), (9, 1, 1))
    points[5:, 55:60, 1] += 0.02
    points[5:, 65:68, 1] += 0.02
    points[5:, 5:12, 1] += 0.02
    whole = np.concatenate([joints, np.zeros((9, 4, 3)), points], axis=1)
    confidence = np.ones(whole.shape[:2])
    confidence[:, 50:54] = 0
    signer = Signer(body="person")
    at_rest = np.concatenate([joints, np.zeros((9, 4, 3)), np.tile(body.face_rest.astype(float), (9, 1, 1))], axis=1)
    faced, plain = (
        list(
            AvatarRenderer(signer=signer).render(
                BODY_HANDS_FACE.make_pose(points, 25, confidence=confidence), size=256, camera=Camera()
            )
        )
        for points in (whole, at_rest)
    )
    assert not changed(faced[0], plain[0]).any()
    moved = np.argwhere(changed(faced[8], plain[8]))
    assert len(moved) > 10
    low, high = Camera().project(np.array([[-0.08, -0.26], [0.08, -0.05]]), 256)
    assert (moved[:, 1] > low[0]).all()
    assert (moved[:, 1] < high[0]).all()
    assert (moved[:, 0] > low[1]).all()
    assert (moved[:, 0] < high[1]).all()


def test_points_of_the_face_are_on_the_mesh_that_is_drawn():
    body, random = AvatarBody.named("middle-aged woman"), np.random.default_rng(3)
    axes, angles = random.normal(size=(4, 3)), random.uniform(-0.5, 0.5, 4)
    turn = about(axes / np.linalg.norm(axes, axis=1, keepdims=True), angles)
    turns = np.tile(np.eye(3, dtype=np.float32), (4, len(body.heads), 1, 1))
    turns[:, body.bone("neck03")], turns[:, body.bone("head")] = turn[::-1], turn
    shapes = random.uniform(0, 0.6, (4, len(body.cast.shapes))).astype(np.float32)
    motion = Motion(body=body, turns=turns, shapes=shapes)
    caster = Raycaster(body, dress(body, Signer(body=body.name)), width=16, height=16, camera=CLOSE)
    found = face_points(motion)
    for number, frame_of in enumerate(zip(*next(motion.blocks()), strict=True)):
        caster.draw(*frame_of)
        np.testing.assert_allclose(found[number, 4:], caster._points.numpy()[body.cast.face_points], atol=1e-5)
