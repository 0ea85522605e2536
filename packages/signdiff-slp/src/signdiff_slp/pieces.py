"""Cuts long texts where a model has not learned to go on."""

from __future__ import annotations


def into_pieces(text: str, limit: int) -> list[str]:
    """Divide a text between words.

    Args:
        text: words with single spaces between them.
        limit: most characters of a piece; a longer word is a piece of its own.

    Returns:
        The pieces, in order; joined with spaces, they are the text.

    >>> into_pieces("the quick brown fox", 10)
    ['the quick', 'brown fox']
    """
    pieces: list[str] = []
    for word in text.split(" "):
        if pieces and len(pieces[-1]) + 1 + len(word) <= limit:
            pieces[-1] += f" {word}"
        else:
            pieces.append(word)
    return pieces
