import importlib
import os
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from signdiff_frnet import InvalidImageError, annotate_batch

pytest.importorskip("torch", reason="torch is not installed; it is the extra [torch]")

import torch

from signdiff_frnet.torch_ops import annotate_tensor

REAL = os.environ.get("SIGNDIFF_REALDATA")
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
METHODS = ["gaussian", "mean"]
ODD = [3, 5, 7, 9, 11, 13, 17, 21, 31, 63, 101, 181, 255]


def test_without_torch_its_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "signdiff_frnet.torch_ops")
    with pytest.raises(ModuleNotFoundError, match=r"pip install \"signdiff-frnet\[torch\]\""):
        importlib.import_module("signdiff_frnet.torch_ops")


def scene(kind, height, width, seed=0):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    if kind == "noise":
        return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    if kind == "faint noise":
        return rng.integers(120, 134, (height, width, 3), dtype=np.uint8)
    if kind == "gradient":
        return np.stack([x * 255 // width, y * 255 // height, (x + y) % 256], axis=-1).astype(np.uint8)
    if kind == "steps":
        return np.repeat(((x // 3 + y // 5) * 7 % 256).astype(np.uint8)[..., None], 3, axis=-1)
    return np.full((height, width, 3), 255, np.uint8)


def agree(frames, device="cpu", **choice):
    found = annotate_tensor(torch.from_numpy(frames).to(device), **choice)
    assert found.dtype == torch.uint8
    assert found.device.type == device
    assert_array_equal(found.cpu().numpy(), annotate_batch(frames, **choice), strict=True)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("block_size", ODD)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("offset", [10, 0, -2.5])
def test_equals_opencv_on_every_kind_of_scene(method, block_size, offset, device):
    kinds = ["noise", "faint noise", "gradient", "steps", "flat"]
    frames = np.stack([scene(kind, 97, 131) for kind in kinds])
    agree(frames, device, threshold_method=method, block_size=block_size, offset=offset, kernel_size=1)


@settings(max_examples=100, deadline=None)
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    seed=st.integers(0, 2**32 - 1),
    low=st.integers(0, 255),
    method=st.sampled_from(METHODS),
    block_size=st.sampled_from(ODD),
    offset=st.floats(-255, 255) | st.integers(-12, 12),
    kernel_size=st.sampled_from([1, 3, 5, 9, 41, 255]),
)
def test_equals_opencv_on_noise_of_any_size(height, width, seed, low, method, block_size, offset, kernel_size):
    frames = np.random.default_rng(seed).integers(low, 256, (2, height, width, 3), dtype=np.uint8)
    agree(frames, threshold_method=method, block_size=block_size, offset=offset, kernel_size=kernel_size)


def test_every_colour_has_opencvs_grey():
    # Each map pixel compares a colour with its neighbours' mean: offset 0 and block 3 on sorted greys show any slip.
    levels = np.arange(0, 256, 5, dtype=np.uint8)
    colours = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, len(levels), -1, 3)
    agree(colours, block_size=3, offset=0, kernel_size=1)


def test_strides_and_channels_first():
    frames = torch.randint(0, 256, (2, 3, 40, 50), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    seen = frames.permute(0, 2, 3, 1)[:, ::2]
    assert_array_equal(annotate_tensor(seen).numpy(), annotate_batch(np.ascontiguousarray(seen.numpy())))


def test_no_frames_no_maps():
    assert annotate_tensor(torch.zeros((0, 4, 6, 3), dtype=torch.uint8)).shape == (0, 4, 6)


@pytest.mark.parametrize("shape", [(4, 4, 3), (2, 3, 4, 4), (2, 0, 4, 3), (2, 4, 0, 3)])
def test_refuses_shapes(shape):
    with pytest.raises(InvalidImageError, match=r"^frames must have the shape \(N, H, W, 3\) .* but has \("):
        annotate_tensor(torch.zeros(shape, dtype=torch.uint8))


@pytest.mark.parametrize("frames", [torch.zeros((1, 4, 4, 3)), np.zeros((1, 4, 4, 3), np.uint8), None])
def test_refuses_other_types(frames):
    with pytest.raises(InvalidImageError, match=r"^frames must be a uint8 tensor, but is"):
        annotate_tensor(frames)


@pytest.mark.realdata
def test_every_frame_of_the_real_clips():
    if not REAL:
        pytest.skip("SIGNDIFF_REALDATA names no folder with samples of real corpora")
    clips = sorted(Path(REAL, "how2sign-clips", "mp4").glob("*.mp4"))
    assert clips
    for clip in clips:
        video = cv2.VideoCapture(str(clip))
        while (read := video.read())[0]:
            agree(cv2.cvtColor(read[1], cv2.COLOR_BGR2RGB)[None])
