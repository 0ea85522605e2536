"""What a scoring gives: scores with their ceilings, and what they rest on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from signdiff_eval.metrics.text import TextMetric
from signdiff_eval.signature import Score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from signdiff_eval.metrics import Metric

Protocol = Literal["free", "gt-timing"]
"""Whether the system decided on the timing itself, or was told the reference's."""


@dataclass(frozen=True, slots=True)
class Report:
    """The scores of one system.

    Attributes:
        scores: in the order in which they are printed.
        pairs: sequences or videos compared.
        absent: how many joints the files lacked, (hypothesis, reference), summed over frames; filled in between the
            frames that have them. (0, 0) for videos.
        names: of the sequences compared.
        system: the metrics of the scores, with a row for each sequence.
        texts: what was translated back of each sequence, (hypothesis, reference, what should be said).
        unscored: name and reason of each metric that these files give no score, such as that of movement where every
            reference has a single frame.
        marked: references that carry a generator's mark: the file or its folder, and the generator.
        without_hand: for each metric of hands its name, frames in which it found none to compare, and frames in all.
    """

    scores: tuple[Score, ...]
    pairs: int
    absent: tuple[int, int] = (0, 0)
    names: tuple[str, ...] = ()
    system: tuple[Metric, ...] = ()
    texts: tuple[tuple[str, str, str], ...] = ()
    without_hand: tuple[tuple[str, int, int], ...] = ()
    unscored: tuple[tuple[str, str], ...] = ()
    marked: tuple[tuple[str, str], ...] = ()

    def score(self, name: str) -> Score:
        """Find a score by its key."""
        return next(score for score in self.scores if score.signature.name == name)

    def metric(self, name: str) -> Metric:
        """Find the metric of a score by its key."""
        return next(metric for metric in self.system if metric.name == name)


@dataclass(frozen=True, slots=True)
class Scored:
    """What `scores_of` computed.

    Attributes:
        scores: beside their ceilings.
        system: their metrics.
        unscored: as in `Report`.
    """

    scores: tuple[Score, ...]
    system: tuple[Metric, ...]
    unscored: tuple[tuple[str, str], ...]


def scores_of(
    system: Sequence[Metric],
    ceiling: Sequence[Metric],
    settings: dict[str, str],
    reading: dict[str, str] | None = None,
) -> Scored:
    """Compute scores beside their ceilings; a metric that can't be computed of these files doesn't end the others.

    Args:
        system: metrics that have seen the system's output.
        ceiling: the same, having seen the references in its place.
        settings: what else the signatures say.
        reading: what those of texts say of the translator.

    Raises:
        ValueError: not one metric can be computed.
    """
    scores, metrics, unscored = [], [], []
    for metric, best in zip(system, ceiling, strict=True):
        signature = metric.signature.extended(**settings)
        if isinstance(metric, TextMetric):
            signature = signature.extended(**(reading or {}))
        try:
            scores.append(Score(metric.compute(), best.compute(), metric.ideal, signature))
        except ValueError as error:
            unscored.append((metric.name, str(error)))
        else:
            metrics.append(metric)
    if not scores:
        raise ValueError(unscored[0][1] if unscored else "metrics must hold at least one metric, but hold none.")
    return Scored(tuple(scores), tuple(metrics), tuple(unscored))
