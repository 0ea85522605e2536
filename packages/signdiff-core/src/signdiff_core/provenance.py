"""The mark of generated poses: it tells which files a system made, so that nothing is trained on them as if true.

A mark is a small JSON file with the key ``"generator"``: ``hello.pose.json`` beside ``hello.pose``, or
``generator.json`` in a folder for all that lies directly in it. Pose files themselves have no room for one.
signdiff-eval warns where references are marked, and refuses marked files as training data.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from signdiff_core.atomic import replacing

FOLDER_MARK: Final = "generator.json"
"""Name of the file that marks a folder."""


def mark_generated(path: str | os.PathLike[str], generator: str, **details: str) -> Path:
    """Mark a file, or all files of a folder, as a system's output.

    Call it before the poses are written: what is cut off in between must not be taken for ground truth.

    Args:
        path: the file, which need not exist yet, or the folder.
        generator: name of the system, such as ``signdiff-slp 0.1.0``.
        details: more to tell, such as ``protocol="free"``.

    Returns:
        The file that is the mark.

    Raises:
        OSError: it cannot be written.
        ValueError: ``generator`` is empty.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     mark_generated(Path(folder) / "hello.pose", "our system 1.0", protocol="free").name
        'hello.pose.json'
    """
    if not generator.strip():
        raise ValueError("generator must be the name of a system, but is empty.")
    mark = _mark_of(Path(path))
    with replacing(mark) as temporary:
        temporary.write_text(json.dumps({"generator": generator, **details}, indent=2) + "\n", encoding="utf-8")
    return mark


@contextmanager
def marking(path: str | os.PathLike[str], generator: str, **details: str) -> Iterator[None]:
    """Mark a file, as `mark_generated` does, while the block writes it; without the file its mark goes, too."""
    mark = mark_generated(path, generator, **details)
    try:
        yield
    finally:
        if not Path(path).exists():
            mark.unlink(missing_ok=True)


def read_mark(path: str | os.PathLike[str]) -> dict[str, Any] | None:
    """Read the mark, ``generator`` in it, of a file or folder: its own, or else that of the folder above; or None.

    Raises FormatError where there is a mark that cannot be read: what it marks must not be taken for unmarked.
    """
    from signdiff_core.formats.files import FormatError

    folder_mark = Path(path).parent / FOLDER_MARK
    found = _own(Path(path))
    if found is None and folder_mark.is_file() and (found := _content(folder_mark)) is None:
        raise FormatError(folder_mark, "expected the key 'generator', but it is not there.")
    return found


@contextmanager
def carrying(source: str | os.PathLike[str], target: str | os.PathLike[str], *, folder: bool = False) -> Iterator[None]:
    """Give the file or folder that the block makes of a pose the pose's mark, or none if it has none.

    A mark of what was there before goes. Raises OSError where the mark cannot be written, FormatError where that of
    ``source`` cannot be read.
    """
    carried, made = read_mark(source), Path(target)
    if carried is None:
        yield
        if _own(made) is not None:
            _mark_of(made).unlink()
    elif not folder:
        with marking(made, **carried):
            yield
    else:  # which can only hold its mark once it is there
        yield
        try:
            mark_generated(made, **carried)
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise


def _own(path: Path) -> dict[str, Any] | None:
    mark = _mark_of(path)
    return _content(mark) if mark.is_file() else None


def _content(mark: Path) -> dict[str, Any] | None:
    """Read a file that may be a mark; None if it is about something else."""
    from signdiff_core.formats.files import load_json

    content = load_json(mark)
    return content if isinstance(content, dict) and content.get("generator") else None


def _mark_of(path: Path) -> Path:
    return path / FOLDER_MARK if path.is_dir() else path.with_name(f"{path.name}.json")
