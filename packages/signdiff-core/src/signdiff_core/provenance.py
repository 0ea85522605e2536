"""The mark of generated poses: it tells which files a system made, so that nothing is trained on them as if true.

A mark is a small JSON file with the key ``"generator"``: ``hello.pose.json`` beside ``hello.pose``, or
``generator.json`` in a folder for all that lies directly in it. Pose files themselves have no room for one.
signdiff-eval refuses marked files as references and as training data.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from signdiff_core.atomic import replacing

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

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
    marked = Path(path)
    mark = marked / FOLDER_MARK if marked.is_dir() else marked.with_name(f"{marked.name}.json")
    with replacing(mark) as temporary:
        temporary.write_text(json.dumps({"generator": generator, **details}, indent=2) + "\n", encoding="utf-8")
    return mark


@contextmanager
def marking(path: str | os.PathLike[str], generator: str, **details: str) -> Iterator[None]:
    """Mark a file while it is written; if it does not come to be, its mark goes, too.

    Args:
        path: the file that the block writes.
        generator: as for `mark_generated`.
        details: as for `mark_generated`.

    Raises:
        OSError: the mark cannot be written.
    """
    mark = mark_generated(path, generator, **details)
    try:
        yield
    finally:
        if not Path(path).exists():
            mark.unlink(missing_ok=True)
