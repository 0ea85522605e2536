"""Hides the one deprecation within fairseq2 that nobody can act on who trains or signs."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

_HIDDEN: Final = "`hg_exporter` is deprecated"
"""fairseq2 registers families of its own with an argument that it calls deprecated."""


@contextmanager
def hiding_own_deprecation() -> Iterator[None]:
    """Show all warnings but that one. A filter would not do: fairseq2's command puts its own before it."""
    shown = warnings.showwarning

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if not (issubclass(category, DeprecationWarning) and str(message).startswith(_HIDDEN)):
            shown(message, category, filename, lineno, file, line)

    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = shown
