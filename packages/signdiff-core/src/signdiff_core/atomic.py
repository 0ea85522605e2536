"""Files that appear whole or not at all: written under a temporary name beside the target, then renamed."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def check_writable(path: str | os.PathLike[str]) -> None:
    """Make sure that a file can be written, before work is spent on its content.

    Args:
        path: the file to write; it may exist.

    Raises:
        OSError: its folder does not exist or refuses new files, or the path is a folder.
    """
    target = Path(path)
    if target.is_dir():
        raise IsADirectoryError(f"cannot write {target}: expected the name of a file, but it is a folder.")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"cannot write {target}: the folder {target.parent} does not exist.")
    try:
        tempfile.TemporaryFile(dir=target.parent).close()
    except OSError as error:
        reason = error.strerror or str(error)
        raise PermissionError(f"cannot write {target}: the folder {target.parent} refuses files ({reason}).") from error


@contextmanager
def replacing(path: str | os.PathLike[str], *, folder: bool = False) -> Iterator[Path]:
    """Give a temporary path beside ``path``, which takes its place when the block ends well.

    Args:
        path: the file, or with ``folder`` the folder, to make.
        folder: make a folder; ``path`` must not exist, or be an empty folder.

    Yields:
        The path to write to. If the block raises, it is removed and ``path`` stays as it was.

    Raises:
        OSError: ``path`` cannot be written, or ``folder`` is set and the folder has content.

    Example:
        >>> with tempfile.TemporaryDirectory() as home:
        ...     with replacing(Path(home) / "a.txt") as temporary:
        ...         _ = temporary.write_text("whole")
        ...     (Path(home) / "a.txt").read_text()
        'whole'
    """
    target = Path(path)
    if folder:
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise FileExistsError(f"cannot write {target}: expected a new or an empty folder.")
        if not target.parent.is_dir():
            raise FileNotFoundError(f"cannot write {target}: the folder {target.parent} does not exist.")
    else:
        check_writable(target)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    if folder:
        temporary.mkdir()
    try:
        yield temporary
        if folder and target.exists():
            target.rmdir()
        temporary.replace(target)
    finally:
        if folder:
            shutil.rmtree(temporary, ignore_errors=True)
        else:
            temporary.unlink(missing_ok=True)
