"""Several systems on the same references, and controls: systems whose worth is known."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from signdiff_eval.backtranslation.translator import texts_of
from signdiff_eval.metrics import Metric, VideoMetric
from signdiff_eval.readers import Pair, PoseFormats, PoseSequence, is_video, pair_up, read_lines
from signdiff_eval.readers.texts import read_as_many
from signdiff_eval.reports import significance
from signdiff_eval.scoring import BackTranslation, Protocol, Report, score_poses, score_texts, score_videos

Kind = Literal["poses", "videos", "texts"]
"""What is compared."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What became of several systems.

    Attributes:
        reports: system to its scores, in the order given, controls last.
        baseline: the system that the others are compared with.
        intervals: system and score key to the 95% interval of the score; without those of a score that has none, since
            it is of all files at once, as FID is, or since a resample of the files has nothing to score.
        differences: likewise, to the difference from the baseline; without the baseline itself.
        pairs: system to the files that were compared; empty for sentences.
        settings: of the tests.
        kind: ``poses``, ``videos`` or ``texts``.
    """

    reports: dict[str, Report]
    baseline: str
    intervals: dict[tuple[str, str], significance.Interval]
    differences: dict[tuple[str, str], significance.Difference]
    pairs: dict[str, list[Pair]]
    settings: dict[str, int]
    kind: Kind = "poses"

    @property
    def keys(self) -> list[str]:
        """The keys of the scores that every system has, in order."""
        others = [{score.signature.name for score in report.scores} for report in self.reports.values()]
        names = [score.signature.name for score in self.reports[self.baseline].scores]
        return [name for name in names if all(name in other for other in others)]

    @property
    def unscored(self) -> list[tuple[str, str]]:
        """Key and reason of each score that a system doesn't have."""
        return list(dict.fromkeys(one for report in self.reports.values() for one in report.unscored))

    @property
    def marked(self) -> list[tuple[str, str]]:
        """References that carry a generator's mark, as in `Report`."""
        return list(dict.fromkeys(one for report in self.reports.values() for one in report.marked))

    @property
    def smallest_p(self) -> float:
        """The p-value that so many files can reach at best."""
        return significance.smallest_p(self.reports[self.baseline].pairs)


def compare(
    systems: Mapping[str, Path],
    reference: Path,
    *,
    baseline: str | None = None,
    controls: bool = False,
    fps: float | None = None,
    protocol: Protocol | None = None,
    formats: PoseFormats | None = None,
    metrics: Callable[[], Sequence[Metric]] | None = None,
    back_translation: BackTranslation | None = None,
    watch: Callable[[str, list[Pair]], Iterable[Pair]] = lambda _, pairs: pairs,
    **tests: Any,
) -> Comparison:
    """Score systems' poses side by side, with intervals, and tests of the differences.

    Args:
        systems: name to folder (or file), at least one.
        reference: folder (or file) of references.
        baseline: one of the names; the first if not given.
        controls: add ground truth, a frozen mean pose, and shuffled ground truth.
        fps: as for `score_poses`, and so are protocol, formats, metrics and back_translation.
        protocol: likewise.
        formats: likewise.
        metrics: likewise.
        back_translation: likewise; each pose is translated once, however many systems share it.
        watch: passes on the pairs of a system, such as to show progress.
        tests: ``samples`` of the bootstrap, ``trials`` of approximate randomisation, and the ``seed`` of both; else as
            in `signdiff_eval.reports.significance`.

    Raises:
        ValueError: no system, an unknown baseline, or as for `score_poses`.
    """
    baseline = _check_names(systems, baseline)
    formats = formats or PoseFormats()
    if back_translation is not None:
        back_translation = BackTranslation(
            back_translation.texts, _Memory(back_translation.translator), back_translation.settings
        )
    pairs = {name: pair_up(folder, reference, formats.matches) for name, folder in systems.items()}
    if controls:
        first = next(iter(pairs.values()))
        pairs |= {name: control_pairs(name, first) for name in CONTROLS}
    reports = {
        name: score_poses(
            watch(name, listed),
            fps=fps,
            protocol=protocol if name in systems else None,
            formats=formats,
            metrics=metrics,
            back_translation=back_translation,
            derive=derivation(name) if name in CONTROLS else None,
        )
        for name, listed in pairs.items()
    }
    return _with_tests(reports, baseline, pairs, **tests)


def _check_names(systems: Mapping[str, Any], baseline: str | None) -> str:
    """Check what systems are called, and tell which is the baseline."""
    if not systems:
        raise ValueError("systems must hold at least one system, but hold none.")
    baseline = baseline or next(iter(systems))
    if baseline not in systems:
        raise ValueError(f"baseline must be one of {', '.join(systems)}, but is {baseline!r}.")
    if taken := sorted(set(systems) & set(CONTROLS)):
        raise ValueError(f"systems must not be called {taken[0]!r}, as a control is.")
    return baseline


def _with_tests(
    reports: dict[str, Report],
    baseline: str,
    pairs: dict[str, list[Pair]],
    *,
    kind: Kind = "poses",
    samples: int = significance.SAMPLES,
    trials: int = significance.TRIALS,
    seed: int = significance.SEED,
) -> Comparison:
    """Add intervals and tests of differences to the reports of systems on the same references."""
    settings = {"samples": samples, "trials": trials, "seed": seed}
    comparison = Comparison(reports, baseline, {}, {}, pairs, settings, kind)
    for name, report in reports.items():
        for key in comparison.keys:
            metric, against = report.metric(key), reports[baseline].metric(key)
            if len(metric.statistics) != report.pairs:  # of all files at once
                continue
            try:
                comparison.intervals[name, key] = significance.confidence(metric, samples=samples, seed=seed)
                if name != baseline:
                    comparison.differences[name, key] = significance.paired_difference(
                        against, metric, samples=samples, trials=trials, seed=seed
                    )
            except Exception as error:
                # Files of which some have nothing to score, such as movement of a single frame.
                if not isinstance(error, ValueError) and not metric.of_others():
                    raise
                comparison.intervals.pop((name, key), None)
    return comparison


def per_sequence(metric: Metric) -> list[float]:
    """Score each sequence alone; NaN where that can't be."""
    scores = []
    for row in metric.statistics:
        try:
            scores.append(metric.score_of(row[None]))
        except Exception as error:
            if not isinstance(error, ValueError) and not metric.of_others():
                raise
            scores.append(float("nan"))
    return scores


class _Memory:
    """A translator that translates equal poses once."""

    def __init__(self, translator: Any) -> None:
        self._translator = translator
        self._known: dict[tuple[int, bytes], str] = {}

    def __call__(self, poses: Sequence[PoseSequence], /) -> list[str]:
        contents = [np.ascontiguousarray(pose.joints) for pose in poses]
        keys = [(len(content), hashlib.sha256(content.tobytes()).digest()) for content in contents]
        new = {key: pose for key, pose in zip(keys, poses, strict=True) if key not in self._known}
        for key, text in zip(new, texts_of(self._translator, list(new.values())) if new else [], strict=True):
            self._known[key] = text
        return [self._known[key] for key in keys]


def compare_videos(
    systems: Mapping[str, Path],
    reference: Path,
    *,
    baseline: str | None = None,
    protocol: Protocol = "free",
    metrics: Callable[[], Sequence[VideoMetric]] | None = None,
    watch: Callable[[str, list[Pair]], Iterable[Pair]] = lambda _, pairs: pairs,
    **tests: Any,
) -> Comparison:
    """Score systems' videos side by side.

    Args:
        systems: name to folder (or file), at least one.
        reference: folder (or file) of references.
        baseline: one of the names; the first if not given.
        protocol: as for `score_videos`.
        metrics: makes fresh metrics for a system; ``ssim`` and ``flicker`` if not given.
        watch: as for `signdiff_eval.reports.compare`.
        tests: ``samples``, ``trials`` and ``seed``, likewise.

    Raises:
        ValueError: no system, an unknown baseline, or as for `score_videos`.
    """
    baseline = _check_names(systems, baseline)
    pairs = {name: pair_up(folder, reference, is_video) for name, folder in systems.items()}
    reports = {
        name: score_videos(watch(name, listed), protocol=protocol, metrics=metrics() if metrics else None)
        for name, listed in pairs.items()
    }
    return _with_tests(reports, baseline, pairs, kind="videos", **tests)


def compare_texts(
    systems: Mapping[str, Path],
    reference: Path,
    *,
    baseline: str | None = None,
    protocol: Protocol = "free",
    ceiling: Path | None = None,
    tokenize: str = "none",
    **tests: Any,
) -> Comparison:
    """Score systems' sentences side by side.

    Args:
        systems: name to such a file, at least one.
        reference: file with a sentence a line.
        baseline: one of the names; the first if not given.
        protocol: as for `score_texts`.
        ceiling: file of what the translator made of the references' own poses.
        tokenize: as for `score_texts`.
        tests: ``samples``, ``trials`` and ``seed``, as for `signdiff_eval.reports.compare`.

    Raises:
        ValueError: no system, an unknown baseline, a file that can't be read, or another number of lines.
    """
    baseline = _check_names(systems, baseline)
    true = read_lines(reference)
    best = None if ceiling is None else read_as_many(ceiling, reference, len(true))
    reports = {}
    for name, path in systems.items():
        made = read_as_many(path, reference, len(true))
        reports[name] = score_texts(made, true, ceiling=best, protocol=protocol, tokenize=tokenize)
    return _with_tests(reports, baseline, {}, kind="texts", **tests)


GROUND_TRUTH: Final = "ground truth"
FROZEN: Final = "frozen mean pose"
SHUFFLED: Final = "shuffled ground truth"

CONTROLS: Final = (GROUND_TRUTH, FROZEN, SHUFFLED)
"""What is compared with ``--controls``."""


def control_pairs(name: str, pairs: Sequence[Pair]) -> list[Pair]:
    """Pair each reference with what the control makes its hypothesis from."""
    paths = [pair.reference for pair in pairs]
    if name == SHUFFLED:
        paths = paths[1:] + paths[:1]
    return [Pair(pair.name, path, pair.reference) for pair, path in zip(pairs, paths, strict=True)]


def derivation(name: str) -> Callable[[list[PoseSequence]], list[PoseSequence]]:
    """Tell how a control changes the sequences of a file; a shuffle moves them by one place, so that none stays."""
    changes: dict[str, Callable[[list[PoseSequence]], list[PoseSequence]]]
    changes = {GROUND_TRUTH: list, FROZEN: _frozen, SHUFFLED: _rotated}
    return changes[name]


def _frozen(sequences: list[PoseSequence]) -> list[PoseSequence]:
    return [
        replace(sequence, joints=np.repeat(sequence.joints.mean(axis=0, keepdims=True), len(sequence.joints), axis=0))
        for sequence in sequences
    ]


def _rotated(sequences: list[PoseSequence]) -> list[PoseSequence]:
    return [*sequences[1:], *sequences[:1]]
