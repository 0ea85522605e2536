"""Face shapes: those of the cast, and their weights from points of a face."""

import numpy as np
import pytest

from signdiff_core.anatomy.rotations import about
from signdiff_core.avatar import AvatarBody, Motion, fit
from signdiff_core.avatar.cast import bundled_cast
from signdiff_core.avatar.face import face_points, face_shapes
from signdiff_core.skeleton import NOSE

FRAMES = 24
WAVE = np.clip(np.sin(np.linspace(-2 * np.pi, 2.5 * np.pi, FRAMES)) - 0.3, 0, 1) / 0.7
"""From 0 up to 1 and back: less than half of the frames are not at rest."""


def shaped(body: AvatarBody, **shapes: np.ndarray) -> np.ndarray:
    """The 70 points of a body's face, (T, 70, 3), under weights (T,) of shapes."""
    cast = body.cast
    moved = np.zeros((FRAMES, len(body.vertices), 3))
    for name, weights in shapes.items():
        number = cast.shapes.index(name)
        rows = slice(cast.shape_first[number], cast.shape_first[number + 1])
        moved[:, cast.shape_vertex[rows]] += weights[:, None, None] * cast.shape_delta[rows].astype(float)
    return body.face_rest + moved[:, cast.face_points] * body.face_size


def seen(points: np.ndarray, head: np.ndarray, *, flat: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """The face as a detector gives it, in pixels, with the head turned."""
    middle = points.mean(axis=(0, 1))
    pixels = np.einsum("tij,tnj->tni", head, points - middle) * 650 + [300, 200, 0]
    if flat:
        pixels[..., 2] = 0
    face = np.concatenate([np.zeros((len(points), 4, 3)), pixels], axis=1)
    return face, np.ones(face.shape[:2])


def upright() -> np.ndarray:
    return np.tile(np.eye(3), (FRAMES, 1, 1))


def swaying() -> np.ndarray:
    return about(np.tile([0.36, 0.8, 0.48], (FRAMES, 1)), np.radians(np.linspace(-20, 20, FRAMES)))


def weight(found: np.ndarray, name: str) -> np.ndarray:
    return found[:, bundled_cast().shapes.index(name)].astype(float)


def test_the_cast_has_arkit_s_shapes_and_the_points_of_a_face():
    cast = bundled_cast()
    assert len(cast.shapes) == 52
    assert {"jawOpen", "eyeBlinkLeft", "browInnerUp", "cheekPuff", "eyeLookUpRight", "tongueOut"} <= set(cast.shapes)
    assert len(cast.shape_vertex) == len(cast.shape_delta) == cast.shape_first[-1]
    points = cast.first_face.astype(float)
    mirrored = {0: 16, 8: 8, 17: 26, 21: 22, 31: 35, 36: 45, 39: 42, 48: 54, 60: 64, 68: 69}
    for right, left in mirrored.items():
        np.testing.assert_allclose(points[right] * [-1, 1, 1], points[left], atol=2e-3)
    heights = points[[19, 37, 41, 30, 51, 57, 8], 1]
    assert (np.diff(heights) > 0).all(), "brow, lids, nose, lips and chin are below each other"


@pytest.mark.parametrize("body", ["person", "old man", "young slim woman"])
def test_a_blink_closes_the_eye_and_an_open_jaw_the_mouth_does_not(body):
    points = shaped(AvatarBody.named(body), jawOpen=WAVE, eyeBlinkLeft=WAVE)
    closed, opened = int(WAVE.argmax()), points[0]
    lids = points[:, 47, 1] - points[:, 43, 1]
    assert lids[0] > 0.007
    assert lids[closed] < 0.2 * lids[0]
    assert points[closed, 66, 1] - points[closed, 62, 1] > 0.02 > opened[66, 1] - opened[62, 1]


def measured(points: np.ndarray) -> dict[str, np.ndarray]:
    """What a viewer sees a face do, from its points (T, 70, 3), in shares of the distance between the eyes' corners."""

    def between(a: int, b: int, axis: int) -> np.ndarray:
        return points[:, b, axis] - points[:, a, axis]

    size = between(36, 45, 0)
    return {
        "mouth open": between(62, 66, 1) / size,
        "mouth wide": between(48, 54, 0) / size,
        "left corner up": between(54, 33, 1) / size,
        "left eye open": (between(43, 47, 1) + between(44, 46, 1)) / size,
        "right eye open": (between(37, 41, 1) + between(38, 40, 1)) / size,
        "brows up": -(between(39, 21, 1) + between(42, 22, 1)) / size,
        "left brow up": -between(45, 24, 1) / size,
        "left gaze": (between(42, 69, 0) - between(69, 45, 0)) / size,
        "right gaze": (between(36, 68, 0) - between(68, 39, 0)) / size,
    }


@pytest.mark.parametrize("body", ["person", "old man", "young woman"])
@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("jawOpen", "mouth open"),
        ("eyeBlinkLeft", "left eye open"),
        ("eyeBlinkRight", "right eye open"),
        ("browInnerUp", "brows up"),
        ("browOuterUpLeft", "left brow up"),
        ("browDownLeft", "left brow up"),
        ("mouthSmileLeft", "left corner up"),
        ("mouthPucker", "mouth wide"),
    ],
)
def test_what_a_face_does_the_avatar_does(body, flat, name, what):
    """Whoever's face it is and whichever way it looks."""
    theirs = shaped(AvatarBody.named(body), **{name: 0.8 * WAVE})
    found = face_shapes(AvatarBody.named(), *seen(theirs, swaying(), flat=flat), swaying(), smoothing=0)
    ours = shaped(AvatarBody.named(), **dict(zip(bundled_cast().shapes, found.T, strict=True)))
    wanted, got = (measured(points)[what] for points in (theirs, ours))
    assert np.corrcoef(wanted, got)[0, 1] > 0.95
    assert 0.6 < np.ptp(got) / np.ptp(wanted) < 1.5


@pytest.mark.parametrize("flat", [False, True])
def test_both_eyes_look_where_the_signer_s_do(flat):
    ramp = np.clip(np.linspace(-0.5, 0.5, FRAMES), 0, None)
    theirs = shaped(AvatarBody.named("old man"), eyeLookOutLeft=ramp, eyeLookInRight=ramp, eyeLookUpLeft=ramp)
    found = face_shapes(AvatarBody.named(), *seen(theirs, swaying(), flat=flat), swaying(), smoothing=0)
    ours = shaped(AvatarBody.named(), **dict(zip(bundled_cast().shapes, found.T, strict=True)))
    for what in ("left gaze", "right gaze"):
        wanted, got = (measured(points)[what] for points in (theirs, ours))
        assert np.corrcoef(wanted, got)[0, 1] > 0.95
        assert 0.5 < np.ptp(got) / np.ptp(wanted) < 1.5
    assert np.corrcoef(weight(found, "eyeLookUpLeft"), ramp)[0, 1] > 0.9
    np.testing.assert_array_equal(weight(found, "eyeLookOutLeft") > 0.1, weight(found, "eyeLookInRight") > 0.1)


@pytest.mark.parametrize("body", ["person", "old man", "young slim woman"])
def test_every_body_shuts_its_eyes_when_the_signer_does(body):
    theirs = shaped(AvatarBody.named("middle-aged woman"), eyeBlinkLeft=WAVE, eyeBlinkRight=WAVE)
    found = face_shapes(AvatarBody.named(body), *seen(theirs, upright()), upright(), smoothing=0)
    ours = shaped(AvatarBody.named(body), **dict(zip(bundled_cast().shapes, found.T, strict=True)))
    opening = measured(ours)["left eye open"]
    assert opening[WAVE == 0].min() > 0.9 * opening[0]
    assert -0.35 * opening[0] < opening[WAVE.argmax()] < 0, "closed, and not drawn over the cheek"


def test_a_still_face_stays_still():
    face = seen(shaped(AvatarBody.named("middle-aged man")), swaying())
    assert face_shapes(AvatarBody.named(), *face, swaying()).max() < 0.1


def test_no_face_and_an_unknown_face_give_no_weights():
    face, confidence = seen(shaped(AvatarBody.named()), upright())
    assert face_shapes(AvatarBody.named(), None, None, upright()) is None
    assert face_shapes(AvatarBody.named(), face, np.zeros_like(confidence), upright()) is None


def test_frames_that_do_not_know_the_mouth_take_it_from_their_neighbours():
    face, confidence = seen(shaped(AvatarBody.named(), jawOpen=np.linspace(0, 1, FRAMES)), upright())
    confidence[10:13, 4 + 62] = 0
    whole = weight(face_shapes(AvatarBody.named(), face, np.ones_like(confidence), upright()), "jawOpen")
    found = weight(face_shapes(AvatarBody.named(), face, confidence, upright()), "jawOpen")
    np.testing.assert_allclose(found[10:13], whole[10:13], atol=0.05)


def test_without_pupils_the_eyes_look_ahead():
    face, confidence = seen(shaped(AvatarBody.named(), eyeLookOutLeft=WAVE), upright())
    confidence[:, 4 + 68 :] = 0
    found = face_shapes(AvatarBody.named(), face, confidence, upright())
    assert not any(weight(found, name).any() for name in bundled_cast().shapes if name.startswith("eyeLook"))


def motion_of(body: AvatarBody, head: np.ndarray, **shapes: np.ndarray) -> Motion:
    """A body at rest whose head turns as a whole by (T, 3, 3), under weights (T,) of face shapes."""
    turns = np.tile(np.eye(3, dtype=np.float32), (len(head), len(body.heads), 1, 1))
    moving = {body.bone("head")}
    for bone, parent in enumerate(body.cast.parents):
        if parent in moving:
            moving.add(bone)
    turns[:, sorted(moving)] = head[:, None]
    weights = np.zeros((len(head), len(body.cast.shapes)), dtype=np.float32)
    for name, values in shapes.items():
        weights[:, body.cast.shapes.index(name)] = values
    return Motion(body=body, turns=turns, shapes=weights)


@pytest.mark.parametrize("body", ["person", "old man", "young slim woman"])
def test_points_of_a_still_face_are_those_at_rest(body):
    body = AvatarBody.named(body)
    points = face_points(Motion(body=body, turns=motion_of(body, upright()).turns))
    assert (points.shape, points.dtype) == ((FRAMES, 74, 3), np.float32)
    np.testing.assert_allclose(points[:, 4:], np.tile(body.face_rest, (FRAMES, 1, 1)), atol=1e-4)


def test_eyes_and_ears_are_beside_those_of_the_face_and_turn_with_the_head():
    body = AvatarBody.named()
    still, turned = (motion_of(body, head) for head in (upright(), swaying()))
    right_eye, left_eye, right_ear, left_ear = face_points(still)[0, :4].astype(float)
    face = body.face_rest.astype(float)
    for mark, corners in ((right_eye, (36, 39)), (left_eye, (42, 45))):
        assert np.linalg.norm((mark - face[list(corners)].mean(axis=0))[:2]) < 0.01
    assert right_ear[0] < right_eye[0] < still.joints[0, NOSE, 0] < left_eye[0] < left_ear[0]
    assert min(right_ear[2], left_ear[2]) > right_eye[2] > still.joints[0, NOSE, 2], "ears are behind"
    marks = np.stack([face_points(motion)[:, :4] - motion.joints[:, :1] for motion in (still, turned)]).astype(float)
    np.testing.assert_allclose(marks[1], np.einsum("tij,tnj->tni", swaying(), marks[0]), atol=1e-6)


def test_points_of_a_body_s_face_give_its_shapes_and_head_back():
    shapes = {"jawOpen": 0.7 * WAVE, "browInnerUp": 0.8 * np.roll(WAVE, 5), "eyeBlinkLeft": np.roll(WAVE, 3)}
    theirs = motion_of(AvatarBody.named(), swaying(), **shapes)
    face = face_points(theirs), np.ones((FRAMES, 74), dtype=np.float32)
    ours = fit(AvatarBody.named(), theirs.joints, face=face, seen=False, smoothing=0)
    for name, wanted in shapes.items():
        np.testing.assert_allclose(weight(ours.shapes, name), wanted, atol=0.25, err_msg=name)
        assert np.corrcoef(weight(ours.shapes, name), wanted)[0, 1] > 0.97
    wanted, got = (measured(face_points(motion)[:, 4:].astype(float) @ swaying()) for motion in (theirs, ours))
    for what in ("mouth open", "brows up", "left eye open"):
        np.testing.assert_allclose(got[what], wanted[what], atol=0.05, err_msg=what)  # weights are smoothed in time
    head = ours.turns[:, ours.body.bone("head")].astype(float)
    apart = np.degrees(np.arccos(np.clip((np.einsum("tij,tij->t", head, swaying()) - 1) / 2, -1, 1)))
    assert apart.max() < 3
