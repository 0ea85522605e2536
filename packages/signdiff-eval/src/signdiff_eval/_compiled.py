"""Compiles the inner loops, once for each machine where their code can be kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numba import njit

if TYPE_CHECKING:
    from collections.abc import Callable


def compiled(**options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate a function with numba's compiler, so that threads run it side by side.

    Args:
        options: further ones of `numba.njit`.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        try:
            made = njit(nogil=True, cache=True, **options)(function)
        except RuntimeError:  # numba's word for: neither this folder nor the user's can be written to
            made = njit(nogil=True, **options)(function)
        return made  # type: ignore[no-any-return]

    return decorate
