import inspect
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from signdiff_frnet import FRNetDetector, FRNetParameters, InvalidImageError, frnet

RNG = np.random.default_rng(0)
RGB = cv2.resize(RNG.integers(0, 256, (24, 32, 3), dtype=np.uint8), (160, 120), interpolation=cv2.INTER_CUBIC)
DETECTOR = FRNetDetector()


def test_is_resize_then_frnet_then_nearest_neighbour():
    # 120x160 at 256 is 256x341, rounded to 256x320
    grey = cv2.cvtColor(cv2.resize(RGB, (320, 256), interpolation=cv2.INTER_LANCZOS4), cv2.COLOR_RGB2GRAY)
    binary = cv2.adaptiveThreshold(grey, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY, 9, 4)
    eroded = cv2.erode(binary, np.ones((3, 3), np.uint8))
    # ... and at 128 from there 128x160, rounded to 128x128, as 160 is half way between 128 and 192
    expected = np.dstack([cv2.resize(eroded, (128, 128), interpolation=cv2.INTER_NEAREST)] * 3)

    found = DETECTOR(RGB, "mean", block_size=9, offset=4, kernel_size=3, detect_resolution=256, image_resolution=128)

    assert_array_equal(found, expected, strict=True)


def test_at_the_images_own_size_it_is_frnet():
    image = cv2.resize(RGB, (192, 128))
    found = DETECTOR(image, detect_resolution=128, image_resolution=128)
    assert_array_equal(found, np.dstack([frnet(image)] * 3), strict=True)


@pytest.mark.parametrize("image_resolution", [64, 200, 512, 700])
def test_every_value_is_black_or_white(image_resolution):
    found = DETECTOR(RGB, detect_resolution=320, image_resolution=image_resolution)
    assert set(np.unique(found)) == {0, 255}


@pytest.mark.parametrize("output_type", [None, "pil", "np"])
@pytest.mark.parametrize("given_as", ["pil", "np"])
def test_returns_what_came_in_unless_told(given_as, output_type):
    image = Image.fromarray(RGB) if given_as == "pil" else RGB
    found = DETECTOR(image, output_type=output_type)
    if (output_type or given_as) == "pil":
        assert isinstance(found, Image.Image)
        assert (found.mode, found.size) == ("RGB", (704, 512))
    else:
        assert isinstance(found, np.ndarray)
        assert (found.dtype, found.shape) == (np.uint8, (512, 704, 3))


def test_call_forms_agree():
    expected = DETECTOR(RGB)
    assert_array_equal(DETECTOR(input_image=RGB), expected)
    assert_array_equal(DETECTOR(RGB, "gaussian", 11, 10, 5, 512, 512, "np"), expected)
    assert_array_equal(DETECTOR(RGB, unknown=1, low_threshold=3), expected)
    assert_array_equal(FRNetDetector.from_pretrained("lllyasviel/Annotators", cache_dir="x").to("cuda")(RGB), expected)
    assert_array_equal(np.array(DETECTOR(Image.fromarray(RGB))), expected)
    with pytest.warns(DeprecationWarning, match="img is deprecated"):
        assert_array_equal(DETECTOR(img=RGB), expected)


def test_signature_has_the_parameters_and_their_defaults():
    signature = {name: p.default for name, p in inspect.signature(DETECTOR.__call__).parameters.items()}
    parameters = FRNetParameters()
    for name in ("threshold_method", "block_size", "offset", "kernel_size"):
        assert signature[name] == getattr(parameters, name)
    assert (signature["detect_resolution"], signature["image_resolution"], signature["output_type"]) == (512, 512, None)


def test_opacity_is_laid_over_white():
    hidden = np.dstack([RGB, np.zeros(RGB.shape[:2], np.uint8)])
    assert (DETECTOR(hidden) == 255).all()
    assert_array_equal(DETECTOR(np.dstack([RGB, np.full(RGB.shape[:2], 255, np.uint8)])), DETECTOR(RGB))


@pytest.mark.parametrize("mode", ["1", "P", "L", "RGBA", "CMYK", "YCbCr", "HSV"])
def test_pillow_modes_are_read_by_their_colours(mode):
    image = Image.fromarray(RGB).convert(mode)
    assert_array_equal(np.array(DETECTOR(image)), np.array(DETECTOR(image.convert("RGB"))))


def test_whole_numbers_in_a_list_are_an_image():
    found = DETECTOR([[0, 255], [255, 0]], detect_resolution=64, image_resolution=64)
    assert isinstance(found, Image.Image)
    assert_array_equal(
        np.array(found), DETECTOR(np.array([[0, 255], [255, 0]], np.uint8), detect_resolution=64, image_resolution=64)
    )


def test_masked_pixels_are_refused_and_a_mask_of_none_is_none():
    image = np.random.default_rng(3).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    masked = np.ma.masked_array(image, mask=np.zeros(image.shape, bool))
    detector = FRNetDetector()
    np.testing.assert_array_equal(detector(masked, output_type="np"), detector(image, output_type="np"))
    masked[5, 5] = np.ma.masked
    with pytest.raises(ValueError, match="input_image must have all its pixels, but some are masked"):
        detector(masked)


def test_one_pixel_becomes_a_white_map():
    found = DETECTOR(np.zeros((1, 1, 3), np.uint8))
    assert found.shape == (512, 512, 3)
    assert (found == 255).all()


def test_views_and_read_only_arrays():
    frozen = RGB.copy()
    frozen.flags.writeable = False
    assert_array_equal(DETECTOR(frozen), DETECTOR(RGB))
    assert_array_equal(DETECTOR(RGB[::-1, ::2]), DETECTOR(RGB[::-1, ::2].copy()))
    assert_array_equal(DETECTOR(RGB[..., ::-1]), DETECTOR(RGB[..., ::-1].copy()))


def test_the_input_is_left_alone():
    before = RGB.copy()
    DETECTOR(RGB, detect_resolution=120)
    assert_array_equal(RGB, before)


def test_one_detector_serves_several_threads():
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(DETECTOR, [RGB] * 16):
            assert_array_equal(found, DETECTOR(RGB))


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), np.float32),
        np.zeros((4, 4, 2), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros(4, np.uint8),
        Image.new("I", (4, 4)),
        Image.new("F", (4, 4)),
        Image.new("I;16", (4, 4)),
        [[0.5]],
        [[-1, 256]],
        "image.png",
    ],
    ids=lambda image: image.mode if isinstance(image, Image.Image) else str(image),
)
def test_refuses_images(image):
    with pytest.raises(InvalidImageError, match=r"^input_image must "):
        DETECTOR(image)
    with pytest.raises(AssertionError):  # what controlnet-aux raises for wrong arrays
        DETECTOR(image)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "input_image must be a PIL image or a uint8 array, but is None"),
        ({"input_image": RGB, "output_type": "jpeg"}, "output_type must be 'pil', 'np' or None, but is 'jpeg'"),
        ({"input_image": RGB, "detect_resolution": 32}, "detect_resolution must be .* but is 32"),
        ({"input_image": RGB, "image_resolution": 0}, "image_resolution must be .* but is 0"),
        ({"input_image": RGB, "kernel_size": 4}, "kernel_size must be an odd integer between 1 and 255, but is 4"),
    ],
)
def test_refuses_arguments(arguments, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        DETECTOR(**arguments)
