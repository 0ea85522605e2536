"""The audit of a folder of hypotheses, beside its references where they are given."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from signdiff_eval.audit.clip import Clip, clip_of, frozen, holes, off_scale
from signdiff_eval.audit.pairwise import compare
from signdiff_eval.provenance import marked_place
from signdiff_eval.readers import PoseFormats
from signdiff_eval.readers.pairs import order_of
from signdiff_eval.readers.poses import same_rate

KINDS: Final = {
    "unreadable": "the file can't be read",
    "unpaired": "a file has no partner of its name",
    "empty-frames": "frames in which no joint is present, or all lie at the origin",
    "nan-frames": "frames with a NaN or an infinity",
    "frozen": "the pose doesn't move, or stands still for more than half of the time",
    "longer": "the hypothesis lasts longer than its reference",
    "copied-frames": "frames are identical to frames of the reference",
    "first-frame": "the first frame is the reference's",
    "counter": "the counters are the reference's: its timing was given",
    "same-length": "every hypothesis has exactly its reference's length: its timing was given",
    "frame-rate": "frame rates differ",
    "skeleton": "joints or axes differ from the reference's",
    "scale": "the figure has another size than its reference, or than its file format says: other units",
    "mirrored": "left and right are exchanged",
    "generated-reference": "a reference carries a generator's mark",
}
"""Every kind of finding, with what it means."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with one file.

    Attributes:
        kind: one of `KINDS`.
        file: the file, as seen from the audited folder; with the sequence's name if it holds several.
        detail: what was found, with numbers.
    """

    kind: str
    file: str
    detail: str


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit found.

    Attributes:
        findings: in the order of the files.
        files: hypotheses that were looked at.
        pairs: sequences that had a reference.
        marked: references that carry a generator's mark: the file or its folder, and the generator.
    """

    findings: tuple[Finding, ...]
    files: int
    pairs: int
    marked: tuple[tuple[str, str], ...] = ()

    def counts(self) -> dict[str, int]:
        """Count the findings of each kind that there is."""
        found: dict[str, int] = {}
        for finding in self.findings:
            found[finding.kind] = found.get(finding.kind, 0) + 1
        return found


def audit(hypothesis: Path, reference: Path | None = None, *, formats: PoseFormats | None = None) -> Audit:
    """Look for what makes a score incomparable.

    Args:
        hypothesis: a folder of pose files, or one file.
        reference: the references, paired by their names without suffix; two files are a pair whatever their names.
            Without them, only what a file tells alone is found.
        formats: the known formats; those installed if not given.

    Raises:
        ValueError: there is nothing to look at.
    """
    formats = formats or PoseFormats()
    made = _entries(hypothesis, formats)
    true = {} if reference is None else _entries(reference, formats)
    if reference is not None and reference.is_file() and hypothesis.is_file():
        true = {next(iter(made)): reference}
    findings: list[Finding] = []
    rates: dict[float, str] = {}
    lengths: list[bool] = []
    marks = {path: found for path in true.values() if (found := marked_place(path))}
    for name in sorted(made.keys() | true.keys()):
        if name in true and true[name] in marks:
            made_by = f"made by {marks[true[name]][1]}"
            findings.append(Finding("generated-reference", f"reference {true[name].name}", made_by))
        if name not in made:
            findings.append(Finding("unpaired", true[name].name, "a reference without hypothesis"))
            continue
        path = made[name]
        findings += _alone(path, formats, rates)
        if reference is None:
            continue
        if name not in true:
            findings.append(Finding("unpaired", path.name, "a hypothesis without reference"))
            continue
        findings += _damage(true[name], *_clips(true[name], formats), "reference ")
        findings += _together(path, true[name], formats, lengths)
    if len(rates) > 1:
        listed = " and ".join(f"{rate:.7g} ({name})" for rate, name in sorted(rates.items()))
        findings.append(Finding("frame-rate", hypothesis.name, f"the folder mixes {listed} frames per second"))
    if len(lengths) > 2 and all(lengths):
        findings.append(Finding("same-length", hypothesis.name, f"all {len(lengths)} sequences: state gt-timing"))
    marked = tuple(dict.fromkeys(marks.values()))
    return Audit(tuple(dict.fromkeys(findings)), len(made), len(lengths), marked)


def _entries(place: Path, formats: PoseFormats) -> dict[str, Path]:
    if place.is_file() or formats.matches(place):
        return {place.stem: place}
    entries = {
        path.stem: path
        for path in sorted(place.iterdir())
        if not path.name.startswith(".") and (path.suffix == ".pose" or formats.matches(path))
    }
    if not entries:
        raise ValueError(f"{place} must hold pose files to audit, but holds none in a known format.")
    return entries


def _clips(path: Path, formats: PoseFormats) -> tuple[list[tuple[str, Clip]], str]:
    """Read what can be read: sequences by the name that findings give them, and why there are no more."""
    clips: list[tuple[str, Clip]] = []
    try:
        for name, pose in formats.poses(path):
            clips.append((f"{path.name}, {name}" if name else path.name, clip_of(pose)))
    except (ValueError, IndexError) as error:
        return clips, " ".join(str(error).split())
    return clips, ""


def _alone(path: Path, formats: PoseFormats, rates: dict[float, str]) -> Iterator[Finding]:
    clips, broken = _clips(path, formats)
    yield from _damage(path, clips, broken)
    for name, clip in clips:
        if not any(same_rate(clip.fps, rate) for rate in rates):
            rates[clip.fps] = path.name
        whole = clip.whole
        if len(whole) and (stands := frozen(whole)):
            yield Finding("frozen", name, stands)


def _damage(path: Path, clips: list[tuple[str, Clip]], broken: str, role: str = "") -> Iterator[Finding]:
    if broken:
        yield Finding("unreadable", f"{role}{path.name}", broken)
    for name, clip in clips:
        for kind, detail in holes(clip):
            yield Finding(kind, f"{role}{name}", detail)
        if wrong := off_scale(clip):
            yield Finding("scale", f"{role}{name}", wrong)


def _together(hypothesis: Path, reference: Path, formats: PoseFormats, lengths: list[bool]) -> Iterator[Finding]:
    (made, broken), (true, broken_too) = _clips(hypothesis, formats), _clips(reference, formats)
    others, names = (
        [name.removeprefix(f"{path.name}, ") if name != path.name else "" for name, _ in clips]
        for path, clips in ((hypothesis, made), (reference, true))
    )
    try:
        made = [made[place] for place in order_of(others, names)]
    except ValueError as error:
        if not broken and not broken_too:
            yield Finding("unpaired", hypothesis.name, f"both {error}")
        if any(names) and any(others):
            shared = [name for name in names if name in others]
            made, true = [made[others.index(name)] for name in shared], [true[names.index(name)] for name in shared]
    for (name, clip), (_, expected) in zip(made, true, strict=False):
        lengths.append(len(expected.joints) == len(clip.joints))
        already = bool(len(clip.whole) and frozen(clip.whole))
        for kind, detail in compare(clip, expected):
            if kind != "frozen" or not already:
                yield Finding(kind, name, detail)
    counters = zip(counters_of(hypothesis), counters_of(reference), strict=False)
    same = np.array([same_counters(*pair) for pair in counters], dtype=bool)
    if same.any():
        yield Finding("counter", hypothesis.name, f"in {int(same.sum())} of {len(same)} sequences")


VALUES: Final = 151
"""Numbers of a frame: 50 joints of (x, y, z), and the counter."""

MAX_LINE: Final = 2**27
"""Longest line that is read, in bytes."""


def counters_of(path: Path) -> Iterator[NDArray[Any]]:
    """Read the counters, (T,) float64, of each sequence of a ``.skels`` file; none of other files."""
    if path.suffix != ".skels":
        return
    with path.open("rb") as file:
        while line := file.readline(MAX_LINE):
            numbers = line.split()
            if not numbers or len(numbers) % VALUES:
                return
            yield np.array(numbers[VALUES - 1 :: VALUES], dtype=np.float64)


def same_counters(hypothesis: NDArray[Any], reference: NDArray[Any]) -> bool:
    """Tell whether two sequences have the same counters, as far as four decimals tell."""
    return len(hypothesis) == len(reference) and bool(np.abs(hypothesis - reference).max() < 6e-5)
