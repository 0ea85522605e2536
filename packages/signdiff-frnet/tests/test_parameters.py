"""Presets, and the rule that makes maps of one scene agree at every resolution."""

from dataclasses import asdict

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signdiff_frnet import FRNetParameters, frnet

NAMES = ["paper", "fine", "coarse"]
odd = st.integers(0, 127).map(lambda reach: 2 * reach + 1)


def scene(size):
    """Shapes with soft edges: drawn at 2048 pixels, averaged down."""
    large = np.full((2048, 2048, 3), (200, 190, 210), np.uint8)
    cv2.ellipse(large, (1024, 700), (380, 480), 0, 0, 360, (120, 90, 70), -1)
    cv2.rectangle(large, (500, 1250), (1550, 2048), (40, 60, 150), -1)
    for finger in range(5):
        cv2.line(large, (1600 + 70 * finger, 1100), (1620 + 90 * finger, 700), (150, 110, 90), 50)
    return cv2.resize(large, (size, size), interpolation=cv2.INTER_AREA)


def iou(small, large):
    enlarged = cv2.resize(small, large.shape[::-1], interpolation=cv2.INTER_NEAREST) == 0
    return (enlarged & (large == 0)).sum() / (enlarged | (large == 0)).sum()


@pytest.mark.parametrize(("name", "least"), [("paper", 0.7), ("fine", 0.55), ("coarse", 0.8)])
@pytest.mark.parametrize(("small", "large"), [(256, 512), (512, 1024), (256, 1024)])
def test_scaled_sizes_make_maps_agree_and_sizes_that_stay_do_not(name, least, small, large):
    preset = FRNetParameters.preset(name)
    scaled = [frnet(scene(size), **asdict(preset.for_resolution(size))) for size in (small, large)]
    fixed = [frnet(scene(size), **asdict(preset)) for size in (small, large)]
    assert iou(*scaled) > max(least, iou(*fixed) + 0.1)


def test_paper_is_the_default_and_has_the_papers_kernel():
    assert FRNetParameters.preset("paper") == FRNetParameters()
    assert FRNetParameters.preset("paper").kernel_size == 5


def test_fine_draws_less_than_paper_and_coarse_more():
    drawn = {name: (frnet(scene(512), **asdict(FRNetParameters.preset(name))) == 0).mean() for name in NAMES}
    assert drawn["fine"] < drawn["paper"] < drawn["coarse"]


@pytest.mark.parametrize("name", ["bold", "", None, 1, ["fine"], np.array(["fine", "paper"])])
def test_refuses_other_presets(name):
    with pytest.raises(ValueError, match=r"^preset must be one of 'paper', 'fine', 'coarse', but is"):
        FRNetParameters.preset(name)


def test_sizes_at_twice_and_half_the_resolution():
    sizes = [(p.block_size, p.kernel_size) for p in map(FRNetParameters().for_resolution, (256, 512, 1024))]
    assert sizes == [(5, 3), (11, 5), (23, 9)]


@given(block_size=odd.filter(lambda side: side > 1), kernel_size=odd, short_side=st.floats(1, 1 << 28))
def test_scaling_gives_the_nearest_sizes_in_range(block_size, kernel_size, short_side):
    given_parameters = FRNetParameters(block_size=block_size, kernel_size=kernel_size, offset=3)
    scaled = given_parameters.for_resolution(short_side)
    scale = short_side / 512
    assert scaled.block_size == pytest.approx(min(max(block_size * scale, 3), 255), abs=1 + 1e-9)
    assert scaled.kernel_size == pytest.approx(min((kernel_size - 1) * scale + 1, 255), abs=1 + 1e-9)
    assert scaled.offset == 3
    assert given_parameters.for_resolution(512) == given_parameters
    assert given_parameters.for_resolution(short_side, reference=short_side) == given_parameters


@pytest.mark.parametrize("name", ["short_side", "reference"])
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), 10**400, "512", None])
def test_refuses_sides(name, value):
    with pytest.raises(ValueError, match=f"^{name} must be a number between 1 and"):
        FRNetParameters().for_resolution(**{"short_side": 512, name: value})
