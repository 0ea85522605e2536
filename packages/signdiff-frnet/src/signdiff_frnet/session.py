"""A folder of maps that is made in several runs: what is drawn already, of which file, and with which settings."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from signdiff_frnet.errors import OutputError
from signdiff_frnet.jobs import Job
from signdiff_frnet.writing import replacing

JOURNAL_NAME = ".signdiff-frnet.jsonl"
"""File of a folder of maps: the settings in its first line, then a line for each map that is whole."""

_LARGEST = 1 << 30


class Session:
    """What a folder holds that was drawn with the settings at hand.

    Args:
        folder: made if missing.
        settings: what decides the maps, as JSON values. Maps that were drawn with others do not count.

    Raises:
        OutputError: nothing can be written to the folder.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        self._folder, self._path = folder, folder / JOURNAL_NAME
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(error.errno, f"can't be written there: {error.strerror}", str(folder)) from None
        first = json.dumps({"settings": dict(settings)})
        lines = self._read()
        self._drawn = set(lines[1:]) if lines[:1] == [first] else set()
        if lines[:1] != [first]:
            with replacing(self._path) as temporary:
                temporary.write_text(first + "\n", encoding="utf-8")

    def is_drawn(self, job: Job) -> bool:
        """Tell whether a map is there, made of the file as it is now."""
        return job.target.is_file() and self._line(job) in self._drawn

    def note(self, job: Job) -> None:
        """Note that a map is drawn; call it when the map is in its place.

        Raises:
            OutputError: the note can't be written.
        """
        try:
            with self._path.open("ab", buffering=0) as file:
                file.write(self._line(job).encode() + b"\n")
                os.fsync(file.fileno())
        except OSError as error:
            raise OutputError(error.errno, f"can't be written: {error.strerror}", str(self._path)) from error

    def _line(self, job: Job) -> str:
        state = job.source.stat()
        target = job.target.relative_to(self._folder).as_posix()
        return json.dumps([target, job.source.name, state.st_size, state.st_mtime_ns])

    def _read(self) -> list[str]:
        """The whole lines; what a kill left of a last one is cut off."""
        if not self._path.is_file() or self._path.stat().st_size > _LARGEST:
            return []
        whole, end, torn = self._path.read_bytes().rpartition(b"\n")
        if torn:
            os.truncate(self._path, len(whole) + len(end))
        return whole.decode("utf-8", "replace").split("\n")
