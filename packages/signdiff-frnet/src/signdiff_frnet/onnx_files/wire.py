"""Protocol buffers' wire format: messages are fields, each a number with an integer or bytes."""

from collections.abc import Iterator
from typing import Final

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

_MAX_VARINT: Final = 10
"""Most bytes of an integer of 64 bits."""

MAX_FIELDS: Final = 64
"""Most fields of a message, and most integers of a list, where no other number is given."""


def fields(message: memoryview, *, most: int = MAX_FIELDS) -> Iterator[tuple[int, int | memoryview]]:
    r"""Give a message's fields: number and value, an integer below 2**64, or bytes that lie in the message.

    Args:
        message: its bytes.
        most: fields that it may have.

    Raises:
        ValueError: the message is cut off, is none, or has more fields.

    Example:
        >>> [(number, value) for number, value in fields(memoryview(b"\x08\x96\x01"))]
        [(1, 150)]
    """
    place = count = 0
    while place < len(message):
        count += 1
        if count > most:
            raise ValueError(f"a message has more than {most} fields")
        tag, place = _varint(message, place)
        number, kind = tag >> 3, tag & 7
        if kind == VARINT:
            value, place = _varint(message, place)
            yield number, value
            continue
        if kind == BYTES:
            size, place = _varint(message, place)
        elif kind in (FIXED32, FIXED64):
            size = 4 if kind == FIXED32 else 8
        else:
            raise ValueError(f"a field has the unknown type {kind}")
        if size > len(message) - place:
            raise ValueError("it is cut off")
        yield number, message[place : place + size]
        place += size


def integers(value: int | memoryview) -> list[int]:
    """Read one value of a repeated integer: one, or many that are packed.

    Raises:
        ValueError: they are cut off.
    """
    if isinstance(value, int):
        return [value]
    found: list[int] = []
    place = 0
    while place < len(value):
        if len(found) == MAX_FIELDS:
            raise ValueError(f"a list has more than {MAX_FIELDS} integers")
        one, place = _varint(value, place)
        found.append(one)
    return found


def text(value: int | memoryview) -> str:
    """Read a string.

    Raises:
        ValueError: it is no UTF-8, or a number.
    """
    return str(content(value), "utf-8")


def content(value: int | memoryview) -> memoryview:
    """Read bytes, or a message.

    Raises:
        ValueError: it is a number.
    """
    if isinstance(value, int):
        raise ValueError("a field holds a number in place of bytes")
    return value


def integer(number: int, value: int) -> bytes:
    """Write a field that holds an integer."""
    return _written(number << 3 | VARINT) + _written(value)


def field(number: int, value: bytes | str) -> bytes:
    """Write a field that holds bytes, text or a message."""
    data = value.encode() if isinstance(value, str) else value
    return _written(number << 3 | BYTES) + _written(len(data)) + data


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    value = 0
    for position, byte in enumerate(message[place : place + _MAX_VARINT]):
        value |= (byte & 127) << 7 * position
        if byte < 128:
            if value >= 1 << 64:
                raise ValueError("an integer has more than 64 bits")
            return value, place + position + 1
    raise ValueError("an integer has no end")


def _written(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])
