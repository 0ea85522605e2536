"""Tags that a text starts with, such as the signed language of ``<gsg> wort``."""

from __future__ import annotations

import re
from typing import Final

_TAG: Final = re.compile(r"<[a-z]{2,8}>")


def is_tag(text: str) -> bool:
    """Tell whether a text is a tag: 2 to 8 small letters in angle brackets."""
    return _TAG.fullmatch(text) is not None


def split_tag(text: str) -> tuple[str, str]:
    """Divide a text into its tag and the rest.

    Returns:
        The tag, empty if there is none, and the text without it and the space after it.

    Example:
        >>> split_tag("<gsg> wort"), split_tag("wort")
        (('<gsg>', 'wort'), ('', 'wort'))
    """
    tag, space, rest = text.partition(" ")
    return (tag, rest) if space and is_tag(tag) else ("", text)
