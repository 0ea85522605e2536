"""Whether a reader did right by an input."""

from __future__ import annotations

import traceback
from pkgutil import resolve_name
from typing import TYPE_CHECKING

from attack.case import Garbage

if TYPE_CHECKING:
    from pathlib import Path

    from attack.case import Case, Tree

VERDICTS = ("read", "refused", "escape", "garbage", "death", "memory", "time")
"""All but the first two are findings."""


def judge(case: Case, tree: Tree, folder: Path) -> tuple[str, str]:
    """Have an input read.

    Args:
        case: how.
        tree: the input.
        folder: where its files lie.

    Returns:
        The verdict, and for findings why.
    """
    try:
        case.read(folder)
    except Garbage as garbage:
        return "garbage", str(garbage)
    except (KeyboardInterrupt, SystemExit) as error:
        return "escape", f"{type(error).__name__}: {error}"
    except BaseException as error:  # that of pyo3's panics is no Exception
        if _out_of_memory(error):
            return "memory", _trace(error)
        if not isinstance(error, tuple(resolve_name(kind) if isinstance(kind, str) else kind for kind in case.refuses)):
            return "escape", _trace(error)
        wrong = _wrong_with(str(error), tree, folder)
        return ("escape", f"{wrong}\n{_trace(error)}") if wrong else ("refused", "")
    strangers = {path.name for path in folder.parent.iterdir()} - {folder.name, "out"}
    return ("escape", f"wrote outside of its folder: {sorted(strangers)}") if strangers else ("read", "")


def _wrong_with(message: str, tree: Tree, folder: Path) -> str:
    if "\n" in message or "\r" in message:
        return "message of several lines"
    names = [str(folder), *(part for name in tree for part in (name, name.rpartition("/")[2]))]
    return "" if any(name in message for name in names) else "message without the file's name"


def _out_of_memory(error: BaseException | None) -> bool:
    seen: list[BaseException] = []
    while error is not None and error not in seen:
        # FFmpeg's is of a bound of its own, before anything is taken.
        if isinstance(error, MemoryError) and not type(error).__module__.startswith("av."):
            return True
        seen.append(error)
        error = error.__cause__ or error.__context__
    return False


def _trace(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))[-6000:]
