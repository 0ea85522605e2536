"""Check a table of sentences against its clips."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Final

from signdiff_slp.prepare.checks.clips import Facts, Files, index_clips, measure, video_length
from signdiff_slp.prepare.checks.findings import Finding, Findings
from signdiff_slp.prepare.checks.table import Sentence, read_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from signdiff_slp.prepare.checks.findings import Kind

PUBLISHED: Final = {"train": 31_047, "val": 1_739, "test": 2_343}
"""Segments of How2Sign that the paper has after processing."""

SHORTEST: Final = 0.04
"""Seconds of a frame at 25 a second: what is shorter has no duration."""


def check(
    tables: Sequence[Path],
    clips: Sequence[Path] = (),
    *,
    videos: Sequence[Path] = (),
    fps: float | None = None,
    deep: bool = False,
    tolerance: float = 0.5,
    progress: Callable[[Iterable[Sentence]], Iterable[Sentence]] | None = None,
) -> Findings:
    """Check sentences against clips.

    Args:
        tables: of sentences, in How2Sign's layout; see `read_table`.
        clips: folders with a video, keypoints or both of every sentence, under its name. If none is given, only the
            tables are checked.
        videos: folders with the whole videos.
        fps: frames per second of keypoints that do not tell; without it and without videos, their duration is not
            checked.
        deep: read every frame of JSON, too, for clips without a person. Of videos, only those with keypoints are known
            to show a person.
        tolerance: seconds by which durations may differ.
        progress: wraps the sentences, to show how far it is.

    Returns:
        What is wrong, and the sentences that are left.

    Raises:
        FormatError: a table is broken. Broken clips are findings.
        FileNotFoundError: a table or folder is missing.
        ValueError: there is no table, or ``fps`` or ``tolerance`` is out of its range.
    """
    if not tables:
        raise ValueError("tables must name at least one file, but name none.")
    if fps is not None and not (math.isfinite(fps) and fps > 0):
        raise ValueError(f"fps must be positive, but is {fps}.")
    if not tolerance >= 0:
        raise ValueError(f"tolerance must be at least 0, but is {tolerance}.")
    sentences = [sentence for table in tables for sentence in read_table(table)]
    files = index_clips(clips)
    whole = {name: found.video.path for name, found in index_clips(videos).items() if found.video}
    lengths = _Lengths(whole)
    found: list[Finding] = []
    kept: list[Sentence] = []
    rates: list[tuple[str, float]] = []
    first: dict[str, Sentence] = {}
    for sentence in sentences if progress is None else progress(sentences):
        wrong = list(_in_table(sentence, first))
        if first[sentence.name] is sentence:
            if videos:
                wrong += _in_video(sentence, lengths, tolerance)
            if clips:
                wrong += _in_clip(sentence, files.get(sentence.name), rates, fps=fps, deep=deep, tolerance=tolerance)
        found += [Finding(clip=sentence.name, kind=kind, detail=detail) for kind, detail in wrong]
        if not any(finding.drops for finding in found[len(found) - len(wrong) :]):
            kept.append(sentence)
    found += _other_rates(rates)
    for name in sorted(files):
        if name not in first:
            found.append(Finding(clip=name, kind="clip without text", detail=f"{files[name].path} is in no table"))
    return Findings(found=tuple(found), kept=tuple(kept), sentences=len(sentences), clips=len(files) if clips else None)


class _Lengths:
    """Seconds of whole videos, each opened once; an error instead where it is broken."""

    def __init__(self, paths: dict[str, Path]) -> None:
        self._paths = paths
        self._known: dict[str, float | OSError | ValueError | None] = {}

    def of(self, video: str) -> float | None:
        if video not in self._known:
            path = self._paths.get(video)
            try:
                self._known[video] = None if path is None else video_length(path)[0]
            except (OSError, ValueError) as error:
                self._known[video] = error
        length = self._known[video]
        if isinstance(length, OSError | ValueError):
            raise length
        return length


Wrong = tuple["Kind", str]


def _in_table(sentence: Sentence, first: dict[str, Sentence]) -> Iterator[Wrong]:
    other = first.setdefault(sentence.name, sentence)
    if other is not sentence:
        same = "and text" if other.text == sentence.text else "but another text"
        yield "duplicated id", f"{sentence.place} has the name {same} of {other.place}"
    if not sentence.text:
        yield "empty sentence", sentence.place
    if sentence.end - sentence.start < SHORTEST:
        yield "no duration", f"from {sentence.start:g} to {sentence.end:g} s in {sentence.place}"
    if min(sentence.start, sentence.end) < 0:
        yield "negative time", f"from {sentence.start:g} to {sentence.end:g} s in {sentence.place}"


def _in_video(sentence: Sentence, lengths: _Lengths, tolerance: float) -> Iterator[Wrong]:
    try:
        seconds = lengths.of(sentence.video)
    except (OSError, ValueError) as error:
        yield "broken file", str(error)
        return
    if seconds is None:
        yield "video missing", f"there is no video {sentence.video}"
    elif sentence.end > seconds + tolerance:
        yield "past the end", f"ends at {sentence.end:g} s, but {sentence.video} at {seconds:.2f} s"


def _in_clip(
    sentence: Sentence,
    files: Files | None,
    rates: list[tuple[str, float]],
    *,
    fps: float | None,
    deep: bool,
    tolerance: float,
) -> Iterator[Wrong]:
    if files is None:
        yield "text without clip", sentence.place
        return
    for other in files.others:
        yield "duplicated clip", f"{other.path} has the name of {files.path}, which is taken"
    try:
        facts = measure(files, fps=fps, deep=deep)
    except (OSError, ValueError) as error:
        yield "broken file", str(error)
        return
    if facts.fps is not None:
        rates.append((sentence.name, facts.fps))
    if facts.empty:
        yield "nobody", f"{files.path} shows nobody in any frame"
    yield from _durations(sentence, facts, tolerance)


def _durations(sentence: Sentence, facts: Facts, tolerance: float) -> Iterator[Wrong]:
    said = sentence.end - sentence.start
    if facts.seconds is None or said <= 0:
        return
    detail = f"lasts {facts.seconds:.2f} s, but the table says {said:.2f} s"
    if said > facts.seconds + tolerance:
        yield "past the end", detail
    elif facts.seconds > said + tolerance:
        yield "other duration", detail


def _other_rates(rates: list[tuple[str, float]]) -> list[Finding]:
    if not rates:
        return []
    (usual, count), *_ = Counter(round(fps, 2) for _, fps in rates).most_common(1)
    return [
        Finding(clip=name, kind="other frame rate", detail=f"{fps:.5g} frames a second; {count} clips have {usual:g}")
        for name, fps in rates
        if round(fps, 2) != usual
    ]
