"""Whatever comes in: either the map that OpenCV draws by hand, or a ValueError that names the argument."""

import contextlib
from fractions import Fraction

import cv2
import numpy as np
import pytest
from hypothesis import event, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.testing import assert_array_equal

from signdiff_frnet import FRNetDetector, annotate_batch, frnet

METHODS = {"gaussian": cv2.ADAPTIVE_THRESH_GAUSSIAN_C, "mean": cv2.ADAPTIVE_THRESH_MEAN_C}
NAMES = ("threshold_method", "block_size", "offset", "kernel_size")

anything = st.one_of(
    st.none(), st.booleans(), st.text(max_size=8), st.binary(max_size=8), st.complex_numbers(), st.lists(st.integers())
)
sides = st.one_of(
    st.sampled_from([1, 3, 5, 11, 21, 255]), st.integers(), st.floats(), st.integers(-3, 40).map(np.int16), anything
)
wild = st.fixed_dictionaries(
    {},
    optional={
        "threshold_method": st.one_of(st.sampled_from(sorted(METHODS)), anything),
        "block_size": sides,
        "kernel_size": sides,
        "offset": st.one_of(
            st.floats(-255, 255),
            st.floats(),
            st.floats(width=16).map(np.float16),
            st.fractions(),
            st.integers(),
            anything,
        ),
    },
)
odd = st.integers(0, 12).map(lambda reach: 2 * reach + 1)
tame = st.fixed_dictionaries(
    {},
    optional={
        "threshold_method": st.sampled_from(sorted(METHODS)),
        "block_size": st.one_of(odd.filter(lambda side: side > 1), st.just(255)),
        "kernel_size": st.one_of(odd.map(np.uint8), st.just(255)),
        "offset": st.one_of(st.integers(-12, 12), st.floats(-255, 255)),
    },
)
parameters = st.one_of(tame, wild)
shapes = st.one_of(
    st.tuples(st.integers(1, 24), st.integers(1, 24)),
    st.tuples(st.integers(1, 24), st.integers(1, 24), st.sampled_from([1, 3, 4])),
    arrays.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=8),
)
dtypes = st.one_of(st.just(np.dtype(np.uint8)), arrays.scalar_dtypes())
steps = st.sampled_from([None, 1, 2, 3, -1, -2])


@st.composite
def images(draw, *, shapes=shapes, dtypes=dtypes):
    """Arrays of any dtype (NaN among floats), with strides of any kind."""
    image = draw(arrays.arrays(draw(dtypes), draw(shapes)))
    if draw(st.booleans()):
        image = np.asfortranarray(image)
    if image.ndim >= 2:
        image = image[:: draw(steps), :: draw(steps)]
    return image


def is_valid(choice):
    """Say by hand which parameters are in range."""

    def odd(value, least):
        whole = isinstance(value, (int, np.integer))
        return bool(whole and least <= value <= 255 and value % 2 == 1)

    offset = choice.get("offset", 10)
    return (
        choice.get("threshold_method", "mean") in tuple(METHODS)
        and odd(choice.get("block_size", 11), 3)
        and odd(choice.get("kernel_size", 5), 1)
        and isinstance(offset, (int, float, np.floating, Fraction))
        and bool(-255 <= offset <= 255)
    )


def by_hand(rgb, threshold_method="gaussian", block_size=11, offset=10, kernel_size=5):
    grey = cv2.cvtColor(np.array(rgb, order="C"), cv2.COLOR_RGB2GRAY)
    side, reach = int(kernel_size), float(offset)
    binary = cv2.adaptiveThreshold(grey, 255, METHODS[threshold_method], cv2.THRESH_BINARY, int(block_size), reach)
    return cv2.erode(binary, cv2.getStructuringElement(cv2.MORPH_RECT, (side, side)))


def to_rgb(image):
    """What a valid image of any form shows, by OpenCV's conversions; opacity is laid over white."""
    image = np.array(image, order="C")
    if image.ndim == 2 or image.shape[2] == 1:
        return cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)
    if image.shape[2] == 4:
        alpha = image[..., 3:].astype(np.float32) / 255.0
        return (image[..., :3].astype(np.float32) * alpha + 255.0 * (1.0 - alpha)).clip(0, 255).astype(np.uint8)
    return image


def is_image(array):
    return (
        array.dtype == np.uint8
        and array.size > 0
        and (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (1, 3, 4)))
    )


@contextlib.contextmanager
def refusing(*names):
    with pytest.raises(ValueError, match=rf"^({'|'.join(names)}) must "):
        yield


@settings(max_examples=300, deadline=None)
@given(image=images(), choice=parameters)
@example(image=np.full((5, 5), np.nan), choice={})
@example(image=np.zeros((5, 5), np.uint8), choice={"offset": float("nan")})
@example(image=np.zeros((5, 5), np.uint8), choice={"offset": 10**400})
@example(image=np.zeros((5, 5), np.uint8), choice={"kernel_size": 10**9 + 1})
def test_frnet(image, choice):
    valid = is_image(image) and is_valid(choice)
    event(f"valid: {valid}")
    if valid:
        assert_array_equal(frnet(image, **choice), by_hand(to_rgb(image), **choice), strict=True)
    else:
        with refusing("input_image", *NAMES):
            frnet(image, **choice)


@settings(max_examples=200, deadline=None)
@given(
    frames=images(
        shapes=st.one_of(
            st.tuples(st.integers(0, 4), st.integers(1, 12), st.integers(1, 12), st.just(3)),
            arrays.array_shapes(min_dims=3, max_dims=5, min_side=0, max_side=5),
        )
    ),
    choice=parameters,
    threads=st.one_of(st.none(), st.integers(-1, 5), st.floats(), anything),
)
def test_annotate_batch(frames, choice, threads):
    batch = frames.dtype == np.uint8 and frames.ndim == 4 and frames.shape[3] == 3 and 0 not in frames.shape[1:]
    enough = threads is None or (isinstance(threads, int) and threads >= 1)
    if batch and enough and is_valid(choice):
        found = annotate_batch(frames, threads=threads, **choice)
        assert found.shape == frames.shape[:3]
        for fr_map, frame in zip(found, frames, strict=True):
            assert_array_equal(fr_map, by_hand(frame, **choice), strict=True)
    else:
        with refusing("frames", "threads", *NAMES):
            annotate_batch(frames, threads=threads, **choice)


@settings(max_examples=200, deadline=None)
@given(
    image=st.one_of(images(), anything),
    choice=parameters,
    resolutions=st.fixed_dictionaries(
        {
            "detect_resolution": st.one_of(st.integers(33, 200), st.floats(max_value=200), anything),
            "image_resolution": st.one_of(st.integers(33, 200), st.sampled_from([float("inf"), 10**400]), anything),
        },
        optional={"output_type": st.one_of(st.sampled_from(["np", "pil"]), anything)},
    ),
)
def test_the_detector_draws_a_map_or_names_the_argument(image, choice, resolutions):
    names = ("input_image", "detect_resolution", "image_resolution", "output_type", *NAMES)
    refusal, found = "", None
    try:
        found = np.asarray(FRNetDetector()(image, **choice, **resolutions))
    except ValueError as error:
        refusal = str(error)
    if found is None:
        assert refusal.startswith(names)
    else:
        assert found.ndim == 3
        assert found.dtype == np.uint8
        assert found.shape[0] % 64 == found.shape[1] % 64 == 0
        assert set(np.unique(found)) <= {0, 255}
        assert is_valid(choice)
