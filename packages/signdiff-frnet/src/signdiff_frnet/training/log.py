"""The log of a run: a line for each step, and none twice where the run was gone on with."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Log:
    """A file of JSON lines, whose length is a part of every checkpoint.

    Args:
        path: the file.
        is_writer: whether this process writes it.
    """

    def __init__(self, path: Path, *, is_writer: bool) -> None:
        self.path, self.is_writer = path, is_writer

    def add(self, step: int, numbers: Mapping[str, float]) -> None:
        """Add a line.

        Raises:
            OSError: it cannot be written.
        """
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, **numbers}) + "\n")

    def state_dict(self) -> dict[str, int]:
        """Give the length of the file, which is on the disk when this returns."""
        if not self.path.exists():
            return {"bytes": 0}
        with self.path.open("rb") as file:
            os.fsync(file.fileno())
            return {"bytes": os.fstat(file.fileno()).st_size}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Take away what was added since: those steps come again."""
        if self.is_writer and self.path.exists() and self.path.stat().st_size > state["bytes"]:
            os.truncate(self.path, state["bytes"])
