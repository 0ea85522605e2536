"""Damage to NumPy's arrays: to what their header says, and to their numbers."""

from __future__ import annotations

import io
import re
from random import Random

import numpy as np

from attack.mutate import binary

_SHAPES = (
    "()",
    "(0,)",
    "(1,)",
    "(1000000000,)",
    "(1000, 151)",
    "(-1,)",
    "(2, 0, 3)",
    "(9999999999, 9999999999)",
    "'x'",
)
_TYPES = ("<f8", "<f4", "<f2", ">f4", "<i8", "|u1", "|b1", "|O", "<U10", "<c8", "|V4", "<M8[s]", "zz", "[('a', '<f4')]")


def other_shape(random: Random, content: bytes) -> bytes:
    """Have another shape."""
    return _header(random, content, rb"'shape': \([^)]*\)", f"'shape': {random.choice(_SHAPES)}")


def other_type(random: Random, content: bytes) -> bytes:
    """Have numbers of another type, or no numbers."""
    return _header(random, content, rb"'descr': '[^']*'", f"'descr': '{random.choice(_TYPES)}'")


def other_order(random: Random, content: bytes) -> bytes:
    """Have columns for rows."""
    return _header(random, content, rb"'fortran_order': \w+", f"'fortran_order': {random.choice(('True', '1', '[]'))}")


def other_numbers(random: Random, content: bytes) -> bytes:
    """Have numbers among the others that no coordinate is."""
    try:
        array = np.load(io.BytesIO(content), allow_pickle=False).copy()
    except Exception:  # it is damaged already, in one of many ways
        return binary.set_floats(random, content)
    flat = array.reshape(-1)
    with np.errstate(all="ignore"):
        for _ in range(random.choice((1, 1, 5)) if flat.size else 0):
            flat[random.randrange(flat.size)] = np.asarray(random.choice(binary.FLOATS)).astype(flat.dtype)
    written = io.BytesIO()
    np.save(written, array)
    return written.getvalue()


def _header(random: Random, content: bytes, pattern: bytes, new: str) -> bytes:
    """Change the header; sometimes its length is not brought up to date."""
    found = re.search(pattern, content[:200])
    if found is None or content[:6] != b"\x93NUMPY":
        return binary.set_integer(random, content)
    end = 10 + int.from_bytes(content[8:10], "little")
    header = content[10 : found.start()] + new.encode() + content[found.end() : end].rstrip() + b" \n"
    length = random.choice((len(header), len(header), len(header), 65535))
    return content[:8] + length.to_bytes(2, "little") + header + content[end:]


ALL = (other_shape, other_type, other_order, other_numbers, other_numbers, binary.cut_short, binary.set_bytes)
