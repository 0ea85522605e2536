"""Face shapes: those of the cast, and their weights from points of a face."""

import numpy as np
import pytest

from signdiff_core.anatomy.rotations import about
from signdiff_core.avatar import AvatarBody
from signdiff_core.avatar.cast import bundled_cast
from signdiff_core.avatar.face import face_shapes

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
