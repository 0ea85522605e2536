"""Damage to files that check themselves, with the checksums brought up to date."""

from __future__ import annotations

import struct
import zlib
from random import Random

from attack.mutate import binary

_CHUNK = struct.Struct(">I4s")


def in_a_chunk(random: Random, content: bytes) -> bytes:
    """Damage what a chunk of a PNG holds."""
    return _rewritten(content, random.randrange(1 << 16), lambda data: random.choice(binary.ALL)(random, data))


def other_size(random: Random, content: bytes) -> bytes:
    """Have a PNG of another size, depth or kind of colour."""

    def change(data: bytes) -> bytes:
        sides = struct.pack(">II", *random.choices((0, 1, 7, 65535, 200_000, 2**31 - 1), k=2))
        return random.choice((sides + data[8:], data[:8] + random.randbytes(2) + data[10:]))

    return _rewritten(content, 0, change)


def _rewritten(content: bytes, which: int, change: object) -> bytes:
    chunks, place = [], 8
    while place + 8 <= len(content):
        length, kind = _CHUNK.unpack_from(content, place)
        chunks.append((kind, content[place + 8 : place + 8 + length]))
        place += 12 + length
    if not chunks:
        return content
    kind, data = chunks[which % len(chunks)]
    chunks[which % len(chunks)] = (kind, change(data))  # type: ignore[operator]
    return content[:8] + b"".join(
        _CHUNK.pack(len(data), kind) + data + zlib.crc32(kind + data).to_bytes(4, "big") for kind, data in chunks
    )


PNG = (in_a_chunk, in_a_chunk, in_a_chunk, other_size)
