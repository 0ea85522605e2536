"""What messages show of a user's text, of which long ones are cut, and of the system's errors."""

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


def told(error: BaseException) -> str:
    """Say what an error says; of the system's, with the file first and no number.

    Example:
        >>> told(PermissionError(13, "Permission denied", "corpus"))
        'corpus: Permission denied'
    """
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return str(error)
