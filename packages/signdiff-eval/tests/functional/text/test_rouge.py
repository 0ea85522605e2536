import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signdiff_eval.functional import rouge

words = st.lists(st.sampled_from("abcd"), max_size=8)


def longest_common(left, right):
    """The textbook recursion."""
    if not left or not right:
        return 0
    if left[-1] == right[-1]:
        return 1 + longest_common(left[:-1], right[:-1])
    return max(longest_common(left[:-1], right), longest_common(left, right[:-1]))


@pytest.mark.realdata
def test_equals_sign_language_transformers(realdata):
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


def test_refuses_uneven_lists():
    with pytest.raises(ValueError, match="are 2 and 1"):
        rouge(["a", "b"], ["a"])
