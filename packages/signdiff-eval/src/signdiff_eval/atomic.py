"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import secrets
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Lend a temporary name beside a file, which takes its place when the block succeeds.

    Args:
        path: the file that is wanted. An older one stays until the new one is whole.

    Yields:
        The name to write to.

    Raises:
        OSError: the file can't be put there.
    """
    if path.is_dir():
        raise IsADirectoryError(f"{path} must be the name of a file, but is a folder.")
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def replace_folder(folder: Path, files: dict[str, bytes]) -> None:
    """Write a folder of files under a temporary name, and put it in the place of an older one.

    Args:
        folder: what is there already is removed.
        files: name to content.
    """
    mark = secrets.token_hex(4)
    temporary, old = (folder.with_name(f".{folder.name}.{mark}.{end}") for end in ("tmp", "old"))
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary.mkdir()
    try:
        for name, data in files.items():
            (temporary / name).write_bytes(data)
        if folder.exists():
            folder.rename(old)
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
