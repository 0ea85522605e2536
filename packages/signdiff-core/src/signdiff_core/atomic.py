"""Files that appear whole or not at all: written under a temporary name beside the target, then renamed.

A temporary is locked while somebody writes it. What a killed process left is not, and the next one that makes the same
file takes it over: nothing stays for ever, and nobody's work is taken away.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

with suppress(ImportError):  # a system without such locks
    import fcntl

_LOCKS: Final = "fcntl" in globals()

_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def check_writable(path: str | os.PathLike[str]) -> None:
    """Make sure that a file can be written, before work is spent on its content.

    Raises OSError where its folder does not exist or refuses new files, or the path is a folder.
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

    What was written is on the disk before it gets its name: after a power cut, the name holds the old content or the
    new one.

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
    with _temporary(target, folder=folder) as temporary:
        try:
            yield temporary
            flush_to_disk(temporary)
            if folder and target.exists():
                target.rmdir()
            temporary.replace(target)
            _sync(target.parent)
        except OSError as error:
            full = error.filename is None and error.errno in _FULL  # of what the block wrote: the system names no file
            if full or error.filename == str(temporary) or isinstance(error.filename, int):
                error.filename = str(target)  # the name that the user knows, for ours or a descriptor's number
            raise
        finally:
            if folder:
                shutil.rmtree(temporary, ignore_errors=True)
            else:
                temporary.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary folder beside ``path``, which takes its place when the block ends well.

    Unlike with `replacing`, an older folder may be there: it stays whole until the new one is, or if the block raises.
    Folders above it are made. One process at a time makes a folder in this way.
    """
    target = Path(path)
    new, old = _beside(target)
    restore_folder(target)
    shutil.rmtree(new, ignore_errors=True)
    try:
        new.mkdir(parents=True)
        yield new
        flush_to_disk(new)
        if target.exists():
            target.rename(old)
        new.rename(target)
        _sync(target.parent)
    finally:
        shutil.rmtree(new, ignore_errors=True)
        restore_folder(target)


def restore_folder(path: str | os.PathLike[str]) -> None:
    """Bring in order what a process left that was killed as `replacing_folder` put a folder into place."""
    target = Path(path)
    old = _beside(target)[1]
    if old.exists() and not target.exists():
        old.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def move_folder(source: Path, target: Path) -> None:
    """Give a finished folder, whose files are on the disk, its name; an empty folder may have it."""
    if target.exists():
        target.rmdir()
    source.rename(target)
    _sync(target.parent)


def remove_folder(folder: Path) -> None:
    """Remove a folder so that no part of it is ever seen under its name."""
    if folder.exists():
        doomed = folder.with_name(f".{folder.name}.old.tmp")
        if doomed.exists():
            shutil.rmtree(doomed)
        folder.rename(doomed)
        shutil.rmtree(doomed)


def _beside(target: Path) -> tuple[Path, Path]:
    """Name the temporary folder, and the older folder for the moment in which it has no name of its own."""
    return target.with_name(f".{target.name}.tmp"), target.with_name(f".{target.name}.kept.tmp")


def flush_to_disk(path: Path) -> None:
    """Have the system write a file, or all files of a folder, to the disk, and wait for it."""
    if path.is_dir():
        # Many at a time, which file systems bring to the disk together: ten times as fast as one by one.
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(_sync, path.rglob("*")))
    _sync(path)


def _sync(path: Path) -> None:
    try:
        file = os.open(path, os.O_RDONLY)
    except (PermissionError, IsADirectoryError):
        return  # a system that does not open folders
    try:
        os.fsync(file)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):  # nothing to wait for, as of a pipe
            error.filename = str(path)
            raise
    finally:
        os.close(file)


@contextmanager
def _temporary(target: Path, *, folder: bool) -> Iterator[Path]:
    """Make an empty file or folder beside ``target``, or take one over that nobody writes any more."""
    path = target.with_name(f".{target.name}.tmp")
    try:
        file = _take(path, folder=folder)
        if file is None:
            path = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
            if folder:
                path.mkdir()
            yield path
            return
        try:
            yield path
        finally:
            os.close(file)
    except BaseException as stop:
        if not isinstance(stop, Exception):
            _discard(path, folder=folder)
        raise


def _discard(path: Path, *, folder: bool) -> None:
    """Remove a temporary that nobody writes: a signal may come just after the system has made it."""
    if not path.exists():
        return
    file = _take(path, folder=folder)
    if file is not None:
        path.rmdir() if folder else path.unlink()  # what is taken is empty
        os.close(file)


def _take(path: Path, *, folder: bool) -> int | None:
    """Make, lock and empty a temporary; None if another process writes it, or files cannot be locked."""
    while _LOCKS:
        if folder:
            with suppress(FileExistsError):
                path.mkdir()
        try:
            file = os.open(path, os.O_RDONLY if folder else os.O_RDWR | os.O_CREAT, 0o666)
        except FileNotFoundError:
            if not folder:
                raise
            continue  # who had it has just finished
        except OSError:
            return None
        is_ours = False
        try:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return None
            if _is_at(file, path):
                _empty(file, path, folder=folder)
                is_ours = True
                return file
        finally:
            if not is_ours:
                os.close(file)  # who had it has just finished; or a signal came, and nothing may stay locked
    return None


def _empty(file: int, path: Path, *, folder: bool) -> None:
    if not folder:
        os.ftruncate(file, 0)
        return
    for inner in path.iterdir():
        shutil.rmtree(inner) if inner.is_dir() and not inner.is_symlink() else inner.unlink()


def _is_at(file: int, path: Path) -> bool:
    """Tell whether an open file still has its name: another process may have renamed or removed it."""
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False
