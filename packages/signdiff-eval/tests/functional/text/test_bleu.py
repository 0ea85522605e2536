import json
from importlib.util import find_spec

import numpy as np
import pytest
import sacrebleu

from signdiff_eval.functional import bleu

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
