"""Pipelines that share networks take turns: a batch has its networks, its scheduler and its pipeline for itself."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from typing import Any, Final
from weakref import WeakKeyDictionary

from diffusers import DiffusionPipeline


class _Turn:
    """Who uses a part of a pipeline at the moment."""

    def __init__(self, number: int) -> None:
        self.number, self.owner = number, 0
        self._lock = threading.Lock()

    @contextmanager
    def taken(self) -> Iterator[None]:
        with self._lock:
            self.owner = threading.get_ident()
            try:
                yield
            finally:
                self.owner = 0


_TURNS: Final[WeakKeyDictionary[Any, _Turn]] = WeakKeyDictionary()
_NUMBERS: Final = count()
_GUARD: Final = threading.Lock()


@contextmanager
def alone_with(pipeline: DiffusionPipeline) -> Iterator[None]:
    """Wait until no other thread uses a part of a pipeline, and keep others waiting inside the block.

    What a batch changes on networks, scheduler and pipeline is then seen by nobody else, and undone before the next.
    Raises RuntimeError where this thread is inside such a block already: a callback calls a pipeline on the networks of
    the call that it belongs to, which would move the scheduler of that call.
    """
    turns = _turns_of(pipeline)
    if any(turn.owner == threading.get_ident() for turn in turns):
        raise RuntimeError(
            "a callback must not call a pipeline on the networks of the call that it belongs to; call it between "
            "frames of a stream, or after the call."
        )
    with ExitStack() as stack:
        for turn in turns:
            stack.enter_context(turn.taken())
        yield


def _turns_of(pipeline: DiffusionPipeline) -> list[_Turn]:
    """Give the turns of all parts, in one order everywhere, so that no two threads wait for each other."""
    parts = [part for part in pipeline.components.values() if part is not None]
    parts += [net for part in parts for net in getattr(part, "nets", ())]
    plain = [pipeline, *(getattr(part, "_orig_mod", part) for part in parts)]
    with _GUARD:
        turns = {_TURNS[part] if part in _TURNS else _TURNS.setdefault(part, _Turn(next(_NUMBERS))) for part in plain}
    return sorted(turns, key=lambda turn: turn.number)
