"""The square around a signer, and what it cuts out."""

import cv2
import numpy as np
import pytest

from signdiff_core.camera import Camera
from signdiff_core.prepare.signer import Square, find_square


def people(necks, widths):
    points = np.zeros((len(necks), 50, 2))
    for frame, (neck, width) in enumerate(zip(necks, widths, strict=True)):
        points[frame, [1, 2, 5]] = neck, np.subtract(neck, (width / 2, 0)), np.add(neck, (width / 2, 0))
    return points


def test_the_camera_shows_neck_and_shoulders_where_it_has_them():
    points = people([(640, 300)] * 5, [200] * 5)
    square = find_square(points, np.ones((5, 50)))
    assert (square.left, square.top, square.side) == (640 - 270, round(300 - 237.5), 500)
    shown = Camera().project(square.normalise(points[0]), 256)
    assert shown[1] == pytest.approx(np.multiply(Camera().neck, 256), abs=0.3)
    assert shown[5, 0] - shown[2, 0] == pytest.approx(0.4 * 256)


def test_one_strange_frame_moves_nothing():
    steady = people([(640, 300)] * 7, [200] * 7)
    strange = people([(640, 300)] * 6 + [(90, 700)], [200] * 6 + [900])
    assert find_square(strange, np.ones((7, 50))) == find_square(steady, np.ones((7, 50)))


def test_absent_joints_do_not_count():
    points, confidence = people([(640, 300), (0, 0)], [200, 0]), np.ones((2, 50))
    confidence[1] = 0
    assert find_square(points, confidence) == find_square(points[:1], confidence[:1])
    with pytest.raises(ValueError, match="neck and both shoulders"):
        find_square(points, np.zeros((2, 50)))


def test_a_signer_who_is_too_small_is_refused():
    with pytest.raises(ValueError, match="64 pixels, but fills one of 50"):
        find_square(people([(640, 300)], [20]), np.ones((1, 50)))


@pytest.mark.parametrize("square", [Square(left=31, top=-20, side=90), Square(left=-7, top=3, side=333)])
def test_what_is_drawn_at_normalised_joints_lies_on_the_cut_frame(square):
    points = np.random.default_rng(0).uniform(0, 400, (30, 2))
    expected = (points - (square.left, square.top)) * 256 / square.side
    assert Camera().project(square.normalise(points), 256) == pytest.approx(expected)


@pytest.mark.parametrize("corner", [(20, 10), (-15, 4), (60, 50), (-30, -30)])
def test_what_lies_outside_repeats_the_edge(corner):
    picture = np.random.default_rng(0).integers(0, 255, (80, 100, 3), dtype=np.uint8)
    square = Square(left=corner[0], top=corner[1], side=64)
    padded = np.pad(picture, ((64, 64), (64, 64), (0, 0)), mode="edge")
    expected = padded[corner[1] + 64 : corner[1] + 128, corner[0] + 64 : corner[0] + 128]
    assert np.array_equal(square.cut(picture, 64), expected)
    outside = np.pad(np.ones((80, 100)), 64)[corner[1] + 64 : corner[1] + 128, corner[0] + 64 : corner[0] + 128] == 0
    assert square.padding(100, 80) == pytest.approx(outside.mean())


def test_a_point_of_light_stays_where_its_joint_is():
    y, x = np.mgrid[:720, :1280]
    place = np.array([703.4, 311.8])
    light = 255 * np.exp(-((x + 0.5 - place[0]) ** 2 + (y + 0.5 - place[1]) ** 2) / 50)
    picture = np.repeat(light[..., None], 3, axis=2).astype(np.uint8)
    for side, size in ((551, 256), (551, 512), (300, 512)):
        square = Square(left=500, top=100, side=side)
        cut = square.cut(picture, size)[..., 0].astype(float)
        rows, columns = np.mgrid[:size, :size] + 0.5
        centre = np.array([(columns * cut).sum(), (rows * cut).sum()]) / cut.sum()
        assert centre == pytest.approx(Camera().project(square.normalise(place), size), abs=0.1)


def test_frames_are_made_smaller_without_aliasing():
    stripes = np.repeat(np.tile(np.array([0, 255], np.uint8), 256)[None, :, None], 512, axis=0).repeat(3, axis=2)
    cut = Square(left=0, top=0, side=512).cut(stripes, 128)
    assert cut.min() == cut.max() == 128
    assert cut.dtype == np.uint8
    assert cut.shape == (128, 128, 3)
    assert cv2.resize(stripes, (128, 128), interpolation=cv2.INTER_NEAREST).max() != 128
