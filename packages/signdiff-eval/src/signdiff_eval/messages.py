"""What commands say: one line each, which does nothing to a terminal."""

from __future__ import annotations


def one_line(text: object) -> str:
    r"""Bring a message into one line of what can be shown.

    Names and texts of others' files stand in messages, and may hold codes by which a terminal is steered.

    Args:
        text: the message.

    Returns:
        Spaces for all white space, and escapes as Python's for control characters.

    Example:
        >>> print(one_line("no such\n  file: \x1b[31mred"))
        no such file: \x1b[31mred
    """
    joined = " ".join(str(text).split())
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in joined)
