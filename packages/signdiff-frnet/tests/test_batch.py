import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from signdiff_frnet import InvalidImageError, annotate_batch, frnet

RNG = np.random.default_rng(0)
REAL = os.environ.get("SIGNDIFF_REALDATA")
CHOICES = [
    {},
    {"threshold_method": "mean", "block_size": 255, "kernel_size": 1},
    {"block_size": 3, "offset": -3.5, "kernel_size": 31},
]


def by_hand(frame, threshold_method="gaussian", block_size=11, offset=10.0, kernel_size=5):
    method = {"gaussian": cv2.ADAPTIVE_THRESH_GAUSSIAN_C, "mean": cv2.ADAPTIVE_THRESH_MEAN_C}[threshold_method]
    grey = cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2GRAY)
    binary = cv2.adaptiveThreshold(grey, 255, method, cv2.THRESH_BINARY, block_size, offset)
    return cv2.erode(binary, cv2.getStructuringElement(cv2.MORPH_RECT, (kernel_size, kernel_size)))


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
def test_refuses_shapes(shape):
    with pytest.raises(InvalidImageError, match=r"^frames must have the shape \(N, H, W, 3\) .* but has \("):
        annotate_batch(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("frames", [np.zeros((1, 4, 4, 3)), np.full((1, 4, 4, 3), np.nan), [[[[0, 0, 0]]]], None])
def test_refuses_other_types(frames):
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
