"""Numbers that callers give: checked once, by name."""

from numbers import Integral, Real

LARGEST_SIDE = 255
"""Largest neighbourhood and kernel, in pixels: sums over a neighbourhood then stay exact in single precision."""


def check_odd(name: str, value: object, *, least: int) -> None:
    """Refuse what is no side of a neighbourhood or kernel.

    Args:
        name: of the argument.
        value: what was given.
        least: the smallest that is allowed.

    Raises:
        ValueError: it is no odd integer between ``least`` and 255.
    """
    if not isinstance(value, Integral) or value < least or not value <= LARGEST_SIDE or value % 2 == 0:
        raise ValueError(f"{name} must be an odd integer between {least} and {LARGEST_SIDE}, but is {value!r}.")


def check_between(name: str, value: object, least: float, most: float) -> None:
    """Refuse what is no number in a range.

    Args:
        name: of the argument.
        value: what was given.
        least: the smallest that is allowed.
        most: the largest that is allowed.

    Raises:
        ValueError: it is no real number, not a number, or outside the range.
    """
    # Compared as it is: a whole number may be too large to become a float.
    if not isinstance(value, Real) or value < least or not value <= most:
        raise ValueError(f"{name} must be a number between {least} and {most}, but is {value!r}.")


def check_count(name: str, value: object) -> None:
    """Refuse what counts nothing.

    Args:
        name: of the argument.
        value: what was given.

    Raises:
        ValueError: it is no integer of at least 1.
    """
    if not isinstance(value, Integral) or value < 1:
        raise ValueError(f"{name} must be an integer and at least 1, but is {value!r}.")
