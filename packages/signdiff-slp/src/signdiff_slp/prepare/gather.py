"""Bring clips and their texts together: the tasks of a preparation, and what is dropped before it begins."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from signdiff_slp.prepare.checks.check import check
from signdiff_slp.prepare.checks.findings import Finding
from signdiff_slp.prepare.checks.table import is_how2sign, read_table
from signdiff_slp.prepare.plan import Task
from signdiff_slp.prepare.sources.find import Kind, Source, find_clips


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
            ModuleNotFoundError: the clips need a package that is not there.
            ValueError: ``texts`` is of no such kind or broken, or there is no clip.
        """
        sources = {source.name: source for source in find_clips(clips, kind)}
        seconds: dict[str, float | None] = {}
        if is_how2sign(texts):
            _check_packages(sources[line.name] for line in read_table(texts) if line.name in sources)
            findings = check([texts], [clips], fps=fps, tolerance=tolerance)
            self.findings += findings.found
            self.dropped += [(finding.clip, f"{finding.kind}: {finding.detail}") for finding in findings.dropped]
            named = {sentence.name: sentence.text for sentence in findings.kept}
            seconds = {sentence.name: sentence.seconds for sentence in findings.kept}
        else:
            named = read_texts(texts)
            _check_packages(sources[name] for name in named if name in sources)
            self.dropped += [(name, "text without clip") for name in named if name not in sources]
            self.dropped += [(name, "clip without text") for name in sources if name not in named]
        for name, text in named.items():
            if name in sources:
                source = sources[name]
                self.tasks.append(Task(name=name, split=split, text=text, source=source, seconds=seconds.get(name)))


def _check_packages(sources: Iterable[Source]) -> None:
    """Make sure that what finds people in videos is there before hours are spent on other clips.

    Raises:
        ModuleNotFoundError: some clips are videos, and MediaPipe is not installed.
    """
    videos = [source.path for source in sources if source.kind == "video"]
    if not videos:
        return
    try:
        importlib.import_module("mediapipe.python.solutions.holistic")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"finding people in {len(videos):,} videos, such as {videos[0]}, needs MediaPipe: "
            'pip install "signdiff-eval[hands]", or give keypoints.'
        ) from error


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
    named: dict[str, str] = {}
    for sentence in read_table(path):
        if sentence.name in named:
            raise ValueError(f"{path} must name a clip once, but names {sentence.name} again.")
        named[sentence.name] = sentence.text
    return named
