import pytest
import sacrebleu
from hypothesis import given, settings
from hypothesis import strategies as st

from signdiff_eval.functional import chrf
from signdiff_eval.functional.text.chrf import chrf_statistics, combine

lines = st.lists(st.tuples(st.text("abc é", max_size=15), st.text("abc é", max_size=15)), min_size=1, max_size=6)


@given(lines)
@settings(max_examples=100, deadline=None)
def test_counts_add_up_to_sacrebleu(pairs):
    hypotheses, references = (list(texts) for texts in zip(*pairs, strict=True))
    expected = sacrebleu.corpus_chrf(hypotheses, [references]).score
    counts = [sum(column) for column in zip(*(chrf_statistics(*pair) for pair in pairs), strict=True)]
    assert combine(counts) == pytest.approx(expected, rel=1e-12)
    assert chrf(hypotheses, references) == pytest.approx(expected, rel=1e-12)


def test_case():
    assert chrf(["ABCDEF"], ["abcdef"]) == 0
    assert chrf(["ABCDEF"], ["abcdef"], lowercase=True) == 100
    assert combine(chrf_statistics("ABCDEF", "abcdef", lowercase=True)) == 100


def test_refuses_uneven_lists():
    with pytest.raises(ValueError, match="are 2 and 1"):
        chrf(["a", "b"], ["a"])
