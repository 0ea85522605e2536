"""Names that lead out of the folder that they should lie in."""

from __future__ import annotations

import re
from random import Random

NAMES = (
    *(
        b"../escaped",
        b"../../escaped",
        b"a/../../../escaped",
        b"/tmp/attack-escaped",
        b"..",
        b".",
        b"a//b",
        b"a/",
        b"/",
    ),
    *(b"..\\escaped", b"C:\\escaped", b"a\0b", b"~/escaped", b".hidden", b"x" * 300, b"a/" * 200 + b"b", b" ", b"-o"),
)


def other_name(random: Random, content: bytes) -> bytes:
    """Put a name in place of what a line begins with."""
    lines = content.splitlines(keepends=True) or [b"x\n"]
    which = random.randrange(len(lines))
    lines[which] = re.sub(rb"^[^\t,\r\n]*", lambda _: random.choice(NAMES), lines[which], count=1)
    return b"".join(lines)


ALL = (other_name,)
