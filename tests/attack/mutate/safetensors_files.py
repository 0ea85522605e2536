"""Damage to safetensors: to what the header says of the tensors, and to their numbers."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from attack.mutate import binary, json_files

_TYPES = ("F32", "F16", "BF16", "F64", "I64", "U8", "BOOL", "F8_E4M3", "C64", "F4", "X", 7)
_SHAPES: tuple[list[Any], ...] = ([], [0], [1], [2**40], [2**62, 4], [-1], [1.5], ["x"], [1, 1, 1, 1, 1, 1, 1, 1])


def other_header(random: Random, content: bytes) -> bytes:
    """Have another header, as `json_files` damages it."""
    header, data = _parts(content)
    return _joined(random.choice(json_files.ALL)(random, header), data)


def other_tensor(random: Random, content: bytes) -> bytes:
    """Have a tensor of another type, shape, place or name."""
    header, data = _parts(content)
    try:
        tensors = json.loads(header)
        name = random.choice([key for key in tensors if key != "__metadata__"])
        fields = tensors[name]
        match random.randrange(6):
            case 0:
                fields["dtype"] = random.choice(_TYPES)
            case 1:
                fields["shape"] = random.choice(_SHAPES)
            case 2:
                fields["shape"] = fields["shape"][::-1]
            case 3:
                fields["data_offsets"] = random.choice(([0, 0], [0, len(data)], [8, 4], [0, 2**63], [-8, 8], [0]))
            case 4:
                tensors[random.choice(("x" * 70_000, "\ud800", "../escaped", "", "\x1b[31m\n"))] = tensors.pop(name)
            case 5:
                del tensors[name]
        return _joined(json.dumps(tensors).encode("utf-8", "surrogatepass"), data)
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, RecursionError):
        return binary.flip_bits(random, content)


def other_length(random: Random, content: bytes) -> bytes:
    """Have a header of another length."""
    length = random.choice((0, 1, 2, 100, len(content), 10**8, 10**8 + 1, 2**31, 2**63, 2**64 - 1))
    return length.to_bytes(8, "little") + content[8:]


def other_numbers(random: Random, content: bytes) -> bytes:
    """Have numbers among the others that no coordinate is."""
    header, data = _parts(content)
    return _joined(header, binary.set_floats(random, data))


def _parts(content: bytes) -> tuple[bytes, bytes]:
    end = 8 + int.from_bytes(content[:8], "little")
    return content[8:end], content[end:]


def _joined(header: bytes, data: bytes) -> bytes:
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + data


ALL = (other_header, other_tensor, other_tensor, other_length, other_numbers, other_numbers)
