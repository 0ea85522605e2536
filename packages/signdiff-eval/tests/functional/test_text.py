import json
from importlib.util import find_spec

import jiwer
import numpy as np
import pytest
import sacrebleu
from hypothesis import given, settings
from hypothesis import strategies as st

from signdiff_eval.functional import bleu, cer, chrf, rouge, wer
from signdiff_eval.functional.text import chrf_of, chrf_statistics

WORDS = ["regen", "schnee", "wind", "im", "norden", "süden", "am", "abend", "und", "morgen"]


@pytest.fixture
def texts(rng):
    def sentence():
        return " ".join(rng.choice(WORDS, size=rng.integers(4, 12)))

    references = [sentence() for _ in range(20)]
    keep = [[word for word in text.split() if rng.random() < 0.8] or ["und"] for text in references]
    return [" ".join(words) for words in keep], references


@pytest.mark.realdata
def test_equals_sign_language_transformers(realdata):
    golden = json.loads((realdata / "goldens" / "slt_bleu_rouge_golden.json").read_text())
    scores = bleu(golden["hyps"], golden["refs"], tokenize="none")
    assert list(scores) == pytest.approx(golden["bleu1_4"], rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("tokenize", ["none", "13a", "intl", "char"])
def test_equals_sacrebleu(texts, tokenize):
    hypotheses, references = texts
    expected = sacrebleu.corpus_bleu(hypotheses, [references], smooth_method="none", tokenize=tokenize, force=True)
    assert bleu(hypotheses, references, tokenize=tokenize).bleu4 == pytest.approx(expected.score, rel=1e-12)


def test_by_hand():
    # 4 of 5 words, 2 of 4 bigrams, 1 of 3 trigrams; one word short of the reference.
    scores = bleu(["a b c x e"], ["a b c d e f"])
    penalty = np.exp(1 - 6 / 5)
    expected = [0.8, (0.8 * 0.5) ** (1 / 2), (0.8 * 0.5 / 3) ** (1 / 3), 0]
    assert list(scores) == pytest.approx([100 * penalty * score for score in expected], rel=1e-12)


def test_case():
    assert bleu(["A B C D"], ["a b c d"]).bleu1 == 0
    assert bleu(["A B C D"], ["a b c d"], lowercase=True).bleu4 == 100


def test_counts_are_summed_over_the_corpus_and_not_averaged():
    assert bleu(["a", "b c"], ["a", "x y"]).bleu1 == pytest.approx(100 / 3)


def test_an_empty_hypothesis_scores_0():
    assert tuple(bleu([""], ["a b c d"])) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("hypotheses", "references", "options", "error", "message"),
    [
        (["a"], ["a", "b"], {}, ValueError, "are 1 and 2"),
        ([], [], {}, ValueError, "at least one"),
        ("a", ["a"], {}, TypeError, "hypotheses must be a list of strings, but is one string"),
        (["a"], [["a"]], {}, TypeError, r"references must be a list of strings, but entry 0 is \['a'\]"),
        (["a"], ["a"], {"tokenize": "moses"}, ValueError, "tokenize must be one of .*none.*'moses'"),
    ],
)
def test_refuses(hypotheses, references, options, error, message):
    with pytest.raises(error, match=message):
        bleu(hypotheses, references, **options)


@pytest.mark.parametrize(("tokenize", "extra", "module"), [("ja-mecab", "ja", "MeCab"), ("ko-mecab", "ko", "mecab_ko")])
def test_a_tokenizer_without_its_extra_names_it(tokenize, extra, module):
    if find_spec(module) is not None:
        assert bleu(["a b c d"], ["a b c d"], tokenize=tokenize).bleu1 == 100
        return
    with pytest.raises(
        ModuleNotFoundError, match=rf'^tokenize .{tokenize}. needs {module}: .*"sacrebleu\[{extra}\]"\.$'
    ):
        bleu(["a"], ["a"], tokenize=tokenize)


lines = st.lists(st.tuples(st.text("abc é", max_size=15), st.text("abc é", max_size=15)), min_size=1, max_size=6)


@given(lines)
@settings(max_examples=100, deadline=None)
def test_counts_add_up_to_sacrebleu(pairs):
    hypotheses, references = (list(texts) for texts in zip(*pairs, strict=True))
    expected = sacrebleu.corpus_chrf(hypotheses, [references]).score
    counts = [sum(column) for column in zip(*(chrf_statistics(*pair) for pair in pairs), strict=True)]
    assert chrf_of(counts) == pytest.approx(expected, rel=1e-12)
    assert chrf(hypotheses, references) == pytest.approx(expected, rel=1e-12)


def test_chrf_case():
    assert chrf(["ABCDEF"], ["abcdef"]) == 0
    assert chrf(["ABCDEF"], ["abcdef"], lowercase=True) == 100
    assert chrf_of(chrf_statistics("ABCDEF", "abcdef", lowercase=True)) == 100


def test_refuses_uneven_lists():
    with pytest.raises(ValueError, match="are 2 and 1"):
        chrf(["a", "b"], ["a"])


words = st.lists(st.sampled_from("abcd"), max_size=8)


def longest_common(left, right):
    """The textbook recursion."""
    if not left or not right:
        return 0
    if left[-1] == right[-1]:
        return 1 + longest_common(left[:-1], right[:-1])
    return max(longest_common(left[:-1], right), longest_common(left, right[:-1]))


@pytest.mark.realdata
def test_rouge_equals_sign_language_transformers(realdata):
    golden = json.loads((realdata / "goldens" / "slt_bleu_rouge_golden.json").read_text())
    assert rouge(golden["hyps"], golden["refs"]) == pytest.approx(golden["rouge"], rel=1e-6)


@given(words, words)
@settings(max_examples=60, deadline=None)
def test_equals_the_definition(made, true):
    common = longest_common(made, true)
    expected = 0.0
    if common:
        precision, recall = common / len(made), common / len(true)
        expected = 100 * 2.44 * precision * recall / (recall + 1.44 * precision)
    assert rouge([" ".join(made)], [" ".join(true)]) == pytest.approx(expected, rel=1e-12)


def test_is_the_mean_over_lines():
    assert rouge(["a b c", "x"], ["a b c", "y"]) == 50


def test_rouge_refuses_uneven_lists():
    with pytest.raises(ValueError, match="are 2 and 1"):
        rouge(["a", "b"], ["a"])


def edits(left, right):
    """Levenshtein's distance by its textbook table."""
    before = list(range(len(right) + 1))
    for i, x in enumerate(left, 1):
        row = [i]
        for j, y in enumerate(right, 1):
            row.append(min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y)))
        before = row
    return before[-1]


plain_words = st.lists(st.sampled_from(["ab", "c", "déf"]), min_size=1, max_size=7).map(" ".join)
corpora = st.lists(st.tuples(plain_words, plain_words), min_size=1, max_size=5).map(
    lambda pairs: list(zip(*pairs, strict=True))
)


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
    assert wer(["It's  RAINING, today."], ["it is raining today"], normalise="slrtp2025") == 0


@pytest.mark.parametrize("rate", [wer, cer])
def test_error_rate_refuses(rate):
    with pytest.raises(ValueError, match="are 2 and 1"):
        rate(["a", "b"], ["a"])
    with pytest.raises(ValueError, match="at least one"):
        rate(["a"], [""])


def test_refuses_an_unknown_normalisation():
    with pytest.raises(ValueError, match=r"none, slrtp2025.*'lower'"):
        wer(["a"], ["a"], normalise="lower")


SPACES = ["\t", "\u00a0", "\u2009", "\u3000", "\x0b", " \t ", "\u2028"]


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("normalise", ["none", "slrtp2025"])
def test_any_white_space_separates_words_as_for_bleu(space, normalise):
    said, read = "am abend regen im norden", space.join(["am", "abend", "regen", "im", "norden"])
    for left, right in ((said, read), (read, said)):
        assert wer([left], [right], normalise=normalise) == 0
        assert cer([left], [right]) == 0
        assert (bleu([left], [right]).bleu4, rouge([left], [right]), chrf([left], [right])) == (100, 100, 100)
    wrong = read.replace("regen", "schnee")
    assert wer([wrong], [said]) == wer([wrong], [read]) == 20
