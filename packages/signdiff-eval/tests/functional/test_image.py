import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from signdiff_eval.functional import flicker, ssim


@pytest.fixture
def images(rng):
    image = gaussian_filter(rng.uniform(0, 255, (48, 40, 3)), (3, 3, 0))
    image = (image - image.min()) / np.ptp(image) * 255
    noisy = np.clip(image + rng.normal(scale=20, size=image.shape), 0, 255)
    return image.astype(np.uint8), noisy.astype(np.uint8)


def by_wang(left, right):
    """Equation 13 of Wang et al. (2004), with the window written out as an 11x11 matrix."""
    left, right = left.astype(np.float64), right.astype(np.float64)
    offset = np.arange(-5, 6)
    window = np.exp(-(offset[:, None] ** 2 + offset[None] ** 2) / (2 * 1.5**2))
    window /= window.sum()
    values = []
    for row in range(left.shape[0] - 10):
        for column in range(left.shape[1] - 10):
            x, y = left[row : row + 11, column : column + 11], right[row : row + 11, column : column + 11]
            mean_x, mean_y = (window * x).sum(), (window * y).sum()
            covariance = (window * x * y).sum() - mean_x * mean_y
            variance = (window * x * x).sum() - mean_x**2 + (window * y * y).sum() - mean_y**2
            c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
            values.append(
                (2 * mean_x * mean_y + c1) * (2 * covariance + c2) / (mean_x**2 + mean_y**2 + c1) / (variance + c2)
            )
    return np.mean(values)


def test_equals_scikit_image(images):
    structural_similarity = pytest.importorskip("skimage.metrics").structural_similarity
    expected = structural_similarity(
        *images, channel_axis=-1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255
    )
    assert ssim(*images) == pytest.approx(expected, abs=1e-6)


def test_equals_the_equation(images):
    left, right = (image[..., 0] for image in images)
    assert ssim(left, right) == pytest.approx(by_wang(left, right), abs=1e-6)


def test_box_equals_the_crop(images):
    left, right = images
    assert ssim(left, right, box=(5, 8, 30, 41)) == ssim(left[8:41, 5:30], right[8:41, 5:30])


def test_box_is_cut_to_the_frame(images):
    left, right = images
    assert ssim(left, right, box=(-9, 20, 25, 999)) == ssim(left[20:, :25], right[20:, :25])


def test_equal_images_are_perfect_and_more_noise_is_worse(images, rng):
    image = images[0]
    noise = rng.normal(size=image.shape)
    scores = [ssim(np.clip(image + scale * noise, 0, 255).astype(np.uint8), image) for scale in (0, 5, 20, 60)]
    assert scores[0] == 1
    assert scores == sorted(scores, reverse=True)
    assert scores[-1] < 0.5


@pytest.mark.parametrize(
    ("reference", "hypothesis", "box", "message"),
    [
        (np.zeros((20, 20)), np.zeros((20, 20)), None, "uint8.*float64"),
        (np.zeros((20, 20, 4), np.uint8), np.zeros((20, 20, 4), np.uint8), None, r"\(H, W, 3\).*\(20, 20, 4\)"),
        (np.zeros((20, 20), np.uint8), np.zeros((20, 21), np.uint8), None, r"\(20, 21\) and \(20, 20\)"),
        (np.zeros((10, 20), np.uint8), np.zeros((10, 20), np.uint8), None, "reference must be at least 11.*20x10"),
        (np.zeros((20, 20), np.uint8), np.zeros((20, 20), np.uint8), (0, 0, 20, 10), "box must.*20x10"),
        (np.zeros((20, 20), np.uint8), np.zeros((20, 20), np.uint8), (30, 30, 50, 50), "box must.*0x0"),
    ],
)
def test_refuses(reference, hypothesis, box, message):
    with pytest.raises(ValueError, match=message):
        ssim(hypothesis, reference, box=box)


def test_equals_the_definition(rng):
    reference, hypothesis = rng.integers(0, 256, (2, 5, 12, 9, 3), dtype=np.uint8)
    true, made = (np.diff(video.astype(float), axis=0) for video in (reference, hypothesis))
    expected = np.abs(made - true).mean(axis=(1, 2, 3)).mean()
    assert flicker(iter(hypothesis), iter(reference)) == pytest.approx(expected, rel=1e-12)


def test_a_constant_difference_does_not_flicker(rng):
    reference = rng.integers(0, 200, (4, 12, 9), dtype=np.uint8)
    assert flicker(reference, reference) == 0
    assert flicker(reference + np.uint8(50), reference) == 0


def test_more_trembling_is_worse(rng):
    reference = np.full((6, 12, 9), 128, np.uint8)
    noise = rng.normal(size=reference.shape)
    scores = [flicker((128 + scale * noise).round().astype(np.uint8), reference) for scale in (0, 4, 12, 30)]
    assert scores == sorted(scores)


@pytest.mark.parametrize(
    ("reference", "hypothesis", "message"),
    [
        (np.zeros((1, 4, 4), np.uint8), np.zeros((1, 4, 4), np.uint8), "at least two frames"),
        (np.zeros((0, 4, 4), np.uint8), np.zeros((0, 4, 4), np.uint8), "at least one frame"),
        (np.zeros((3, 4, 4), np.uint8), np.zeros((2, 4, 4), np.uint8), "hypothesis must have as many"),
        (np.zeros((2, 4, 4), np.uint8), np.zeros((2, 4, 5), np.uint8), r"\(4, 5\) and \(4, 4\)"),
        (np.zeros((2, 4, 4)), np.zeros((2, 4, 4)), "hypothesis must be .* uint8"),
        (*([np.zeros((4, 4), np.uint8), np.zeros((5, 4), np.uint8)],) * 2, "keep their shape"),
    ],
)
def test_flicker_refuses(reference, hypothesis, message):
    with pytest.raises(ValueError, match=message):
        flicker(hypothesis, reference)
