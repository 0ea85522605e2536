"""What can go wrong while a pose is read or written."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os


class FormatError(ValueError):
    """A file contradicts its format, or a pose does not fit the format.

    Args:
        path: the file.
        expected: what the format asks for and what came instead.
        place: where in the file; empty for the file as a whole.

    Example:
        >>> str(FormatError("a.skels", "expected numbers, but found 'x'.", place="line 3"))
        "a.skels, line 3: expected numbers, but found 'x'."
    """

    def __init__(self, path: str | os.PathLike[str], expected: str, *, place: str = "") -> None:
        super().__init__(f"{path}{f', {place}' if place else ''}: {expected}")


class FormatWarning(UserWarning):
    """Something in a file was left out on purpose; the message says what and how much."""
