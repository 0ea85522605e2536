"""What a scoring gives: scores with their ceilings, and what they rest on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from signdiff_eval.metrics import Metric, TextMetric
from signdiff_eval.signature import Score

Protocol = Literal["free", "gt-timing"]
"""Whether the system decided on the timing itself, or was given the reference's."""


@dataclass(frozen=True, slots=True)
class Report:
    """The scores of one system.

    Attributes:
        scores: in the order in which they are printed.
        names: of the sequences or videos compared.
        system: the metrics of the scores, with a row for each sequence.
        absent: how many joints the files lacked, (hypothesis, reference), summed over frames; filled in between the
            frames that have them. (0, 0) for videos.
        texts: what was translated back of each sequence, (hypothesis, reference, what should be said).
        unscored: name and reason of each metric that these files give no score, such as that of movement where every
            reference has a single frame.
        marked: references that carry a generator's mark: the file or its folder, and the generator.
        without_hand: for each metric of hands its name, frames in which it found none to compare, and frames in all.
    """

    scores: tuple[Score, ...]
    names: tuple[str, ...]
    system: tuple[Metric, ...]
    absent: tuple[int, int] = (0, 0)
    texts: tuple[tuple[str, str, str], ...] = ()
    without_hand: tuple[tuple[str, int, int], ...] = ()
    unscored: tuple[tuple[str, str], ...] = ()
    marked: tuple[tuple[str, str], ...] = ()

    @property
    def pairs(self) -> int:
        """How many sequences or videos were compared."""
        return len(self.names)

    def score(self, name: str) -> Score:
        """Find a score by its key."""
        return next(score for score in self.scores if score.signature.name == name)

    def metric(self, name: str) -> Metric:
        """Find the metric of a score by its key."""
        return next(metric for metric in self.system if metric.name == name)


def report_of(
    names: Sequence[str],
    system: Sequence[Metric],
    ceiling: Sequence[Metric],
    settings: dict[str, str],
    *,
    translator: Sequence[tuple[str, str]] = (),
    **more: Any,
) -> Report:
    """Compute scores beside their ceilings; a metric that can't be computed of these files doesn't end the others.

    The ceiling's metrics have seen the references in the place of the system's output; ``settings`` go into all
    signatures, those of the translator into the ones of texts. A ValueError if not one metric can be computed.
    """
    scores, metrics, unscored = [], [], []
    for metric, best in zip(system, ceiling, strict=True):
        try:
            scores.append(_score_of(metric, best, settings, translator))
        except Exception as error:
            if not isinstance(error, ValueError) and not metric.of_others():
                raise
            unscored.append((metric.name, " ".join(str(error).split())))
        else:
            metrics.append(metric)
    if not scores:
        raise ValueError(unscored[0][1] if unscored else "metrics must hold at least one metric, but hold none.")
    return Report(tuple(scores), tuple(names), tuple(metrics), unscored=tuple(unscored), **more)


def _score_of(metric: Metric, best: Metric, settings: dict[str, str], translator: Sequence[tuple[str, str]]) -> Score:
    if failure := metric.failure or best.failure:
        raise ValueError(failure)
    signature = metric.signature.extended(**settings)
    if isinstance(metric, TextMetric):
        signature = signature.extended(**dict(translator))
    value, ceiling = float(metric.compute()), float(best.compute())
    if not math.isfinite(value) or not math.isfinite(ceiling):
        raise ValueError(f"{metric.name} must be a finite number, but is {value}, and on the reference {ceiling}.")
    return Score(value, ceiling, metric.ideal, signature)
