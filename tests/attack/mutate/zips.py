"""Damage to ZIP archives, NumPy's and torch's among them: to what they say of their members, and to these."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from functools import cache
from random import Random

from attack.mutate import binary, names, numpy_files

_MEBIBYTE, _ZEROS = bytes(1 << 20), 300 << 20
_LOCAL, _CENTRAL = b"PK\x03\x04", b"PK\x01\x02"
# Where flags, method, checksum and both sizes stand after each signature.
_FIELDS = {
    "flags": ("<H", 6, 8),
    "method": ("<H", 8, 10),
    "crc": ("<I", 14, 16),
    "compressed": ("<I", 18, 20),
    "size": ("<I", 22, 24),
}


def encrypted(random: Random, content: bytes) -> bytes:
    """Say that members are encrypted."""
    return _set(random, content, "flags", (1, 0x41, 0x2001))


def other_method(random: Random, content: bytes) -> bytes:
    """Say that members are compressed in another way."""
    return _set(random, content, "method", (8, 0, 1, 9, 12, 14, 93, 99, 65535))


def other_sizes(random: Random, content: bytes) -> bytes:
    """Say that members are larger or smaller, up to 4 GiB."""
    return _set(
        random, content, random.choice(("size", "compressed")), (0, 1, 1000, 2**28, 2**31, 2**32 - 2, 2**32 - 1)
    )


def other_checksum(random: Random, content: bytes) -> bytes:
    """Have another checksum."""
    return _set(random, content, "crc", (0, 1, 2**32 - 1))


def damaged_stream(random: Random, content: bytes) -> bytes:
    """Damage what a member holds, and nothing around it."""
    found = _members(content)
    if not found:
        return binary.flip_bits(random, content)
    info = random.choice(list(found))
    start = info.header_offset + 30 + len(info.filename.encode())
    end = start + info.compress_size
    return content[:start] + binary.flip_bits(random, content[start:end]) + content[end:]


def other_member(random: Random, content: bytes) -> bytes:
    """Damage what a member holds, and write the archive anew, so that all checksums are right."""
    return _rewritten(random, content, "content")


def other_members(random: Random, content: bytes) -> bytes:
    """Leave a member out, have it twice, or under another name."""
    return _rewritten(random, content, random.choice(("missing", "twice", "renamed")))


def bomb(random: Random, content: bytes) -> bytes:
    """Have a member that unpacks to very much more than the file."""
    return _rewritten(random, content, "bomb")


def _rewritten(random: Random, content: bytes, how: str) -> bytes:
    found = _members(content)
    if not found:
        return binary.splice(random, content)
    chosen = random.choice(list(found))
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for info, data in found.items():
            name, method = info.filename, info.compress_type
            if info is chosen and how == "content":
                family = numpy_files.ALL if name.endswith(".npy") else binary.ALL
                data = random.choice(family)(random, data)
            elif info is chosen and how == "missing":
                continue
            elif info is chosen and how == "renamed":
                name = random.choice((*(n.decode() for n in names.NAMES if b"\0" not in n), name + "_", name.upper()))
            written_info = zipfile.ZipInfo(name)
            if info is chosen and how == "bomb":
                _write_bomb(archive, written_info, data)
                continue
            archive.writestr(written_info, data, method)
            if info is chosen and how == "twice":
                archive.writestr(zipfile.ZipInfo(name), random.choice(list(found.values())), method)
    return written.getvalue()


def _write_bomb(archive: zipfile.ZipFile, info: zipfile.ZipInfo, data: bytes) -> None:
    """Write a member with a great many zeros after its content, without packing them anew each time."""
    packer = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = packer.compress(data) + packer.flush(zlib.Z_FULL_FLUSH) + _packed_zeros()
    archive.writestr(info, packed, zipfile.ZIP_STORED)
    checksum = zlib.crc32(data)
    for _ in range(_ZEROS >> 20):
        checksum = zlib.crc32(_MEBIBYTE, checksum)
    # The archive's list of members is written when it is closed.
    info.compress_type, info.CRC, info.file_size = zipfile.ZIP_DEFLATED, checksum, len(data) + _ZEROS
    end = archive.fp.tell()  # type: ignore[union-attr]
    for field, value in (("method", zipfile.ZIP_DEFLATED), ("crc", checksum), ("size", info.file_size)):
        kind, local, _central = _FIELDS[field]
        archive.fp.seek(info.header_offset + local)  # type: ignore[union-attr]
        archive.fp.write(struct.pack(kind, value))  # type: ignore[union-attr]
    archive.fp.seek(end)  # type: ignore[union-attr]


@cache
def _packed_zeros() -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    return b"".join(packer.compress(_MEBIBYTE) for _ in range(_ZEROS >> 20)) + packer.flush()


def _members(content: bytes) -> dict[zipfile.ZipInfo, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return {info: archive.read(info) for info in archive.infolist() if info.file_size < 1 << 22}
    except Exception:  # it is damaged already, in one of many ways
        return {}


def _set(random: Random, content: bytes, field: str, values: tuple[int, ...]) -> bytes:
    """Set a field of one or all members, in their own headers, in the archive's list, or in both."""
    damaged, value = bytearray(content), random.choice(values)
    kind, local, central = _FIELDS[field]
    both = random.choice(((_LOCAL, local), (_CENTRAL, central), None))
    everywhere = random.random() < 0.5
    for signature, offset in ((_LOCAL, local), (_CENTRAL, central)):
        place = content.find(signature) if both in (None, (signature, offset)) else -1
        while place >= 0 and place + offset + 4 <= len(damaged):
            if everywhere or random.random() < 0.5:
                struct.pack_into(kind, damaged, place + offset, value)
            place = content.find(signature, place + 4)
    return bytes(damaged)


ALL = (
    *(encrypted, other_method, other_sizes, other_sizes, other_checksum, damaged_stream, bomb),
    *(other_member, other_member, other_member, other_member, other_members, other_members),
)
