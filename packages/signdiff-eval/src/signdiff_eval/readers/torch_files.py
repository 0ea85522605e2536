"""Files of ``torch.save``: no code in them runs, and no size in them is believed that the file's own refutes.

``weights_only`` keeps code from running, but torch takes the sizes of tensors from the file, and memory for them before
it looks for their values. So archives are mapped once the checksums of their members agree, which keeps all reading
within the file, and files of torch before 1.6 are searched for tensors that are larger than they are.
"""

import mmap
import pickle
import pickletools
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any, Final

MAX_PICKLE: Final = 2**26
"""Largest description of what a file holds, in bytes."""

_BROKEN: Final = (
    *(ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, MemoryError, NotImplementedError),
    *(OSError, RuntimeError, TypeError, ValueError, pickle.UnpicklingError, struct.error, zipfile.BadZipFile),
    zlib.error,
)
"""What torch and zipfile raise for broken files."""


def load_tensors(path: Path, *, what: str, max_bytes: int) -> Any:
    """Load a file of tensors and plain values; ``what`` says in messages what it must be.

    A ValueError names in one line a file that is damaged, holds something else, or is larger, packed or unpacked.
    """
    import torch

    check_size(path, max_bytes)
    try:
        archive = check_torch_file(path)
        return torch.load(path, map_location="cpu", weights_only=True, mmap=archive)
    except _BROKEN as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        printable = "".join(letter if letter.isprintable() else "?" for letter in first)
        raise ValueError(f"{path} must be {what}, but can't be read: {printable:.200}") from error


def check_size(path: Path, max_bytes: int) -> None:
    """Make sure that a file isn't too large, nor what it would be unpacked; a ValueError if so."""
    size = path.stat().st_size
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                size = max(size, sum(member.file_size for member in archive.infolist()))
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return  # torch won't read it either, and the reader tells why
    if size > max_bytes:
        raise ValueError(f"{path} must hold at most {max_bytes} bytes, but holds {size}.")


def check_torch_file(path: Path) -> bool:
    """Look over a file of ``torch.save`` before torch reads it.

    Args:
        path: the file.

    Returns:
        Whether it is an archive, which torch must then map (``mmap=True``); those of torch before 1.6 are none.

    Raises:
        ValueError, OSError, zipfile.BadZipFile and others: it is damaged, or says that it holds more than it does.
    """
    archive = zipfile.is_zipfile(path)
    with path.open("rb") as file:
        if not archive and file.read(2) == b"PK":
            raise ValueError("it is an archive that is cut off")
    check_archive(path) if archive else _check_storages(path)
    return archive


def check_archive(path: Path) -> None:
    """Make sure that an archive holds what it says, nothing compressed, every checksum agreeing; raises if not so."""
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & 1:
                raise ValueError(f"{member.filename} is compressed or encrypted")
            if member.filename.endswith(".pkl") and member.file_size > MAX_PICKLE:
                raise ValueError(f"{member.filename} has more than {MAX_PICKLE} bytes")
        if (broken := archive.testzip()) is not None:
            raise ValueError(f"{broken} is damaged")


def _check_storages(path: Path) -> None:
    """Look for a tensor larger than the file, in the five pickles with which files of torch before 1.6 begin."""
    size = path.stat().st_size
    # Mapped, for an ordinary file fetches memory for as many bytes as a text says that it has.
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        for _ in range(5):
            numbers: list[int] = []
            for opcode, argument, place in pickletools.genops(mapped):  # type: ignore[arg-type]
                if (place or 0) > MAX_PICKLE:
                    raise ValueError(f"its description has more than {MAX_PICKLE} bytes")
                if opcode.name == "MARK":
                    numbers.clear()
                elif isinstance(argument, int) and "PUT" not in opcode.name and "GET" not in opcode.name:
                    numbers.append(argument)
                elif opcode.name == "BINPERSID" and not all(0 <= number <= size for number in numbers):
                    raise ValueError(f"a tensor of {max(numbers)} values is larger than the file")
