"""The drawing against controlnet_aux's own, to the pixel."""

import numpy as np
import pytest

from signdiff_core.camera import Camera
from signdiff_core.drawing import OpenposeDrawer, draw, draw_pixels


@pytest.fixture(scope="module")
def reference():
    """controlnet_aux's drawing of 50 or 124 pixel positions, through its own normalised keypoints."""
    pytest.importorskip("matplotlib", reason="controlnet_aux draws hands with matplotlib's colours")
    open_pose = pytest.importorskip("controlnet_aux.open_pose", reason="controlnet_aux is not installed")
    from controlnet_aux.open_pose.body import BodyResult, Keypoint

    def draw_reference(pixels, present, height, width):
        points = [
            Keypoint(x / width, y / height) if there else None
            for (x, y), there in zip(pixels.tolist(), present, strict=True)
        ]
        # What is absent is None in a body of 18 points, and -1 pixel in a hand of 21.
        hands = [[point or Keypoint(-1 / width, -1 / height) for point in points[part]] for part in HANDS]
        body = BodyResult([*points[:8], *[None] * 6, *(points[50:54] or [None] * 4)], 1.0, 8)
        face = [point for point in points[54:] if point]
        return open_pose.draw_poses([open_pose.PoseResult(body, *hands, face)], height, width)

    return draw_reference


HANDS = (slice(8, 29), slice(29, 50))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("height", "width"), [(512, 512), (512, 768), (256, 256), (300, 411)])
@pytest.mark.parametrize("num_joints", [50, 124])
def test_equals_controlnet_aux_at_its_own_widths(reference, height, width, num_joints):
    random = np.random.default_rng(0)
    for _ in range(40):
        # Positions off the whole numbers: their way through a share of the width cannot change the pixel.
        pixels = random.integers(-20, max(height, width) + 20, (num_joints, 2))
        pixels = pixels + random.uniform(0.1, 0.9, pixels.shape)
        present = random.random(num_joints) > 0.15
        ours = draw_pixels(pixels, present.astype(float), size=(height, width), line_scale=1)
        assert np.array_equal(ours, reference(pixels, present, height, width))


@pytest.mark.filterwarnings("ignore")
def test_default_widths_are_controlnet_auxs_at_512(reference, pose):
    joints = np.asarray(pose.body.data[0, 0])
    pixels = Camera().project(joints.astype(np.float64), 512)
    assert np.array_equal(draw(joints, size=512), reference(pixels, np.ones(50, bool), 512, 512))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.realdata
def test_equals_controlnet_aux_on_a_real_clip(reference, realdata):
    from signdiff_core.skeleton import BODY_HANDS_FACE
    from signdiff_core.sources import read_pose

    clip = read_pose(realdata / "how2sign-openpose" / "json" / "_2FBDaOPYig_2-3-rgb_front", fps=24)
    joints, confidence = BODY_HANDS_FACE.arrays(clip)
    for t in range(0, len(joints), 40):
        pixels = joints[t, :, :2].astype(np.float64) + 1e-3
        ours = draw_pixels(pixels, confidence[t], size=(720, 1280), line_scale=1)
        assert np.array_equal(ours, reference(pixels, confidence[t] > 0, 720, 1280))


def test_lines_follow_the_size(pose):
    joints = np.asarray(pose.body.data[0, 0])
    large, small = (np.count_nonzero(draw(joints, size=size).any(axis=-1)) / size**2 for size in (512, 256))
    assert small == pytest.approx(large, rel=0.25)


def test_frame_that_is_not_square_holds_the_square_in_its_middle(pose):
    joints = np.asarray(pose.body.data[0, 0])
    square, wide = draw(joints, size=256), draw(joints, size=(256, 400))
    assert np.array_equal(wide[:, 72:328], square)
    assert not wide[:, :40].any()


def test_nothing_present_draws_nothing(pose):
    assert not draw(np.asarray(pose.body.data[0, 0]), np.zeros(50)).any()


def test_far_joints_are_left_out(pose):
    joints = np.asarray(pose.body.data[0, 0]).copy()
    without = draw(joints, (np.arange(50) != 12).astype(float))
    joints[12] = 1e30
    assert np.array_equal(draw(joints), without)


@pytest.mark.parametrize(
    ("joints", "confidence", "options", "match"),
    [
        (np.zeros((49, 3)), None, {}, r"\(50, 2\)"),
        (np.full((50, 3), np.nan), None, {}, "finite"),
        (np.zeros((50, 3)), np.ones(49), {}, "confidence"),
        (np.zeros((50, 3)), None, {"size": 0}, "size"),
        (np.zeros((50, 3)), None, {"line_scale": -1}, "line_scale"),
    ],
)
def test_bad_arguments_are_named(joints, confidence, options, match):
    with pytest.raises(ValueError, match=match):
        draw(joints, confidence, **options)


def test_drawer_follows_the_detectors(pose):
    joints = np.asarray(pose.body.data[0, 0])
    drawer = OpenposeDrawer.from_pretrained("lllyasviel/ControlNet")
    image = drawer(joints, detect_resolution=512, image_resolution=512)
    assert (image.size, image.mode) == ((512, 512), "RGB")
    assert np.array_equal(np.asarray(image), draw(joints, size=512))
    assert drawer(joints, image_resolution=256, output_type="np").shape == (256, 256, 3)
    with pytest.raises(ValueError, match="output_type"):
        drawer(joints, output_type="torch")
