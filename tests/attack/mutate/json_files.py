"""Damage to JSON that stays JSON, mostly: other values, missing and repeated keys, nesting."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from attack.mutate import text

VALUES = (
    *(None, True, False, 0, -1, 1, 0.5, 1e7, 1e30, -1e30, float("nan"), float("inf"), 2**31, 2**63, 2**64, 10**400),
    *("", "x", "nan", "../escaped", "/etc/passwd", "a\0b", "\ud800", "\x1b[31m\n", "x" * 100_000),
    *([], {}, [None], [[]], [1e30], {"": {}}, [[1, 2], [3]], [0] * 5000),
)
"""What stands in place of a value."""

DEEP = 100_000
"""How deep it is nested: deeper than Python's parser goes."""


def other_value(random: Random, content: bytes) -> bytes:
    """Put something in place of a value."""
    return _changed(random, content, lambda holder, key: holder.__setitem__(key, random.choice(VALUES)))


def near_value(random: Random, content: bytes) -> bytes:
    """Change a number a little, so that it contradicts others; a list or a text gets longer or shorter."""

    def change(holder: Any, key: Any) -> None:
        value = holder[key]
        if isinstance(value, bool):
            holder[key] = not value
        elif isinstance(value, (int, float)):
            other_kind = float(value) if abs(value) < 1e300 else str(value)[:300]
            holder[key] = random.choice((value + 1, value - 1, -value, 2 * value, value * 1000, other_kind))
        elif isinstance(value, (str, list)) and value:
            holder[key] = random.choice((value[1:], value + value, value[:1], value[::-1]))
        else:
            holder[key] = random.choice(VALUES)

    return _changed(random, content, change)


def missing(random: Random, content: bytes) -> bytes:
    """Leave a key or an entry out."""
    return _changed(random, content, lambda holder, key: holder.__delitem__(key))


def other_key(random: Random, content: bytes) -> bytes:
    """Have a key of another name, or one more."""

    def change(holder: Any, key: Any) -> None:
        new = random.choice(("", "__proto__", "\ud800", "x" * 300, f"{key}_", "auto_map", "_name_or_path"))
        if isinstance(holder, list):
            holder.insert(key, holder[key])
        elif random.random() < 0.5:
            holder[new] = holder.pop(key)
        else:
            holder[new] = random.choice(VALUES)

    return _changed(random, content, change)


def repeated_key(random: Random, content: bytes) -> bytes:
    """Have the first key twice."""
    start = content.find(b"{") + 1
    end = content.find(b":", start)
    key = content[start:end] if 0 < start < end else b'"x"'
    return content[:start] + key + b": " + random.choice((b"null", b"1e400", b'"x"', b"[]")) + b", " + content[start:]


def nested(random: Random, content: bytes) -> bytes:
    """Nest it, or a value in it, deeper than Python's parser goes."""
    opening, closing = random.choice(((b"[", b"]"), (b'{"a":', b"}")))
    deep = opening * DEEP + b"1" + closing * random.choice((0, DEEP))
    start = content.rfind(b":", 0, random.randrange(len(content) + 1)) + 1
    return random.choice((deep, content[:start] + deep + b"," + content[start:]))


def in_a_line(random: Random, content: bytes) -> bytes:
    """Damage one line of several."""
    lines = content.splitlines(keepends=True) or [b"{}\n"]
    which = random.randrange(len(lines))
    lines[which] = random.choice(ALL)(random, lines[which].rstrip(b"\n")) + b"\n"
    return b"".join(lines)


def _changed(random: Random, content: bytes, change: Any) -> bytes:
    try:
        whole = [json.loads(content)]
    except (ValueError, RecursionError):
        return text.odd_bytes(random, content)
    holder, key = random.choice(list(_places(whole)))
    change(holder, key)
    written = json.dumps(whole[0] if whole else "", ensure_ascii=random.random() < 0.5)
    return written.encode("utf-8", "surrogatepass")


def _places(value: Any) -> Any:
    keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in list(keys)[:300]:
        yield value, key
        yield from _places(value[key])


ALL = (other_value, other_value, near_value, near_value, missing, other_key, repeated_key, nested)
LINES = (in_a_line,)
