"""Side by side with a detector of the real controlnet-aux."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from PIL import Image

from signdiff_frnet import FRNetDetector, register
from signdiff_frnet.contract import resize_frame, to_hwc3

pytest.importorskip("controlnet_aux", reason="controlnet-aux is not installed; nox -s frnet_controlnet_aux installs it")

from controlnet_aux import CannyDetector, util
from controlnet_aux.processor import MODEL_PARAMS, MODELS, Processor

CANNY, FRNET = CannyDetector(), FRNetDetector()
sides = st.integers(1, 150)
resolutions = st.integers(33, 320)
MODES = ["1", "L", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV"]


@pytest.fixture
def registry(monkeypatch):
    monkeypatch.setattr("controlnet_aux.processor.MODELS", MODELS.copy())
    monkeypatch.setattr("controlnet_aux.processor.MODEL_PARAMS", MODEL_PARAMS.copy())


def outcome(detector, image, **arguments):
    """What a caller sees of a result: its type, and its form."""
    found = detector(image, **arguments)
    if isinstance(found, Image.Image):
        return Image.Image, found.mode, found.size
    return type(found), found.dtype, found.shape


def thin(width, height):
    return max(width, height) > 12 * min(width, height)


@settings(max_examples=400, deadline=None)
@given(
    size=st.tuples(sides, sides).filter(lambda size: not thin(*size)),
    form=st.sampled_from([*MODES, (), (1,), (3,), (4,)]),
    detect_resolution=resolutions,
    image_resolution=resolutions,
    output_type=st.sampled_from([None, "pil", "np"]),
)
def test_results_have_the_form_of_cannys(size, form, detect_resolution, image_resolution, output_type):
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    if isinstance(form, str):
        image = Image.fromarray(pixels).convert(form)
    else:
        image = np.resize(pixels, (size[1], size[0], *form))
    arguments = {
        "detect_resolution": detect_resolution,
        "image_resolution": image_resolution,
        "output_type": output_type,
    }
    assert outcome(FRNET, image, **arguments) == outcome(CANNY, image, **arguments)


@settings(max_examples=200, deadline=None)
@given(
    size=st.tuples(sides, sides).filter(lambda size: not thin(*size)),
    channels=st.sampled_from([(), (1,), (3,), (4,)]),
    resolution=resolutions,
)
def test_the_frame_is_prepared_pixel_for_pixel(size, channels, resolution):
    image = np.random.default_rng(1).integers(0, 256, (*size, *channels), dtype=np.uint8)
    assert_array_equal(to_hwc3(image), util.HWC3(image), strict=True)
    expected = util.resize_image(util.HWC3(image), resolution)
    assert_array_equal(resize_frame(to_hwc3(image), resolution), expected, strict=True)


@pytest.mark.parametrize(
    "image",
    [
        None,
        np.zeros((8, 8), np.float32),
        np.zeros((8, 8, 2), np.uint8),
        np.zeros((8, 8, 5), np.uint8),
        np.zeros((8,), np.uint8),
        np.zeros((1, 8, 8, 3), np.uint8),
    ],
)
def test_what_canny_refuses_is_refused_with_an_error_of_the_same_kind(image):
    with pytest.raises((ValueError, AssertionError)) as cannys:
        CANNY(image)
    with pytest.raises(cannys.type):
        FRNET(image)


@pytest.mark.parametrize("arguments", [{"detect_resolution": 32}, {"image_resolution": 32}, {"detect_resolution": 0}])
def test_resolutions_that_round_to_nothing_are_errors_in_both(arguments):
    for detector in (CANNY, FRNET):
        with pytest.raises(Exception, match=r"resolution|resize"):
            detector(np.zeros((80, 80, 3), np.uint8), **arguments)


@pytest.mark.usefixtures("registry")
def test_registered_it_is_a_processor():
    image = Image.fromarray(np.random.default_rng(2).integers(0, 256, (90, 70, 3), dtype=np.uint8))
    register(offset=7)
    expected = FRNET(image, offset=7)

    processor = Processor("frnet")
    assert_array_equal(np.array(processor(image)), np.array(expected))
    file = io.BytesIO()
    image.save(file, format="PNG")
    assert_array_equal(np.array(processor(file.getvalue())), np.array(expected))
    tuned = Processor("frnet", {"kernel_size": 1})
    assert_array_equal(np.array(tuned(image)), np.array(FRNET(image, offset=7, kernel_size=1)))

    register("frnet_strong", kernel_size=9)
    assert_array_equal(np.array(Processor("frnet_strong")(image)), np.array(FRNET(image, kernel_size=9)))


@pytest.mark.usefixtures("registry")
def test_registering_again_replaces_the_parameters_and_names_that_are_taken_are_refused():
    register(offset=7)
    register(offset=8)
    assert Processor("frnet").params["offset"] == 8
    with pytest.raises(ValueError, match="but is 'canny', its CannyDetector"):
        register("canny")
    with pytest.raises(ValueError, match="kernel_size must be"):
        register(kernel_size=2)
