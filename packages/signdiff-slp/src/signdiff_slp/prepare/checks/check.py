"""Check a table of sentences against its clips, and later against what was prepared of them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from signdiff_core.formats.files import FormatError, frames_of
from signdiff_core.rates import same_rate
from signdiff_core.sources.find import Source, walk
from signdiff_core.sources.read import read
from signdiff_core.video.reading import probe
from signdiff_slp.prepare.checks.findings import Finding, Findings, Kind
from signdiff_slp.prepare.checks.table import Sentence, read_table
from signdiff_slp.prepare.quality import STILL, is_still, is_still_video

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
    """Check the sentences of tables against clips; gives what is wrong, and the sentences that are left.

    ``clips`` are folders with a video, keypoints or both of every sentence, under its name; if none is given, only the
    tables are checked. ``videos`` are folders with the whole videos. ``fps`` is the frame rate of keypoints that do not
    tell; without it and without videos, their duration is not checked. If ``deep``, every frame of JSON and of videos
    without keypoints is read, too, for clips without a person or without motion; of videos, only those with keypoints
    are known to show a person. Durations may differ by ``tolerance`` seconds. ``progress`` wraps the sentences.

    Broken clips are findings. An error says if a table is broken, a table or folder missing, or an option out of range.
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
    untimed = 0
    for sentence in sentences if progress is None else progress(sentences):
        wrong = list(_in_table(sentence, first))
        if first[sentence.name] is sentence:
            if videos and sentence.video:
                wrong += _in_video(sentence, lengths, tolerance)
            if clips:
                there = files.get(sentence.name)
                more, facts = _in_clip(sentence, there, fps=fps, deep=deep, tolerance=tolerance)
                wrong += more
                if facts is not None:
                    untimed += facts.seconds is None
                    rates += [(sentence.name, facts.fps)] if facts.fps is not None else []
        found += [Finding(clip=sentence.name, kind=kind, detail=detail) for kind, detail in wrong]
        if not any(finding.drops for finding in found[len(found) - len(wrong) :]):
            kept.append(sentence)
    found += _other_rates(rates)
    for name in sorted(files):
        if name not in first:
            found.append(Finding(clip=name, kind="clip without text", detail=f"{files[name].path} is in no table"))
    return Findings(
        found=tuple(found),
        kept=tuple(kept),
        sentences=len(sentences),
        clips=len(files) if clips else None,
        untimed=untimed,
    )


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


Wrong = tuple[Kind, str]


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
    sentence: Sentence, files: Files | None, *, fps: float | None, deep: bool, tolerance: float
) -> tuple[list[Wrong], Facts | None]:
    """What is wrong with a clip, and what its files tell, if they can be read."""
    if files is None:
        return [("text without clip", sentence.place)], None
    wrong: list[Wrong] = [
        ("duplicated clip", f"{other.path} has the name of {files.path}, which is taken") for other in files.others
    ]
    try:
        facts = measure(files, fps=fps, deep=deep)
    except (OSError, ValueError) as error:
        return [*wrong, ("broken file", str(error))], None
    if facts.empty:
        wrong.append(("nobody", f"{files.path} shows nobody in any frame"))
    if facts.still:
        wrong.append(("no motion", f"{files.path} shows one picture throughout"))
    return [*wrong, *_durations(sentence, facts, tolerance)], facts


def _durations(sentence: Sentence, facts: Facts, tolerance: float) -> Iterator[Wrong]:
    said, lasts = sentence.seconds, facts.seconds
    if lasts is not None and facts.keypoints is not None and disagree(facts.keypoints, lasts, tolerance):
        yield "other duration", f"the keypoints last {facts.keypoints:.2f} s, but the video {lasts:.2f} s"
    if lasts is None or said is None or said <= 0:
        return
    detail = f"lasts {lasts:.2f} s, but the table says {said:.2f} s"
    if said > lasts + tolerance:
        yield "past the end", detail
    elif disagree(lasts, said, tolerance):
        yield "other duration", detail


@dataclass(kw_only=True)
class Files:
    """The video and the keypoints of a clip; ``others`` are more of the same name, which are not looked at."""

    video: Source | None = None
    keypoints: Source | None = None
    others: list[Source] = field(default_factory=list)

    @property
    def path(self) -> Path | None:
        """Where the clip is."""
        source = self.video or self.keypoints
        return None if source is None else source.path


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a clip's files tell; ``None`` if nothing tells, or for ``empty`` and ``still``, if that was not looked at.

    ``seconds`` is the duration of the video, if there is one; ``keypoints`` that of keypoints beside a video.
    """

    seconds: float | None
    fps: float | None
    empty: bool | None
    keypoints: float | None = None
    still: bool | None = None


def index_clips(folders: Iterable[Path]) -> dict[str, Files]:
    """Find the videos and keypoints of clips, by name; a ``FileNotFoundError`` if there is no such folder or file."""
    clips: dict[str, Files] = {}
    for folder in folders:
        for source in walk(folder):
            files = clips.setdefault(source.name, Files())
            if source.kind == "video" and files.video is None:
                files.video = source
            elif source.kind != "video" and files.keypoints is None:
                files.keypoints = source
            else:
                files.others.append(source)
    return clips


def measure(files: Files, *, fps: float | None, deep: bool) -> Facts:
    """Learn what a clip's files tell; ``fps`` is the frame rate of keypoints that do not tell.

    If ``deep``, the JSON of every frame is read, too, rather than counted, and whether anything moves is looked at.
    An ``OSError`` if a file cannot be read, a ``ValueError`` if it is broken or empty.
    """
    seconds: float | None = None
    rate: float | None = None
    if files.video is not None:
        seconds, rate = video_length(files.video.path)
    source = files.keypoints
    if source is None:
        still = is_still_video(files.video.path) if files.video is not None and deep else None
        return Facts(seconds=seconds, fps=rate, empty=None, still=still)
    still = None
    if source.kind in ("openpose", "dwpose") and not deep:
        frames, own, empty = len(frames_of(source.path)), None, None
    else:
        # The size only scales positions.
        clip = read(source, size=(1, 1))
        frames, empty = len(clip.people), not bool(clip.people[..., 2].any())
        own = clip.fps if source.kind in ("mediapipe", "pose") else None
        still = is_still(clip.people) if deep and not empty else None
    rate = rate or own
    lasts = frames / (rate or fps or 1.0) if rate or fps else None
    beside = lasts if seconds is not None else None
    return Facts(seconds=seconds or lasts, fps=rate, empty=empty, keypoints=beside, still=still)


def video_length(path: Path) -> tuple[float, float]:
    """Seconds and frames per second of a video; an error if it cannot be read, is broken, or does not tell."""
    info = probe(path)
    seconds = info.seconds or (info.frames / info.fps if info.fps else 0.0)
    if not seconds > 0:
        raise FormatError(path, "expected a video with a duration, but the file tells none.")
    return seconds, info.fps


def find_in_clips(
    facts: Sequence[Mapping[str, Any]],
    expected: Mapping[str, float | None],
    tolerance: float,
    known: Collection[str] = (),
) -> Iterator[Finding]:
    """Look at the facts of prepared clips, as `shards.finish` gives them.

    ``expected`` has the seconds that the table says, by name. Clips of ``known`` have findings already: their durations
    are not found again.
    """
    for clip in facts:
        name, lasts = clip["name"], clip["seconds"]
        others = {"the table says": expected[name], "its video": clip["video_seconds"]}
        for what, other in others.items():
            if name not in known and other is not None and other > 0 and disagree(lasts, other, tolerance):
                detail = f"lasts {lasts:.2f} s, but {what} {other:.2f} s"
                yield Finding(clip=name, kind="other duration", detail=detail)
        if clip["movement"] <= STILL:
            detail = f"no joint moves by more than {clip['movement']:.1%} of the shoulders' width in {lasts:.2f} s"
            yield Finding(clip=name, kind="no motion", detail=detail)


def disagree(one: float, other: float, tolerance: float) -> bool:
    """Tell whether two durations, in seconds, are of different clips: beyond the tolerance, or one half as long again.

    Of clips that are shorter than twice the tolerance, it is half of them.

    >>> disagree(5.3, 5.0, 0.5), disagree(5.6, 5.0, 0.5), disagree(0.8, 0.4, 0.5)
    (False, True, True)
    """
    shorter, longer = sorted((one, other))
    return longer > shorter + max(SHORTEST, min(tolerance, shorter / 2))


def _other_rates(rates: list[tuple[str, float]]) -> list[Finding]:
    if not rates:
        return []
    (usual, _), *_ = Counter(round(fps, 2) for _, fps in rates).most_common(1)
    count = sum(same_rate(fps, usual) for _, fps in rates)
    return [
        Finding(clip=name, kind="other frame rate", detail=f"{fps:.5g} frames a second; {count} clips have {usual:g}")
        for name, fps in rates
        if not same_rate(fps, usual)
    ]
