"""Several systems on the same references."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from signdiff_eval.readers import PoseFormats, pair_up
from signdiff_eval.reports.controls import NAMES, control_pairs, derivation
from signdiff_eval.reports.significance import (
    SAMPLES,
    SEED,
    TRIALS,
    Difference,
    Interval,
    confidence,
    paired_difference,
)
from signdiff_eval.scoring import Reading, Report, score_poses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from signdiff_eval.metrics import Metric
    from signdiff_eval.readers import Pair, PoseSequence
    from signdiff_eval.scoring import Protocol


@dataclass(frozen=True, slots=True)
class Comparison:
    """What became of several systems.

    Attributes:
        reports: system to its scores, in the order given, controls last.
        baseline: the system that the others are compared with.
        intervals: system and score key to the 95% interval of the score.
        differences: likewise, to the difference from the baseline; without the baseline itself.
        pairs: system to the files that were compared.
        settings: of the tests.
    """

    reports: dict[str, Report]
    baseline: str
    intervals: dict[tuple[str, str], Interval]
    differences: dict[tuple[str, str], Difference]
    pairs: dict[str, list[Pair]]
    settings: dict[str, int]

    @property
    def keys(self) -> list[str]:
        """The scores' keys, in order."""
        return [score.signature.name for score in self.reports[self.baseline].scores]


def compare(
    reference: Path,
    systems: Mapping[str, Path],
    *,
    baseline: str | None = None,
    controls: bool = False,
    fps: float | None = None,
    protocol: Protocol | None = None,
    formats: PoseFormats | None = None,
    metrics: Callable[[], Sequence[Metric]] | None = None,
    reading: Reading | None = None,
    samples: int = SAMPLES,
    trials: int = TRIALS,
    seed: int = SEED,
    watch: Callable[[str, list[Pair]], Iterable[Pair]] = lambda _, pairs: pairs,
) -> Comparison:
    """Score systems side by side, with intervals, and tests of the differences.

    Args:
        reference: folder (or file) of references.
        systems: name to folder (or file), at least one.
        baseline: one of the names; the first if not given.
        controls: add ground truth, a frozen mean pose, and shuffled ground truth.
        fps: as for `score_poses`, and so are protocol, formats, metrics and reading.
        protocol: likewise.
        formats: likewise.
        metrics: likewise.
        reading: likewise; each pose is translated once, however many systems share it.
        samples: bootstrap samples.
        trials: of approximate randomisation.
        seed: of both.
        watch: passes on the pairs of a system, such as to show progress.

    Raises:
        ValueError: no system, an unknown baseline, or as for `score_poses`.
    """
    if not systems:
        raise ValueError("systems must hold at least one system, but hold none.")
    baseline = baseline or next(iter(systems))
    if baseline not in systems:
        raise ValueError(f"baseline must be one of {', '.join(systems)}, but is {baseline!r}.")
    if taken := sorted(set(systems) & set(NAMES)):
        raise ValueError(f"systems must not be called {taken[0]!r}, as a control is.")
    formats = formats or PoseFormats()
    if reading is not None:
        reading = Reading(reading.texts, _Memory(reading.translator), reading.settings)
    pairs = {name: pair_up(reference, folder, formats.matches) for name, folder in systems.items()}
    if controls:
        first = next(iter(pairs.values()))
        pairs |= {name: control_pairs(name, first) for name in NAMES}
    reports = {
        name: score_poses(
            watch(name, listed),
            fps=fps,
            protocol=protocol if name in systems else None,
            formats=formats,
            metrics=metrics,
            reading=reading,
            derive=derivation(name) if name in NAMES else None,
        )
        for name, listed in pairs.items()
    }
    intervals, differences = {}, {}
    for name, report in reports.items():
        for metric, against in zip(report.system, reports[baseline].system, strict=True):
            intervals[name, metric.name] = confidence(metric, samples=samples, seed=seed)
            if name != baseline:
                differences[name, metric.name] = paired_difference(
                    against, metric, samples=samples, trials=trials, seed=seed
                )
    settings = {"samples": samples, "trials": trials, "seed": seed}
    return Comparison(reports, baseline, intervals, differences, pairs, settings)


def per_sequence(metric: Metric) -> list[float]:
    """Score each sequence alone; NaN where that can't be."""
    scores = []
    for row in metric.statistics:
        try:
            scores.append(metric.score_of(row[None]))
        except ValueError:
            scores.append(float("nan"))
    return scores


class _Memory:
    """A translator that translates equal poses once."""

    def __init__(self, translator: Any) -> None:
        self._translator = translator
        self._known: dict[tuple[int, bytes], str] = {}

    def __call__(self, poses: Sequence[PoseSequence], /) -> list[str]:
        keys = [(len(pose.joints), np.ascontiguousarray(pose.joints).tobytes()) for pose in poses]
        from hashlib import sha256

        short = [(length, sha256(content).digest()) for length, content in keys]
        new = {key: pose for key, pose in zip(short, poses, strict=True) if key not in self._known}
        for key, text in zip(new, self._translator(list(new.values())) if new else [], strict=True):
            self._known[key] = text
        return [self._known[key] for key in short]
