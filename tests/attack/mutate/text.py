"""Damage to text: bytes that are no UTF-8, lines and words that are none of the format."""

from __future__ import annotations

import re
from random import Random

from attack.mutate import binary

NUMBERS = (
    *(b"nan", b"inf", b"-inf", b"1e30", b"-1e30", b"1e7", b"1e308", b"1e400", b"-1", b"0", b"99999999999999999999"),
    *(b"0x10", b"1_0", b"", b"x", "٣".encode(), b"1" * 5000),
)
"""What stands in place of a number."""

ODD = (
    *(
        b"\xff",
        b"caf\xe9",
        b"\xef\xbb\xbf",
        b"\0",
        b"\xed\xa0\x80",
        b"\x1b[31m",
        b"\r",
        b"\n",
        b"\t",
        b"\v",
        b'"',
        b"'",
    ),
    *(
        "\u2028".encode(),
        "\u0085".encode(),
        "\u202e".encode(),
        b"x" * 300,
        b"x" * 200_000,
        b"\n" * 1000,
        b"\\",
        b"..",
        b"#",
    ),
)
"""What stands where a character is expected: latin-1, a byte order mark, NUL, half of a surrogate pair, and so on."""


def odd_bytes(random: Random, content: bytes) -> bytes:
    """Put something odd somewhere."""
    start = random.choice((0, len(content), binary.place(random, content)))
    return content[:start] + random.choice(ODD) + content[start + random.choice((0, 1)) :]


def byte_order_mark(random: Random, content: bytes) -> bytes:
    """Write it in another Unicode form."""
    try:
        return content.decode().encode(random.choice(("utf-8-sig", "utf-16", "utf-32-le", "utf-7")))
    except UnicodeError:
        return b"\xef\xbb\xbf" + content


def other_number(random: Random, content: bytes) -> bytes:
    """Put something in place of a number."""
    found = list(re.finditer(rb"-?\d+(\.\d+)?(e-?\d+)?", content))
    return _in_place(random, content, found, NUMBERS)


def other_word(random: Random, content: bytes) -> bytes:
    """Put something in place of a word."""
    return _in_place(random, content, list(re.finditer(rb"[^\s\",:]+", content)), (*NUMBERS, *ODD))


def other_lines(random: Random, content: bytes) -> bytes:
    """Leave a line out, have one twice, exchange two, or join two."""
    lines = content.splitlines(keepends=True)
    if not lines:
        return b"\n"
    one, two = random.randrange(len(lines)), random.randrange(len(lines))
    match random.randrange(5):
        case 0:
            del lines[one]
        case 1:
            lines.insert(one, lines[two])
        case 2:
            lines[one], lines[two] = lines[two], lines[one]
        case 3:
            lines[one] = lines[one].rstrip(b"\r\n")
        case 4:
            lines[one] = b"\n"
    return b"".join(lines)


def other_columns(random: Random, content: bytes) -> bytes:
    """Change what divides."""
    old = random.choice((b"\t", b" ", b",", b"\n", b":"))
    new = random.choice((b"\t", b" ", b",", b"", b"\t\t", b"\r\n", b"\xc2\xa0"))
    return content.replace(old, new, random.choice((1, 2, -1)))


def _in_place(random: Random, content: bytes, found: list[re.Match[bytes]], new: tuple[bytes, ...]) -> bytes:
    if not found:
        return content + random.choice(new)
    match = random.choice(found)
    return content[: match.start()] + random.choice(new) + content[match.end() :]


ALL = (
    *(odd_bytes, byte_order_mark, other_number, other_number, other_word, other_lines, other_columns),
    *(binary.flip_bits, binary.cut_short, binary.repeat),
)
