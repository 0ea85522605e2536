"""SentencePiece models as data: the map that normalises text is checked before the library follows it.

The library reads the map as a double array (a trie in which every node points to its children) and follows its
pointers without a look at its end, so that a damaged one ends the process.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

MAX_MAP: Final = 1 << 22
"""Largest map that is read, in bytes; those that SentencePiece brings have a quarter of a megabyte."""

_SPECS: Final = (3, 5)
"""Fields of a model that hold a map: of the normaliser, and of its reverse."""

_MAP: Final = 2
_LABEL: Final = np.uint32(0x800000FF)
_CHUNK: Final = 1 << 12


def check_piece_model(path: Path) -> None:
    """Make sure that the maps in a SentencePiece model lead nowhere outside themselves.

    Args:
        path: the model; of bounded size.

    Raises:
        ValueError: a map does, or the file is none of protocol buffers.
    """
    try:
        for number, spec in _fields(memoryview(path.read_bytes())):
            if number in _SPECS:
                for inner, charsmap in _fields(spec):
                    if inner == _MAP and len(charsmap):
                        _check_map(charsmap)
    except ValueError as ex:
        raise ValueError(f"{path} must be a SentencePiece model, but {ex}.") from ex


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Give the fields that hold bytes, with their numbers."""
    place = 0
    while place < len(message):
        tag, place = _integer(message, place)
        kind = tag & 7
        if kind == 0:
            _, place = _integer(message, place)
            continue
        if kind == 2:
            size, place = _integer(message, place)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise ValueError(f"holds a field of the unknown type {kind}")
        if size > len(message) - place:
            raise ValueError("is cut off")
        if kind == 2:
            yield tag >> 3, message[place : place + size]
        place += size


def _integer(message: memoryview, place: int) -> tuple[int, int]:
    value = 0
    for position, byte in enumerate(message[place : place + 10]):
        value |= (byte & 127) << 7 * position
        if byte < 128:
            return value, place + position + 1
    raise ValueError("holds an integer without an end")


def _check_map(charsmap: memoryview) -> None:
    size = int.from_bytes(charsmap[:4], "little")
    if len(charsmap) > MAX_MAP or size % 4 or not 1024 <= size < len(charsmap) - 4:
        raise ValueError(f"holds a map of {len(charsmap)} bytes for normalising, {size} of them a trie")
    units = np.frombuffer(charsmap, dtype="<u4", count=size // 4, offset=4)
    texts = charsmap[4 + size :]
    if texts[-1] != 0:
        raise ValueError("holds a map for normalising whose texts have no end")
    _check_trie(units, len(texts))


def _check_trie(units: NDArray[np.uint32], length: int) -> None:
    """Follow every pointer of a double array, as a search would, level by level."""
    labels = np.arange(256, dtype=np.uint32)
    seen = np.zeros(len(units) + 256, dtype=bool)
    level = _offsets(units[:1])
    while len(level):
        level = np.unique(level)
        if int(level[-1]) | 255 >= len(units):
            raise ValueError("holds a map for normalising that points outside itself")
        level = level[~seen[level]]
        seen[level] = True
        found = []
        for start in range(0, len(level), _CHUNK):
            children = level[start : start + _CHUNK, None] ^ labels
            taken = children[(units[children] & _LABEL) == labels]
            below = taken ^ _offsets(units[taken])
            leaves = below[(units[taken] >> 8 & 1) == 1]
            if len(leaves) and int(leaves.max()) >= len(units):
                raise ValueError("holds a map for normalising that points outside itself")
            if len(leaves) and int((units[leaves] & 0x7FFFFFFF).max()) >= length:
                raise ValueError("holds a map for normalising that points outside its texts")
            found.append(below)
        level = np.concatenate(found) if found else level[:0]


def _offsets(units: NDArray[np.uint32]) -> NDArray[np.uint32]:
    offsets: NDArray[np.uint32] = ((units >> 10) << ((units & np.uint32(1 << 9)) >> 6)).astype(np.uint32)
    return offsets
