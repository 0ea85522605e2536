"""How a clip is framed: cameras that show everything, and frames of any shape."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signdiff_core import formats
from signdiff_core.camera import Camera
from signdiff_core.drawing import draw
from signdiff_core.formats.coordinates import visible
from signdiff_core.framing import choose_camera, frame_size, recorded_camera
from signdiff_core.gaps import fill_gaps
from signdiff_core.skeleton import LEFT_HAND, NOSE, RIGHT_HAND, joints_of, make_pose
from signdiff_core.skeleton_renderer import SkeletonRenderer

SHAPES = [(512, 512), (1280, 720), (720, 1280), (64, 400)]


@pytest.fixture
def joints(pose):
    return np.array(pose.body.data[:, 0].filled(0), dtype=np.float64)


@pytest.mark.parametrize("shape", SHAPES)
def test_what_the_default_view_shows_keeps_it(joints, shape):
    joints[:, LEFT_HAND] = joints[:, 7, None] = (0.1, 0.2, 0)
    camera = choose_camera(joints, np.ones(joints.shape[:2]), width=shape[0], height=shape[1])
    assert camera == Camera.centred(*shape)


@pytest.mark.parametrize("shape", SHAPES)
@settings(max_examples=60, deadline=None)
@given(
    right=st.tuples(st.floats(-0.9, 0.4), st.floats(-0.7, 0.9)),
    left=st.tuples(st.floats(-0.4, 0.9), st.floats(-0.7, 0.9)),
    nose=st.tuples(st.floats(-0.1, 0.1), st.floats(-0.35, -0.1)),
)
def test_nothing_is_ever_cut(shape, right, left, nose):
    joints = np.zeros((3, 50, 3))
    joints[:, [2, 5], 0] = -1 / 6, 1 / 6
    joints[:, [3, 6], 0], joints[:, [3, 6], 1] = (-0.4, 0.4), 0.2  # elbows out: neither arm hangs
    joints[:, NOSE, :2] = (0, -0.2)
    joints[1, NOSE, :2] = nose
    joints[2, RIGHT_HAND, :2], joints[2, 4, :2] = right, right
    joints[2, LEFT_HAND, :2], joints[2, 7, :2] = left, left
    camera = choose_camera(joints, np.ones((3, 50)), width=shape[0], height=shape[1])
    crown = joints[:, NOSE, :2] - (0, 0.16)
    hands = joints[:, [4, 7, *range(8, 50)]]
    for points in (crown, hands):
        pixels = camera.project(points, shape).reshape(-1, 2)
        assert (pixels >= -1e-9).all()
        assert (pixels <= np.array(shape) + 1e-9).all()


def test_a_hand_that_hangs_beside_the_body_does_not_count(joints):
    """An arm of 0.54 that hangs straight ends below any square frame of the default view, at 0.44."""
    joints[:, 5:8, :2] = (0.17, 0), (0.2, 0.27), (0.2, 0.54)
    joints[:, LEFT_HAND, :2] = (0.2, 0.65)
    assert choose_camera(joints, np.ones(joints.shape[:2]), width=512, height=512) == Camera()
    joints[:, 6, :2] = (0.35, 0.25)  # a bent arm with the hand as low signs
    camera = choose_camera(joints, np.ones(joints.shape[:2]), width=512, height=512)
    assert camera.project(joints[0, 20], 512)[1] < 512


def test_what_no_arm_reaches_and_what_is_absent_does_not_count(joints):
    joints[:, LEFT_HAND] = joints[:, 7, None] = (0.1, 0.2, 0)
    joints[1, RIGHT_HAND] = (5, 5, 0)
    confidence = np.ones(joints.shape[:2])
    assert choose_camera(joints, confidence, width=512, height=512) == Camera()
    joints[1, RIGHT_HAND], confidence[1, RIGHT_HAND] = (0.9, 0.9, 0), 0
    assert choose_camera(joints, confidence, width=512, height=512) == Camera()
    assert choose_camera(joints, np.zeros_like(confidence), width=512, height=512) == Camera()


def test_points_of_the_face_are_shown_too(joints):
    face = np.full((len(joints), 3, 2), np.nan)
    face[2, 1] = (0.0, -0.6)
    camera = choose_camera(joints, np.zeros(joints.shape[:2]), width=100, height=100, face=face)
    assert 0 < camera.project(face[2, 1], 100)[1] < 10


@pytest.mark.parametrize("shape", SHAPES)
def test_recorded_places_joints_as_the_picture_did(joints, shape):
    """The neck and shoulders of a still signer lie where a picture of 640x360, fitted in, has them."""
    pixels = joints * 300 + (400, 150, 0)
    pixels[1:] = pixels[0]
    pose = make_pose(pixels, 25)
    pose.header.dimensions.width, pose.header.dimensions.height = 640, 360
    camera = recorded_camera(pose, width=shape[0], height=shape[1])
    share = min(shape[0] / 640, shape[1] / 360)
    expected = (pixels[0, [1, 2, 5], :2] - (320, 180)) * share + np.array(shape) / 2
    normal = joints_of(visible(pose))[0]
    np.testing.assert_allclose(camera.project(normal[0, [1, 2, 5]].astype(float), shape), expected, atol=0.02)


def test_recorded_needs_a_picture(pose):
    with pytest.raises(ValueError, match="framing must not be 'recorded' for a pose in normalised coordinates"):
        SkeletonRenderer().render(pose, framing="recorded")


@pytest.mark.parametrize("framing", ["close", (1.0, 0.5), (float("nan"), 0.5, 0.5), (0.0, 0.5, 0.5), None])
def test_framings_that_are_none_are_refused(pose, framing):
    with pytest.raises(ValueError, match="framing must be 'signing space', 'recorded', a Camera, or scale"):
        SkeletonRenderer().render(pose, framing=framing)


def test_numbers_are_taken_as_they_are(pose, joints):
    frame = next(iter(SkeletonRenderer().render(pose, width=320, height=180, framing=(0.5, 0.25, 0.5))))
    x, y = (joints[0, 3, :2] * 0.5 * 180 + (80, 90)).round().astype(int)
    assert frame[y, x].tolist() == [71, 85, 105]


@pytest.mark.parametrize(
    ("sides", "message"),
    [
        ((512, 640, 480), "size or width and height must be given, not both"),
        ((None, 640, None), "width and height must be given together, but are 640 and None"),
        ((None, 640, 8), "height must be between 16 and 4096, but is 8"),
        ((100_000, None, None), "size must be between 16 and 4096, but is 100000"),
    ],
)
def test_sides_that_make_no_frame_are_refused(sides, message):
    with pytest.raises(ValueError, match=message):
        frame_size(*sides)


@pytest.mark.parametrize("shape", [(640, 360), (360, 640)])
def test_frames_have_the_shape_that_was_asked_for(pose, shape):
    frames = list(SkeletonRenderer().render(pose, width=shape[0], height=shape[1]))
    assert {frame.shape for frame in frames} == {(shape[1], shape[0], 3)}


def test_a_drawing_in_a_wide_frame_is_the_square_one_in_its_middle(joints):
    square, wide = draw(joints[0], size=256), draw(joints[0], size=(256, 400), camera=Camera.centred(400, 256))
    assert np.array_equal(wide[:, 72:328], square)


@pytest.mark.realdata
def test_openpose_clips_are_whole(realdata):
    for folder in sorted((realdata / "how2sign-openpose" / "json").iterdir()):
        joints, confidence = joints_of(visible(formats.read(folder, size=(1280, 720))))
        for shape in SHAPES[:3]:
            camera = choose_camera(joints, confidence, width=shape[0], height=shape[1])
            pixels = camera.project(joints.astype(float), shape)[:, 8:][confidence[:, 8:] > 0]
            assert (pixels >= 0).all()
            assert (pixels <= shape).all()
            assert camera.scale > 0.8


@pytest.mark.realdata
def test_hands_that_rest_in_the_lap_are_whole(realdata):
    """Signers of How2Sign rest a hand low before them, at the end of an arm that is nearly straight."""
    for path in sorted((realdata / "how2sign-clips" / "mediapipe").glob("*.npz"))[:4]:
        filled = fill_gaps(visible(formats.read(path)))
        camera = choose_camera(filled.joints, filled.confidence, width=512, height=512)
        pixels = camera.project(filled.joints.astype(float), 512)[:, 8:]
        assert (pixels >= 0).all()
        assert (pixels <= 512).all()
