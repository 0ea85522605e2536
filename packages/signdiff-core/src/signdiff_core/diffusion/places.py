"""What a user names a model or an adapter by: a place on the disk, or a name on the Hub."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

_ENDS: Final = (".safetensors", ".bin", ".pt", ".ckpt")


def is_path(name: str) -> bool:
    """Tell whether a name can only be meant as a path: on the Hub, one is a word, or two around a slash.

    Example:
        >>> is_path("./lora"), is_path("a/b/c"), is_path("ad/lora.safetensors"), is_path("owner/model")
        (True, True, True, False)
    """
    return name.count("/") > 1 or name.startswith((".", "/", "~")) or name.endswith(_ENDS)


def check_there(name: Any) -> None:
    """Make sure that something is where a path leads, before the Hub is asked for it.

    Raises:
        FileNotFoundError: nothing is.
    """
    if isinstance(name, str | os.PathLike):
        text = os.fspath(name)
        if is_path(text) and "://" not in text and not Path(text).exists():
            raise FileNotFoundError(f"there is no file or folder {text}.")
