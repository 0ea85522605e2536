"""What a run says and keeps of itself: lines on stderr, and a file with a line for each step."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from accelerate.logging import MultiProcessAdapter

from signdiff_core.training.kit.arguments import LOGGER


class _MainProcessLog(MultiProcessAdapter):  # type: ignore[misc]
    """accelerate's logger, without the number of the process, for one speaks for all."""

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        kwargs.setdefault("stacklevel", 2)
        return msg, kwargs


LOG = _MainProcessLog(logging.getLogger(LOGGER), {})
"""Logger of all training scripts; the main process speaks for all. `arguments.run` shows its lines on stderr."""


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Say that something long begins, and how long it took."""
    LOG.info("%s ...", what)
    start = time.monotonic()
    yield
    LOG.info("%s: done in %.0f s", what, time.monotonic() - start)


class LossLog:
    """A file of JSON lines, one for each step, and none twice where a run was resumed: checkpoints hold its length.

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
        if self.is_writer:
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
        length = state["bytes"]
        if type(length) is not int or length < 0:
            raise ValueError(f"bytes must be an integer of at least 0, but is {length!r}.")
        if self.is_writer and self.path.exists() and self.path.stat().st_size > length:
            os.truncate(self.path, length)
