"""Bring clips and their texts together: the tasks of a preparation, and what is dropped before it begins."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from signdiff_slp.prepare.checks import check
from signdiff_slp.prepare.plan import Task
from signdiff_slp.prepare.sources import find_clips

if TYPE_CHECKING:
    from pathlib import Path

    from signdiff_slp.prepare.checks import Finding
    from signdiff_slp.prepare.sources import Kind


@dataclass(kw_only=True)
class Gathered:
    """The clips of a corpus.

    Attributes:
        tasks: those to prepare.
        dropped: names of those that are not, and why.
        findings: all that the check of How2Sign's tables found.
    """

    tasks: list[Task] = field(default_factory=list)
    dropped: list[tuple[str, str]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def add(
        self,
        split: str,
        clips: Path,
        texts: Path,
        *,
        kind: Kind | None = None,
        fps: float | None = None,
        tolerance: float = 0.5,
    ) -> None:
        """Add clips to a split, by name.

        Args:
            split: train, dev or test.
            clips: a folder or file; see `find_clips`.
            texts: a table of How2Sign, which is checked against the clips; a table divided by commas whose header
                names ``id`` and ``text``; a table divided by tabs, without a header, of names and texts; or a file
                ``.text`` with a ``.files`` of names beside it.
            kind: only clips of this kind.
            fps: frames per second of clips that do not tell.
            tolerance: seconds by which a clip may be shorter than How2Sign's table says.

        Raises:
            FileNotFoundError: something is missing.
            ValueError: ``texts`` is of no such kind or broken, or there is no clip.
        """
        sources = {source.name: source for source in find_clips(clips, kind)}
        if _is_how2sign(texts):
            findings = check([texts], [clips], fps=fps, tolerance=tolerance)
            self.findings += findings.found
            self.dropped += [(finding.clip, f"{finding.kind}: {finding.detail}") for finding in findings.dropped]
            named = {sentence.name: sentence.text for sentence in findings.kept}
        else:
            named = read_texts(texts)
            self.dropped += [(name, "text without clip") for name in named if name not in sources]
            self.dropped += [(name, "clip without text") for name in sources if name not in named]
        for name, text in named.items():
            if name in sources:
                self.tasks.append(Task(name=name, split=split, text=text, source=sources[name]))


def read_texts(path: Path) -> dict[str, str]:
    """Read the texts of clips.

    Args:
        path: as of `Gathered.add`, but for tables of How2Sign.

    Returns:
        Texts by name.

    Raises:
        FileNotFoundError: there is no file, or no ``.files`` beside a ``.text``.
        ValueError: it is none of these kinds, or a name comes twice.
    """
    with path.open(encoding="utf-8-sig", newline="") as lines:
        if path.suffix == ".text":
            names = path.with_suffix(".files").read_text(encoding="utf-8").splitlines()
            texts = lines.read().splitlines()
            if len(names) != len(texts):
                raise ValueError(f"{path} must have as many lines as its .files, {len(names)}, but has {len(texts)}.")
            rows = list(zip(names, texts, strict=True))
        elif {"id", "text"} <= set(next(csv.reader(lines), [])):
            lines.seek(0)
            rows = [(row["id"], row["text"]) for row in csv.DictReader(lines)]
        else:
            lines.seek(0)
            rows = []
            for number, line in enumerate(lines, start=1):
                columns = line.rstrip("\r\n").split("\t")
                if len(columns) != 2:
                    raise ValueError(f"{path}:{number} must hold a name and a text, divided by a tab.")
                rows.append((columns[0], columns[1]))
    named: dict[str, str] = {}
    for name, text in rows:
        if name in named:
            raise ValueError(f"{path} must name a clip once, but names {name} again.")
        named[name] = text
    return named


def _is_how2sign(path: Path) -> bool:
    with path.open(encoding="utf-8-sig", errors="replace") as lines:
        return "SENTENCE_NAME" in lines.readline(1 << 16).split("\t")
