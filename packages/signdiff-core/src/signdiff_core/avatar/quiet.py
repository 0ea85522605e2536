"""Loads warp without its greetings."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import warp as wp


@contextmanager
def _no_standard_error() -> Iterator[None]:
    """Send what native code writes to standard error nowhere."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(nowhere)
        os.close(kept)


def load_warp() -> None:
    """Initialise warp silently: without its banner, and without its warning that a machine has no GPU.

    Warp prints that warning from native code, and no setting of it turns the warning off; its errors are exceptions and
    come through.
    """
    wp.config.quiet = True  # up to warp 1.11
    wp.config.log_level = 40  # later versions: errors only
    with _no_standard_error():
        wp.init()
