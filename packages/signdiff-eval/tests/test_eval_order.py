"""The system's output comes first, the reference second: scores that aren't symmetric change where they are swapped."""

import inspect

import jiwer
import numpy as np
import pytest
import sacrebleu

from signdiff_eval import functional, metrics, readers, reports, scoring
from signdiff_eval.metrics import BLEU, CER, CHRF, DTW, ROUGE, SSIM, WER, Duration, Flicker, HandSSIM, TotalDistance
from signdiff_eval.metrics.movement import WristDistance
from signdiff_eval.readers.pairs import order_of

FAST, SLOW = (np.arange(frames)[:, None, None] * np.ones((1, 2, 3)) for frames in (3, 5))
"""Two joints that move by sqrt(3) a frame: for 2 and for 4 steps."""

# Two values and a counter: cut before its peak, 1 frame of zeros, and 3 of which the last is 4 away.
SHORT = np.array([[0.0, 0.0, 0.0], [9.0, 9.0, 1.0]])
LONG = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 0.3], [1.0, 3.0, 0.6], [9.0, 9.0, 1.0]])

READ, SAID = "der wind weht", "der wind weht aus dem norden"


def by_sacrebleu(hypothesis, reference):
    return sacrebleu.corpus_bleu([hypothesis], [[reference]], smooth_method="none", tokenize="none", force=True)


def bleu1(hypothesis, reference):
    score = by_sacrebleu(hypothesis, reference)
    return score.bp * score.precisions[0]


@pytest.mark.parametrize(
    ("function", "make", "hypothesis", "reference", "expected", "swapped"),
    [
        # 4 steps in place of 2, and 2 in place of 4.
        (functional.total_distance, TotalDistance, SLOW, FAST, 2, 1 / 2),
        (None, WristDistance, SLOW, FAST, 2, 1 / 2),
        (functional.duration, Duration, SLOW, FAST, 5 / 3, 3 / 5),
        # The last frame's 1 + 3, over the reference's 1 frame, or 3.
        (functional.dtw, lambda: DTW("pt"), LONG, SHORT, 4, 4 / 3),
        # All three words are right, and three are lacking; or three of six are too many.
        (functional.wer, WER, READ, SAID, 50, 100),
        (functional.cer, CER, READ, SAID, 100 * jiwer.cer(SAID, READ), 100 * jiwer.cer(READ, SAID)),
        (lambda h, r: functional.bleu(h, r).bleu1, lambda: BLEU(1), READ, SAID, bleu1(READ, SAID), bleu1(SAID, READ)),
        (
            *(functional.chrf, CHRF, READ, SAID),
            *(sacrebleu.corpus_chrf([h], [[r]]).score for h, r in ((READ, SAID), (SAID, READ))),
        ),
        # Precision 1 and recall 1/2, or the other way round.
        (functional.rouge, ROUGE, READ, SAID, 100 * 2.44 * 0.5 / (0.5 + 1.44), 100 * 2.44 * 0.5 / (1 + 1.44 * 0.5)),
    ],
)
def test_a_swap_changes_the_score(function, make, hypothesis, reference, expected, swapped):
    assert expected != pytest.approx(swapped)
    for pair, value in (((hypothesis, reference), expected), ((reference, hypothesis), swapped)):
        metric = make()
        metric.update(*pair)
        assert metric.compute() == pytest.approx(value)
        if function is not None:
            lists = [[text] for text in pair] if isinstance(pair[0], str) else pair
            assert function(*lists) == pytest.approx(value)
    named, metric = {"hypothesis": hypothesis, "reference": reference}, make()
    metric.update(**named)
    assert metric.compute() == pytest.approx(expected)


def test_a_swap_changes_batches_and_channels():
    assert functional.dtw_batch([LONG], [SHORT], "pt").tolist() == [4]
    assert functional.dtw_batch(hypotheses=[SHORT], references=[LONG], variant="pt").tolist() == [4 / 3]
    metric = DTW("pt")
    metric.update_batch([LONG], [SHORT])
    assert metric.compute() == 4
    # With the counters t / T, 4 frames of the slow one (0 to 3) are aligned with 2 of the fast (0, 1).
    channels = {"one": [0]}
    made = functional.dtw_channels(SLOW, FAST, channels, "pt")["one"]
    assert (made, functional.dtw_channels(FAST, SLOW, channels, "pt")["one"]) == (3 * (1 + 2) / 2, 3 * (1 + 2) / 4)


def test_the_begin_frame_is_the_hypothesis():
    begun = np.concatenate([np.full((1, 3), 0.5), LONG])
    assert functional.dtw(begun, LONG, "pt", drop_bos=True) == 0
    assert functional.dtw(LONG, begun, "pt", drop_bos=True) > 0


def test_hands_are_those_of_the_reference(rng):
    """The detector sees one of the two videos, and finds the hand there."""
    hypothesis, reference = rng.integers(0, 256, (2, 3, 40, 40, 3), dtype=np.uint8)
    points = np.full((2, 21, 2), np.nan)
    points[0] = np.linspace(8, 24, 21)[:, None]

    def detect(frame):
        assert any((frame == other).all() for other in reference)
        return points

    metric = HandSSIM(detector=detect)
    metric.update(hypothesis, reference)
    assert metric.frames_without_hand == 0
    with pytest.raises(AssertionError):
        HandSSIM(detector=detect).update(reference, hypothesis)


@pytest.mark.parametrize(
    ("make", "shape"), [(lambda: DTW("mje"), (4, 3, 3)), (SSIM, (3, 16, 16, 3)), (Flicker, (3, 16, 16, 3))]
)
def test_what_is_symmetric_stays_so(rng, make, shape):
    one, other = rng.integers(0, 256, (2, *shape), dtype=np.uint8)
    metrics = make(), make()
    metrics[0].update(one, other)
    metrics[1].update(other, one)
    assert metrics[0].compute() == pytest.approx(metrics[1].compute())


def test_a_corpus_of_texts_is_scored_in_this_order():
    report = scoring.score_texts([READ], [SAID])
    assert report.score("wer").value == 50
    assert scoring.score_texts(hypotheses=[SAID], references=[READ]).score("wer").value == 100


def test_files_and_their_sequences_are_paired_in_this_order(tmp_path):
    made, true = (tmp_path / name for name in ("made", "true"))
    for folder in (made, true):
        folder.mkdir()
        (folder / "a.txt").touch()
    [pair] = readers.pair_up(made, true, lambda path: True)
    assert (pair.hypothesis, pair.reference) == (made / "a.txt", true / "a.txt")
    assert pair == readers.Pair("a", made / "a.txt", true / "a.txt")
    assert order_of(["b", "c", "a"], ["a", "b", "c"]) == [2, 0, 1]


def parameters(function):
    return [name for name in inspect.signature(function).parameters if name.startswith(("hypothes", "referenc"))]


@pytest.mark.parametrize(
    "function",
    [
        *(getattr(functional, name) for name in functional.__all__ if name[0].islower()),
        *(getattr(metrics, name).update for name in metrics.__all__ if hasattr(getattr(metrics, name), "update")),
        *(scoring.score_texts, readers.pair_up, readers.Pair, order_of),
    ],
    ids=lambda function: function.__qualname__,
)
def test_both_have_their_names_and_their_order(function):
    others = {
        "align": [],
        "hand_box": [],
        "frechet_distance": ["hypothesis_mean", "hypothesis_covariance", "reference_mean", "reference_covariance"],
    }
    allowed = [["hypothesis", "reference"], ["hypotheses", "references"]]
    assert parameters(function) in ([others[function.__name__]] if function.__name__ in others else allowed)


@pytest.mark.parametrize("function", [reports.compare, reports.compare_texts, reports.compare_videos])
def test_systems_come_before_the_references(function):
    assert list(inspect.signature(function).parameters)[:2] == ["systems", "reference"]
