"""Files and folders that appear whole or not at all."""

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

with suppress(ImportError):  # a system without such locks
    import fcntl


_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Lend a temporary name beside a file, whose place it takes if the block succeeds; an older one stays till then."""
    if path.is_dir():
        raise IsADirectoryError(f"{path} must be the name of a file, but is a folder.")
    with _temporary(path) as temporary:
        try:
            yield temporary
            _sync(temporary)
            temporary.replace(path)
        except OSError as error:
            if error.filename in (None, str(temporary)) and error.errno in _FULL:
                error.filename = str(path)  # the system names no file, or ours, which the user does not know
            raise
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def _temporary(path: Path) -> Iterator[Path]:
    """Name a temporary file that is locked while it is written: what a killed process left is taken over."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        file = os.open(temporary, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except (OSError, NameError):  # another process writes it, or files cannot be locked
                temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
            yield temporary
        finally:
            os.close(file)
    except BaseException as stop:
        if not isinstance(stop, Exception):
            _discard(temporary)
        raise


def _discard(temporary: Path) -> None:
    """Remove a file that nobody writes: a signal may come just after the system has made it."""
    with suppress(OSError, NameError), temporary.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        temporary.unlink()


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Lend a temporary folder beside ``path``, which takes its place when the block succeeds, and else is removed.

    An older folder stays whole until then; folders above are made. One process at a time makes a folder in this way.
    """
    new, old = _beside(path)
    restore_folder(path)
    shutil.rmtree(new, ignore_errors=True)
    try:
        new.mkdir(parents=True)
        yield new
        _sync(new)
        if path.exists():
            path.rename(old)
        new.rename(path)
    finally:
        shutil.rmtree(new, ignore_errors=True)
        restore_folder(path)


def restore_folder(path: Path) -> None:
    """Bring in order what a process left that was killed within `replacing_folder`, between the two renames."""
    old = _beside(path)[1]
    if old.exists() and not path.exists():
        old.rename(path)
    shutil.rmtree(old, ignore_errors=True)


def _beside(path: Path) -> tuple[Path, Path]:
    """Name the temporary folder, and the older folder for the moment in which it has no name of its own."""
    return path.with_name(f".{path.name}.tmp"), path.with_name(f".{path.name}.kept.tmp")


def _sync(path: Path) -> None:
    """Have the system write a file, or all files of a folder, to the disk, and wait for it."""
    for inner in path.iterdir() if path.is_dir() else ():
        _sync(inner)
    try:
        file = os.open(path, os.O_RDONLY)
    except (PermissionError, IsADirectoryError):
        return  # a system that does not open folders
    try:
        os.fsync(file)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):  # nothing to wait for, as of a pipe
            raise
    finally:
        os.close(file)
