import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_array_equal
from PIL import Image

from signdiff_frnet import FRNetParameters, InvalidImageError, annotate_batch, frnet
from signdiff_frnet.ops import erode_binary

METHODS = {"gaussian": cv2.ADAPTIVE_THRESH_GAUSSIAN_C, "mean": cv2.ADAPTIVE_THRESH_MEAN_C}
RNG = np.random.default_rng(0)
REAL = os.environ.get("SIGNDIFF_REALDATA")
CHOICES = [
    {},
    {"threshold_method": "mean", "block_size": 255, "kernel_size": 1},
    {"block_size": 3, "offset": -3.5, "kernel_size": 31},
]
grey_images = arrays(np.uint8, st.tuples(st.integers(1, 24), st.integers(1, 24)))


def by_hand(frame, threshold_method="gaussian", block_size=11, offset=10.0, kernel_size=5):
    method = {"gaussian": cv2.ADAPTIVE_THRESH_GAUSSIAN_C, "mean": cv2.ADAPTIVE_THRESH_MEAN_C}[threshold_method]
    grey = cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2GRAY)
    binary = cv2.adaptiveThreshold(grey, 255, method, cv2.THRESH_BINARY, block_size, offset)
    return cv2.erode(binary, cv2.getStructuringElement(cv2.MORPH_RECT, (kernel_size, kernel_size)))


@given(
    grey=grey_images,
    method=st.sampled_from(sorted(METHODS)),
    block_size=st.sampled_from([3, 7, 11, 21]),
    offset=st.integers(-20, 20),
    kernel_size=st.sampled_from([1, 3, 5, 7]),
)
def test_equals_opencv_called_by_hand(grey, method, block_size, offset, kernel_size):
    binary = cv2.adaptiveThreshold(grey, 255, METHODS[method], cv2.THRESH_BINARY, block_size, offset)
    expected = cv2.erode(binary, cv2.getStructuringElement(cv2.MORPH_RECT, (kernel_size, kernel_size)))

    found = frnet(grey, threshold_method=method, block_size=block_size, offset=offset, kernel_size=kernel_size)

    assert_array_equal(found, expected, strict=True)


def test_a_dark_pixel_becomes_a_square_of_the_kernels_size():
    image = np.full((15, 15), 180, dtype=np.uint8)
    image[7, 7] = 60
    expected = np.full((15, 15), 255, dtype=np.uint8)
    expected[5:10, 5:10] = 0
    assert_array_equal(frnet(image), expected, strict=True)


def test_threshold_by_mean_against_its_formula():
    # Written out in numpy: white where the pixel exceeds the rounded mean of its 3x3 block minus the offset.
    grey = np.random.default_rng(0).integers(0, 256, (12, 10), dtype=np.uint8)
    blocks = np.lib.stride_tricks.sliding_window_view(np.pad(grey.astype(float), 1, mode="edge"), (3, 3))
    expected = np.where(grey > np.rint(blocks.mean(axis=(2, 3))) - 4, 255, 0).astype(np.uint8)
    assert_array_equal(frnet(grey, threshold_method="mean", block_size=3, offset=4, kernel_size=1), expected)


def test_erosion_is_the_minimum_over_the_square():
    binary = np.random.default_rng(1).choice(np.array([0, 255], np.uint8), (9, 11), p=[0.1, 0.9])
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(binary, 2, constant_values=255), (5, 5))
    assert_array_equal(erode_binary(binary, kernel_size=5), windows.min(axis=(2, 3)), strict=True)


def test_flat_image_is_white():
    assert (frnet(np.full((40, 40), 128, np.uint8)) == 255).all()


def test_offset_two_is_ruled_by_noise_and_the_default_is_not():
    # design of the default: sensor noise of two grey levels on flat grey
    noisy = np.random.default_rng(0).normal(128, 2, (256, 256)).round().astype(np.uint8)
    assert (frnet(noisy, offset=2) == 255).mean() < 0.01
    assert (frnet(noisy) == 255).mean() > 0.99


def test_colour_is_weighed_as_pillow_weighs_it():
    rgb = np.random.default_rng(2).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    pillow = np.array(Image.fromarray(rgb).convert("L"))
    # The two round differently by one grey level, which a threshold can see on single pixels.
    assert (frnet(rgb, kernel_size=1) == frnet(pillow, kernel_size=1)).mean() > 0.97


def test_grey_in_any_shape_gives_one_map():
    grey = np.random.default_rng(3).integers(0, 256, (16, 16), dtype=np.uint8)
    opaque = np.dstack([grey, grey, grey, np.full_like(grey, 255)])
    for image in (grey[:, :, None], np.dstack([grey] * 3), opaque, np.asfortranarray(grey), grey[::-1][::-1]):
        assert_array_equal(frnet(image), frnet(grey), strict=True)


def test_one_pixel():
    assert_array_equal(frnet(np.zeros((1, 1), np.uint8)), [[255]])
    assert_array_equal(frnet(np.zeros((1, 1), np.uint8), offset=-1), [[0]])


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (0, 0, 3), (5,), (5, 5, 2), (5, 5, 5), (1, 5, 5, 3)])
def test_refuses_shapes(shape):
    with pytest.raises(InvalidImageError, match=r"input_image must have the shape .* but has \("):
        frnet(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.uint16, bool])
def test_refuses_dtypes(dtype):
    with pytest.raises(InvalidImageError, match=f"must be a uint8 array, but its dtype is {np.dtype(dtype)}"):
        frnet(np.zeros((5, 5), dtype))


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("threshold_method", ["otsu", None, 0]),
        ("block_size", [10, 1, 0, -3, 11.0, "11", None]),
        ("kernel_size", [4, 0, -5, 5.0, None]),
        ("offset", [256, -256, float("nan"), float("inf"), "7", None]),
    ],
)
def test_refuses_parameters_by_name_and_value(name, values):
    for value in values:
        for call in (FRNetParameters, lambda **kw: frnet(np.zeros((5, 5), np.uint8), **kw)):
            with pytest.raises(ValueError, match=f"^{name} must be .* but is {value!r}"):
                call(**{name: value})


def test_parameters_take_numpy_numbers():
    assert FRNetParameters(block_size=np.int32(7), offset=np.float32(3)) == FRNetParameters(block_size=7, offset=3)


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("threads", [None, 1, 3, 64])
@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 90, 70), (5, 31, 2), (7, 48, 65)])
def test_every_map_is_that_of_opencv_called_by_hand(shape, threads, choice):
    frames = RNG.integers(0, 256, (*shape, 3), dtype=np.uint8)
    found = annotate_batch(frames, threads=threads, **choice)
    assert_array_equal(found, [by_hand(frame, **choice) for frame in frames])
    assert_array_equal(found, [frnet(frame, **choice) for frame in frames])
    assert found.dtype == np.uint8


def test_strides_of_any_kind():
    frames = RNG.integers(0, 256, (3, 3, 40, 50), dtype=np.uint8)
    for seen in (frames.transpose(0, 2, 3, 1), frames.transpose(0, 3, 2, 1)[:, ::-2, ::3], frames[:, :, ::-1, :3]):
        assert_array_equal(annotate_batch(seen), annotate_batch(np.ascontiguousarray(seen)))


def test_the_frames_stay_as_they_are():
    frames = RNG.integers(0, 256, (2, 20, 20, 3), dtype=np.uint8)
    before = frames.copy()
    frames.flags.writeable = False
    annotate_batch(frames)
    assert_array_equal(frames, before)


def test_no_frames_no_maps():
    assert annotate_batch(np.zeros((0, 4, 6, 3), np.uint8)).shape == (0, 4, 6)


@pytest.mark.parametrize("shape", [(4, 4, 3), (2, 4, 4, 1), (2, 4, 4, 4), (2, 0, 4, 3), (2, 4, 0, 3), (1, 2, 4, 4, 3)])
def test_a_batch_refuses_shapes(shape):
    with pytest.raises(InvalidImageError, match=r"^frames must have the shape \(N, H, W, 3\) .* but has \("):
        annotate_batch(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("frames", [np.zeros((1, 4, 4, 3)), np.full((1, 4, 4, 3), np.nan), [[[[0, 0, 0]]]], None])
def test_a_batch_refuses_other_types(frames):
    with pytest.raises(InvalidImageError, match=r"^frames must be a uint8 array, but is"):
        annotate_batch(frames)


@pytest.mark.parametrize("threads", [0, -1, 1.5, "2", float("nan")])
def test_refuses_threads(threads):
    with pytest.raises(ValueError, match=r"^threads must be an integer and at least 1, but is"):
        annotate_batch(np.zeros((1, 4, 4, 3), np.uint8), threads=threads)


@pytest.mark.realdata
def test_real_frames():
    if not REAL:
        pytest.skip("SIGNDIFF_REALDATA names no folder with samples of real corpora")
    for clip in sorted(Path(REAL, "how2sign-clips", "mp4").glob("*.mp4")):
        video, frames = cv2.VideoCapture(str(clip)), []
        while len(frames) < 8 and (read := video.read())[0]:
            frames.append(read[1][..., ::-1])
        assert_array_equal(annotate_batch(np.stack(frames)), [by_hand(frame) for frame in frames])
