"""The parser of all commands of the package, and what it takes as numbers."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING, NoReturn

from signdiff_core.wording import one_line
from signdiff_slp.shown import shown

if TYPE_CHECKING:
    from collections.abc import Callable


class CommandParser(argparse.ArgumentParser):
    """An argument parser whose errors take one line, without the usage before them."""

    def error(self, message: str) -> NoReturn:
        """Leave with exit status 2.

        Args:
            message: what was wrong.
        """
        self.exit(2, f"{self.prog}: {one_line(message)} (see {self.prog} --help)\n")


def number(*, above: float | None = None, most: float | None = None) -> Callable[[str], float]:
    """Make a type of arguments: numbers, which NaN is not.

    Args:
        above: what they are finite and greater than.
        most: what they are up to.

    Example:
        >>> number(above=0)("12.5")
        12.5
        >>> number(above=0, most=1)("2")
        Traceback (most recent call last):
        ...
        argparse.ArgumentTypeError: expected a number above 0 and up to 1, but got '2'
    """
    bounds = [f"above {above:g}"] if above is not None else []
    bounds += [f"up to {most:g}"] if most is not None else []
    wanted = " ".join(["a number", *([" and ".join(bounds)] if bounds else [])])

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        is_within = (above is None or above < value < math.inf) and (most is None or value <= most)
        if math.isnan(value) or not is_within:
            raise argparse.ArgumentTypeError(f"expected {wanted}, but got {shown(text)}")
        return value

    return read


def whole(least: int | None = None) -> Callable[[str], int]:
    """Make a type of arguments: whole numbers.

    Args:
        least: what they are at least.

    Example:
        >>> whole(1)("0")
        Traceback (most recent call last):
        ...
        argparse.ArgumentTypeError: expected a whole number, at least 1, but got '0'
    """
    wanted = "a whole number" if least is None else f"a whole number, at least {least}"

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = None
        if value is None or (least is not None and value < least):
            raise argparse.ArgumentTypeError(f"expected {wanted}, but got {shown(text)}")
        return value

    return read
