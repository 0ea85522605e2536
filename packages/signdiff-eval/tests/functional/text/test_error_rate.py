import jiwer
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signdiff_eval.functional import bleu, cer, chrf, rouge, wer


def edits(left, right):
    """Levenshtein's distance by its textbook table."""
    before = list(range(len(right) + 1))
    for i, x in enumerate(left, 1):
        row = [i]
        for j, y in enumerate(right, 1):
            row.append(min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y)))
        before = row
    return before[-1]


words = st.lists(st.sampled_from(["ab", "c", "déf"]), min_size=1, max_size=7).map(" ".join)
corpora = st.lists(st.tuples(words, words), min_size=1, max_size=5).map(lambda pairs: list(zip(*pairs, strict=True)))


@given(corpora)
@settings(max_examples=60, deadline=None)
def test_wer_is_edit_distance_over_reference_length(corpus):
    hypotheses, references = map(list, corpus)
    wrong = sum(edits(h.split(), r.split()) for h, r in zip(hypotheses, references, strict=True))
    assert wer(hypotheses, references) == pytest.approx(100 * wrong / sum(len(r.split()) for r in references))
    assert wer(hypotheses, references) == pytest.approx(100 * jiwer.wer(references, hypotheses), rel=1e-12)


@given(corpora)
@settings(max_examples=60, deadline=None)
def test_cer_is_edit_distance_over_reference_length(corpus):
    hypotheses, references = map(list, corpus)
    wrong = sum(edits(h, r) for h, r in zip(hypotheses, references, strict=True))
    assert cer(hypotheses, references) == pytest.approx(100 * wrong / sum(map(len, references)))
    assert cer(hypotheses, references) == pytest.approx(100 * jiwer.cer(references, hypotheses), rel=1e-12)


def test_may_exceed_100_percent():
    assert wer(["a b c"], ["x"]) == 300


def test_an_empty_hypothesis_misses_everything():
    assert wer([""], ["a b"]) == 100
    assert cer([""], ["ab"]) == 100


def test_the_challenge_compares_plain_words():
    assert wer(["It's  RAINING, today."], ["it is raining today"]) > 0
    assert wer(["It's  RAINING, today."], ["it is raining today"], normalize="slrtp2025") == 0


@pytest.mark.parametrize("rate", [wer, cer])
def test_refuses(rate):
    with pytest.raises(ValueError, match="are 2 and 1"):
        rate(["a", "b"], ["a"])
    with pytest.raises(ValueError, match="at least one"):
        rate(["a"], [""])


def test_refuses_an_unknown_normalization():
    with pytest.raises(ValueError, match=r"none, slrtp2025.*'lower'"):
        wer(["a"], ["a"], normalize="lower")


SPACES = ["\t", "\u00a0", "\u2009", "\u3000", "\x0b", " \t ", "\u2028"]


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("normalize", ["none", "slrtp2025"])
def test_any_white_space_separates_words_as_for_bleu(space, normalize):
    said, read = "am abend regen im norden", space.join(["am", "abend", "regen", "im", "norden"])
    for left, right in ((said, read), (read, said)):
        assert wer([left], [right], normalize=normalize) == 0
        assert cer([left], [right]) == 0
        assert (bleu([left], [right]).bleu4, rouge([left], [right]), chrf([left], [right])) == (100, 100, 100)
    wrong = read.replace("regen", "schnee")
    assert wer([wrong], [said]) == wer([wrong], [read]) == 20
