import numpy as np
import pytest
import scipy.stats

from signdiff_eval.metrics import CER, CHRF, DTW, Duration, TotalDistance
from signdiff_eval.reports.significance import confidence, paired_difference, smallest_p

WORDS = [
    *("the", "a", "rain", "comes", "goes", "from", "in", "north"),
    *("south", "evening", "morning", "sun", "snow", "wind", "and", "then"),
]


@pytest.fixture
def corpus(rng):
    references = [" ".join(rng.choice(WORDS, 6)) for _ in range(60)]

    def spoiled(share):
        return [
            " ".join(str(rng.choice(WORDS)) if rng.random() < share else word for word in line.split())
            for line in references
        ]

    return references, spoiled(0.3), spoiled(0.36)


def filled(metric, hypotheses, references):
    metric.update(hypotheses, references)
    return metric


def test_p_values_are_sacrebleus(corpus):
    from sacrebleu.metrics import CHRF as Theirs
    from sacrebleu.significance import PairedTest

    references, baseline, system = corpus
    ours = paired_difference(
        filled(CHRF(), baseline, references), filled(CHRF(), system, references), samples=500, trials=800
    )
    named = [("baseline", baseline), ("system", system)]
    theirs = {}
    for kind, samples in (("bs", 500), ("ar", 800)):
        _, scores = PairedTest(named, {"chrf": Theirs()}, [references], kind, samples)()
        theirs[kind] = next(values[1] for name, values in scores.items() if name != "System")
        difference = values_of(scores)
        assert ours.value == pytest.approx(difference, abs=1e-9)
    # Their statistics are float32 and their draws ours, seed for seed; what a rounding can turn is a draw or two.
    assert ours.p_bootstrap == pytest.approx(theirs["bs"].p_value, abs=2 / 500)
    assert ours.p_randomization == pytest.approx(theirs["ar"].p_value, abs=2 / 800)
    interval = confidence(filled(CHRF(), system, references), samples=500)
    assert (interval.high - interval.low) / 2 == pytest.approx(theirs["bs"].ci, rel=0.05)


def values_of(scores):
    (row,) = (values for name, values in scores.items() if name != "System")
    return row[1].score - row[0].score


def test_a_system_is_not_better_than_itself(corpus):
    references, baseline, _ = corpus
    same = paired_difference(
        filled(CER(), baseline, references), filled(CER(), baseline, references), samples=50, trials=50
    )
    assert (same.value, same.p_bootstrap, same.p_randomization) == (0.0, 1.0, 1.0)


def test_what_differs_everywhere_is_significant(corpus):
    references, baseline, _ = corpus
    apart = paired_difference(
        filled(CER(), baseline, references), filled(CER(), references, references), samples=200, trials=500
    )
    assert apart.value < 0
    assert apart.interval.high < 0
    assert apart.p_randomization == pytest.approx(1 / 501)
    assert apart.p_bootstrap == pytest.approx(1 / 201)


def test_the_quick_way_is_the_slow_way(rng):
    class Slow(Duration):
        def score_of(self, statistics):
            return super().score_of(statistics)

    quick, slow = ([kind(), kind()] for kind in (Duration, Slow))
    for side in (0, 1):
        for length in rng.integers(5, 30, size=25):
            for metrics in (quick, slow):
                metrics[side].update(np.zeros((length + side, 1, 3)), np.zeros((17, 1, 3)))
    left, right = (paired_difference(*metrics, samples=300, trials=400) for metrics in (quick, slow))
    assert left.p_bootstrap == right.p_bootstrap
    assert left.p_randomization == right.p_randomization
    assert left.interval.low == pytest.approx(right.interval.low, rel=1e-12)


def test_chance_is_told_as_chance(rng):
    """Of systems that differ by luck alone, about one in twenty is below 0.05."""
    below = 0
    for _ in range(60):
        metrics = [Duration(), Duration()]
        for metric in metrics:
            for length in rng.integers(10, 30, size=20):
                metric.update(np.zeros((length, 1, 3)), np.zeros((20, 1, 3)))
        below += paired_difference(*metrics, samples=10, trials=200).p_randomization < 0.05
    assert below <= 9


@pytest.mark.parametrize("sequences", [2, 3, 4, 6, 9])
@pytest.mark.parametrize("luck", [0.3, 3.0])
def test_of_few_sequences_the_p_value_is_exact_as_scipys(rng, sequences, luck):
    words = rng.integers(4, 9, size=sequences)
    errors = np.minimum(rng.integers(0, 5, size=(2, sequences)) + np.array([[0], [luck > 1]]), words)
    metrics = [CER(), CER()]
    for metric, wrong in zip(metrics, errors, strict=True):
        for length, count in zip(words, wrong, strict=True):
            metric.update("b" * count + "a" * (length - count), "a" * length)
    rows = np.concatenate([metric.statistics for metric in metrics])

    def difference(left, right):
        (one, of_one), (other, of_other) = (rows[side.astype(int)].sum(axis=0) for side in (left, right))
        return one / of_one - other / of_other

    numbers = np.arange(2 * sequences).reshape(2, -1)
    theirs = scipy.stats.permutation_test(
        numbers, difference, permutation_type="samples", n_resamples=np.inf, vectorized=False
    )
    ours = paired_difference(*metrics, samples=100, trials=10)
    assert ours.exact
    assert ours.value == pytest.approx(-theirs.statistic)
    assert ours.p_randomization == pytest.approx(theirs.pvalue)


@pytest.mark.parametrize(("sequences", "least"), [(1, 1), (2, 1 / 2), (3, 1 / 4), (5, 1 / 16), (13, 1 / 4096)])
@pytest.mark.parametrize("trials", [5, 10000])
def test_no_p_value_is_below_what_so_many_sequences_can_reach(sequences, least, trials):
    metrics = [Duration(), Duration()]
    for length in range(sequences):
        metrics[0].update(np.zeros((20 + length, 1, 3)), np.zeros((20, 1, 3)))
        metrics[1].update(np.zeros((30 + length, 1, 3)), np.zeros((20, 1, 3)))
    apart = paired_difference(*metrics, samples=20000, trials=trials)
    assert smallest_p(sequences) == least
    assert apart.p_randomization >= least
    assert apart.p_bootstrap >= least
    if sequences < 13:
        assert apart.p_randomization == apart.p_bootstrap == least


def test_refusals(corpus):
    references, baseline, _ = corpus
    with pytest.raises(ValueError, match="same metric"):
        paired_difference(DTW("mje"), TotalDistance())
    with pytest.raises(ValueError, match="rows of the same sequences"):
        paired_difference(filled(CER(), baseline, references), filled(CER(), baseline[1:], references[1:]))
