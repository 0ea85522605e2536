"""The settings of an old report, taken from its signatures."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from signdiff_eval.metrics import Metric, TextMetric, VideoMetric
from signdiff_eval.readers.poses import MAX_FPS
from signdiff_eval.readers.texts import read_json
from signdiff_eval.scoring import Protocol, Report
from signdiff_eval.scoring.suites import metric_of
from signdiff_eval.signature import Signature, __version__

MAX_BYTES = 2**26
"""Largest report that is read."""

_LONGEST = 500
"""Most characters of a message about what is wrong with one."""


@dataclass(frozen=True, slots=True)
class OldReport:
    """What an old report was made with: its scores' signatures, frame rate, protocol, and whether it was of videos."""

    signatures: tuple[Signature, ...]
    fps: float
    protocol: Protocol
    video: bool

    def metrics(self) -> list[Metric]:
        """Make its metrics anew."""
        return [metric_of(signature) for signature in self.signatures]

    @property
    def needs_texts(self) -> bool:
        """Tell whether it translated poses back to text."""
        return any(isinstance(metric, TextMetric) for metric in self.metrics())

    def check(self, report: Report) -> None:
        """Make sure that a new report was made in the same way; a ValueError tells which setting differs."""
        made = {score.signature.name: score.signature for score in report.scores}
        for old in self.signatures:
            if old.name not in made:
                raise ValueError(f"signature of {old.name} is not reproduced: the poses have nothing to score by it.")
            _compare(old, made[old.name])


def read_signatures(given: Iterable[str]) -> OldReport:
    """Understand what was given with ``--signature``: signatures, or names of JSON reports that hold some.

    A ValueError if a text is none, names a metric or a setting that this version doesn't have, contradicts another, or
    was made by another version.
    """
    given = tuple(given)
    files = [text for text in given if "|" not in text]
    try:
        return _understood(given)
    except ValueError as error:
        if not files or any(Path(file).name in str(error) for file in files):
            raise
        raise ValueError(f"{', '.join(files)}: {str(error)[:_LONGEST]}") from error


def _understood(given: Iterable[str]) -> OldReport:
    signatures = tuple(signature for text in given for signature in _signatures(text))
    if not signatures:
        raise ValueError("signature must name at least one score, but names none.")
    for signature in signatures:
        if signature.version != __version__:
            raise ValueError(
                f"signature must be of version {__version__}, which is installed, but {signature.name} is of "
                f"{signature.version}: install signdiff-eval=={signature.version} to reproduce it."
            )
        _check_metric(signature)
    shared = {name: _agreed(signatures, name) for name in ("fps", "protocol", "n")}
    kinds = {isinstance(metric_of(signature), VideoMetric) for signature in signatures}
    if len(kinds) > 1:
        raise ValueError("signatures must all be of poses or all of videos, but are of both.")
    try:
        fps = float(shared["fps"])
    except ValueError:
        fps = math.nan
    if not 0 < fps <= MAX_FPS:
        raise ValueError(f"signature must tell the frame rate, but tells fps:{shared['fps']}.")
    protocol: Any = shared["protocol"]
    if protocol not in ("free", "gt-timing"):
        raise ValueError(f"signature must have the protocol free or gt-timing, but has {protocol!r}.")
    return OldReport(signatures, fps, protocol, kinds == {True})


def _signatures(text: str) -> list[Signature]:
    if "|" in text:
        return [Signature.parse(text)]
    path = Path(text)
    if not path.is_file():
        raise ValueError(f"signature must be a signature or a report's file, but is {text!r}.")
    content = read_json(path, what="a JSON report", max_bytes=MAX_BYTES)
    found = list(dict.fromkeys(_found(content)))
    if not found:
        raise ValueError(f"{path} must hold signatures, but holds none.")
    return [Signature.parse(one) for one in found]


def _found(content: object) -> list[str]:
    found: list[str] = []
    waiting = [content]  # a list of its own, for a file may nest deeper than Python calls
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if isinstance(part.get("signature"), str):
                found.append(part["signature"])
            waiting += reversed(part.values())
        elif isinstance(part, list):
            waiting += reversed(part)
    return found


def _check_metric(signature: Signature) -> None:
    wanted = dict(signature.settings)
    for setting, value in metric_of(signature).settings:
        if wanted.get(setting) != value:
            raise ValueError(
                f"signature of {signature.name} can't be reproduced: {setting} is {wanted.get(setting)} in it "
                f"and would be {value}."
            )


def _agreed(signatures: Sequence[Signature], name: str) -> str:
    values = {dict(signature.settings).get(name, "") for signature in signatures}
    if len(values) > 1 or "" in values:
        raise ValueError(f"signatures must all tell one {name}, but tell {', '.join(sorted(values)) or 'none'}.")
    return values.pop()


def _compare(old: Signature, new: Signature) -> None:
    before, now = dict(old.settings), dict(new.settings)
    for setting in [*before, *(name for name in now if name not in before)]:
        if before.get(setting) != now.get(setting):
            raise ValueError(
                f"signature of {old.name} is not reproduced: {setting} is {before.get(setting)} in it "
                f"and {now.get(setting)} here."
            )
    if str(old) != str(new):
        raise ValueError(f"signature must be reproduced exactly, but {old} became {new}.")
