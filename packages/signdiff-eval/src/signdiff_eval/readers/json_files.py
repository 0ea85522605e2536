"""JSON files of anybody's making: bounded, and with one error whatever is wrong with them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from signdiff_eval.readers.text import read_text

if TYPE_CHECKING:
    from pathlib import Path


def read_json(path: Path, *, what: str, max_bytes: int) -> Any:
    """Read a JSON file.

    Args:
        path: the file.
        what: what it must be, for the message, such as ``a JSON report``.
        max_bytes: the largest that is read.

    Raises:
        ValueError: too large a file, another encoding, no JSON, or JSON that is nested too deep; the message names
            the file.
    """
    text = read_text(path, max_bytes=max_bytes)
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError(f"{path} must be {what}, but is nested too deep.") from error
    except ValueError as error:
        raise ValueError(f"{path} must be {what}, but can't be read: {error}") from error
