import pytest
import sacrebleu

from signdiff_eval import functional
from signdiff_eval.metrics import BLEU, CER, CHRF, ROUGE, WER

REFERENCES = ["regen und schnee im norden", "am abend ist es sonnig und warm", "wind aus süden am morgen"]
HYPOTHESES = ["regen und wind im norden", "am abend ist es warm", "der wind aus süden am morgen"]

CASES = [
    (lambda: BLEU(1), lambda h, r: functional.bleu(h, r).bleu1),
    (lambda: BLEU(3), lambda h, r: functional.bleu(h, r).bleu3),
    (BLEU, lambda h, r: functional.bleu(h, r).bleu4),
    (lambda: BLEU(2, tokenize="char"), lambda h, r: functional.bleu(h, r, tokenize="char").bleu2),
    (CHRF, functional.chrf),
    (ROUGE, functional.rouge),
    (WER, functional.wer),
    (CER, functional.cer),
]


@pytest.mark.parametrize(("make", "function"), CASES)
def test_lines_add_up_to_the_corpus_score(make, function):
    metric, parts = make(), [make(), make()]
    for reference, hypothesis in zip(REFERENCES, HYPOTHESES, strict=True):
        metric.update(hypothesis, reference)
    assert metric.compute() == pytest.approx(function(HYPOTHESES, REFERENCES), rel=1e-12)
    parts[0].update(HYPOTHESES[:1], REFERENCES[:1])
    parts[1].update(HYPOTHESES[1:], REFERENCES[1:])
    assert make().merge(*parts).compute() == metric.compute()
    metric.reset()
    metric.update(HYPOTHESES[0], REFERENCES[0])
    assert metric.compute() == pytest.approx(function(HYPOTHESES[:1], REFERENCES[:1]), rel=1e-12)


@pytest.mark.parametrize("make", [make for make, _ in CASES])
def test_the_reference_itself_is_ideal(make):
    metric = make()
    metric.update(REFERENCES, REFERENCES)
    assert metric.compute() == pytest.approx(metric.ideal, abs=1e-12)


@pytest.mark.parametrize("make", [make for make, _ in CASES])
def test_losing_words_never_improves(make):
    distances = []
    for lost in range(4):
        metric = make()
        metric.update([" ".join(text.split()[lost:]) for text in REFERENCES], REFERENCES)
        distances.append(abs(metric.compute() - metric.ideal))
    assert distances == sorted(distances)
    assert distances[0] == pytest.approx(0, abs=1e-12)


def test_signatures_name_the_library():
    assert f"|tok:13a|smooth:none|mean:corpus|sacrebleu:{sacrebleu.__version__}|" in str(BLEU(tokenize="13a").signature)
    assert "|case:lower|" in str(CHRF(lowercase=True).signature)
    assert str(WER(normalise="slrtp2025").signature).startswith("wer|norm:slrtp2025|")


def test_a_line_must_be_a_string():
    with pytest.raises(TypeError, match="entry 0 is 3"):
        ROUGE().update([3], ["a"])


@pytest.mark.parametrize(("make", "message"), [(lambda: BLEU(5), "order"), (lambda: WER(normalise="x"), "normalise")])
def test_refuses_settings_early(make, message):
    with pytest.raises(ValueError, match=message):
        make()
