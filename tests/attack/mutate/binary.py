"""Damage to bytes of any kind."""

from __future__ import annotations

import struct
from random import Random

INTEGERS = (0, 1, -1, 127, 128, 255, 256, 32767, 32768, 65535, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**63, 2**64 - 1)
"""Counts and lengths as they are at the edges of their types."""

FLOATS = (1e30, -1e30, 3e38, 1e7, float("inf"), float("-inf"), float("nan"), 0.0, -1.0, 1e-40)
"""Numbers that no coordinate is."""


def flip_bits(random: Random, content: bytes) -> bytes:
    """Flip one to eight bits."""
    damaged = bytearray(content)
    for _ in range(random.randint(1, 8) if damaged else 0):
        damaged[random.randrange(len(damaged))] ^= 1 << random.randrange(8)
    return bytes(damaged)


def set_bytes(random: Random, content: bytes) -> bytes:
    """Set a few bytes that stand together."""
    start = place(random, content)
    count = random.randint(1, 16)
    new = random.choice((b"\0" * count, b"\xff" * count, b"\x7f" * count, random.randbytes(count)))
    return content[:start] + new[: len(content) - start] + content[start + count :]


def set_integer(random: Random, content: bytes) -> bytes:
    """Set an integer of 2, 4 or 8 bytes to an extreme."""
    kind = random.choice(("<H", ">H", "<I", ">I", "<Q", ">Q"))
    size = struct.calcsize(kind)
    start = place(random, content)
    return content[:start] + struct.pack(kind, random.choice(INTEGERS) % 256**size) + content[start + size :]


def set_floats(random: Random, content: bytes) -> bytes:
    """Set one or a few numbers of 4 or 8 bytes, in line with the end of the content, to what no coordinate is."""
    kind, size = random.choice((("<f", 4), ("<d", 8)))
    damaged = bytearray(content)
    for _ in range(random.choice((1, 1, 5, 50)) if len(content) >= 2 * size else 0):
        start = len(content) - size * random.randint(1, len(content) // size)
        struct.pack_into(kind, damaged, start, random.choice(FLOATS))
    return bytes(damaged)


def cut_short(random: Random, content: bytes) -> bytes:
    """Cut the end off."""
    return content[: random.choice((0, 1, 10, len(content) - 1, place(random, content)))]


def cut_out(random: Random, content: bytes) -> bytes:
    """Take a piece out."""
    start = place(random, content)
    return content[:start] + content[start + random.choice((1, 2, 4, 8, 100, 1000)) :]


def splice(random: Random, content: bytes) -> bytes:
    """Put a piece where another is."""
    source, target = place(random, content), place(random, content)
    piece = content[source : source + random.choice((4, 16, 100, 1000))]
    return content[:target] + piece + content[target + random.choice((0, len(piece))) :]


def repeat(random: Random, content: bytes) -> bytes:
    """Repeat a piece."""
    start = place(random, content)
    piece = content[start : start + random.choice((1, 8, 64, 1000))]
    return content[:start] + piece * random.choice((2, 10, 1000)) + content[start:]


def append(random: Random, content: bytes) -> bytes:
    """Put something after the end."""
    return content + random.choice((b"\0", b"\0" * 5000, random.randbytes(100), content))


def place(random: Random, content: bytes) -> int:
    """Choose a place, half of the time among the first bytes, where headers are."""
    most = len(content) if random.random() < 0.5 else min(len(content), 200)
    return random.randrange(most) if most else 0


ALL = (flip_bits, set_bytes, set_integer, set_floats, cut_short, cut_out, splice, repeat, append)
