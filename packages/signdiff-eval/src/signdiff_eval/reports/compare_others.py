"""Several systems' videos, or their sentences, on the same references."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from signdiff_eval.readers import is_video, pair_up, read_lines
from signdiff_eval.readers.text import read_as_many
from signdiff_eval.reports.compare import Comparison, check_names, with_tests
from signdiff_eval.scoring import score_texts, score_videos

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from signdiff_eval.metrics.image import VideoMetric
    from signdiff_eval.readers import Pair
    from signdiff_eval.scoring import Protocol


def compare_videos(
    reference: Path,
    systems: Mapping[str, Path],
    *,
    baseline: str | None = None,
    protocol: Protocol = "free",
    metrics: Callable[[], Sequence[VideoMetric]] | None = None,
    watch: Callable[[str, list[Pair]], Iterable[Pair]] = lambda _, pairs: pairs,
    **tests: Any,
) -> Comparison:
    """Score systems' videos side by side.

    Args:
        reference: folder (or file) of references.
        systems: name to folder (or file), at least one.
        baseline: one of the names; the first if not given.
        protocol: as for `score_videos`.
        metrics: makes fresh metrics for a system; ``ssim`` and ``flicker`` if not given.
        watch: as for `signdiff_eval.reports.compare`.
        tests: ``samples``, ``trials`` and ``seed``, likewise.

    Raises:
        ValueError: no system, an unknown baseline, or as for `score_videos`.
    """
    baseline = check_names(systems, baseline)
    pairs = {name: pair_up(reference, folder, is_video) for name, folder in systems.items()}
    reports = {
        name: score_videos(watch(name, listed), protocol=protocol, metrics=metrics() if metrics else None)
        for name, listed in pairs.items()
    }
    return with_tests(reports, baseline, pairs=pairs, kind="videos", **tests)


def compare_texts(
    reference: Path,
    systems: Mapping[str, Path],
    *,
    baseline: str | None = None,
    protocol: Protocol = "free",
    ceiling: Path | None = None,
    tokenize: str = "none",
    **tests: Any,
) -> Comparison:
    """Score systems' sentences side by side.

    Args:
        reference: file with a sentence a line.
        systems: name to such a file, at least one.
        baseline: one of the names; the first if not given.
        protocol: as for `score_texts`.
        ceiling: file of what the translator made of the references' own poses.
        tokenize: as for `score_texts`.
        tests: ``samples``, ``trials`` and ``seed``, as for `signdiff_eval.reports.compare`.

    Raises:
        ValueError: no system, an unknown baseline, a file that can't be read, or another number of lines.
    """
    baseline = check_names(systems, baseline)
    true = read_lines(reference)
    best = None if ceiling is None else read_as_many(ceiling, reference, len(true))
    reports = {}
    for name, path in systems.items():
        made = read_as_many(path, reference, len(true))
        reports[name] = score_texts(true, made, ceiling=best, protocol=protocol, tokenize=tokenize)
    return with_tests(reports, baseline, pairs={}, kind="texts", **tests)
