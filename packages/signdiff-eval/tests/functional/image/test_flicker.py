import numpy as np
import pytest

from signdiff_eval.functional import flicker


def test_equals_the_definition(rng):
    reference, hypothesis = rng.integers(0, 256, (2, 5, 12, 9, 3), dtype=np.uint8)
    true, made = (np.diff(video.astype(float), axis=0) for video in (reference, hypothesis))
    expected = np.abs(made - true).mean(axis=(1, 2, 3)).mean()
    assert flicker(iter(reference), iter(hypothesis)) == pytest.approx(expected, rel=1e-12)


def test_a_constant_difference_does_not_flicker(rng):
    reference = rng.integers(0, 200, (4, 12, 9), dtype=np.uint8)
    assert flicker(reference, reference) == 0
    assert flicker(reference, reference + np.uint8(50)) == 0


def test_more_trembling_is_worse(rng):
    reference = np.full((6, 12, 9), 128, np.uint8)
    noise = rng.normal(size=reference.shape)
    scores = [flicker(reference, (128 + scale * noise).round().astype(np.uint8)) for scale in (0, 4, 12, 30)]
    assert scores == sorted(scores)


@pytest.mark.parametrize(
    ("reference", "hypothesis", "message"),
    [
        (np.zeros((1, 4, 4), np.uint8), np.zeros((1, 4, 4), np.uint8), "at least two frames"),
        (np.zeros((0, 4, 4), np.uint8), np.zeros((0, 4, 4), np.uint8), "at least one frame"),
        (np.zeros((3, 4, 4), np.uint8), np.zeros((2, 4, 4), np.uint8), "hypothesis must have as many"),
        (np.zeros((2, 4, 4), np.uint8), np.zeros((2, 4, 5), np.uint8), r"\(4, 4\) and \(4, 5\)"),
        (np.zeros((2, 4, 4)), np.zeros((2, 4, 4)), "reference must be .* uint8"),
        (*([np.zeros((4, 4), np.uint8), np.zeros((5, 4), np.uint8)],) * 2, "keep their shape"),
    ],
)
def test_refuses(reference, hypothesis, message):
    with pytest.raises(ValueError, match=message):
        flicker(reference, hypothesis)
