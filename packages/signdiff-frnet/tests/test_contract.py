import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from signdiff_frnet.contract import resize_frame, resize_map, target_size


@pytest.mark.parametrize(
    ("height", "width", "resolution", "expected"),
    [
        (512, 512, 512, (512, 512)),
        (720, 1280, 512, (512, 896)),  # 910.2 lies nearer to 896 than to 960
        (1, 1, 33, (64, 64)),
        (100, 250, 64, (64, 128)),  # 160 is half way between 128 and 192: to the even multiple
        (100, 350, 64, (64, 256)),  # 224 likewise, upwards
        (480, 640, 96.5, (128, 128)),
    ],
)
def test_worked_by_hand(height, width, resolution, expected):
    assert target_size(height, width, resolution) == expected


@given(st.integers(1, 3000), st.integers(1, 3000), st.integers(33, 1024))
def test_sides_are_the_nearest_multiples_of_64(height, width, resolution):
    if max(height, width) / min(height, width) > 100:
        return
    size = target_size(height, width, resolution)
    for side, was in zip(size, (height, width), strict=True):
        assert side % 64 == 0
        assert abs(side - was * resolution / min(height, width)) <= 32 + 1e-6


@pytest.mark.parametrize("resolution", [32, 0, -1, float("nan"), float("inf"), None, "512"])
def test_refuses_resolutions(resolution):
    with pytest.raises(
        ValueError, match=r"^detect_resolution must be a number of pixels above 32 and up to 268435456, but is "
    ):
        target_size(10, 10, resolution, name="detect_resolution")


def test_a_thin_strip_does_not_fill_the_memory():
    with pytest.raises(ValueError, match="the most allowed is 268435456 pixels"):
        resize_frame(np.zeros((1, 5000, 3), np.uint8), 512)


@pytest.mark.parametrize(("resolution", "interpolation"), [(128, cv2.INTER_LANCZOS4), (64, cv2.INTER_AREA)])
def test_enlarges_with_lanczos_and_shrinks_by_area(resolution, interpolation):
    image = np.random.default_rng(0).integers(0, 256, (100, 100, 3), dtype=np.uint8)
    expected = cv2.resize(image, (resolution, resolution), interpolation=interpolation)
    assert_array_equal(resize_frame(image, resolution), expected, strict=True)


@given(st.integers(1, 200), st.integers(1, 200))
def test_a_resized_map_is_binary(height, width):
    binary = np.random.default_rng(0).choice(np.array([0, 255], np.uint8), (64, 96))
    resized = resize_map(binary, (height, width))
    assert resized.shape == (height, width)
    assert set(np.unique(resized)) <= {0, 255}
