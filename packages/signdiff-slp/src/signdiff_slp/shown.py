"""What messages show of a user's text: long ones are cut."""

from __future__ import annotations

from typing import Final

LONGEST: Final = 60
"""Characters of a text that a message shows."""


def cut(text: str) -> str:
    """Shorten a long text.

    Example:
        >>> cut("hello"), len(cut(500 * "a"))
        ('hello', 60)
    """
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def shown(text: str) -> str:
    """Quote a text as Python does, and no more of it than its start.

    Example:
        >>> shown("hello")
        "'hello'"
    """
    return repr(cut(text))
