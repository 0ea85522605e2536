"""Handing an option of the command line only to a plug-in that takes it."""

from __future__ import annotations

import inspect
import math
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class FiniteRange(click.FloatRange):
    """A range of numbers; NaN, which is neither above nor below any number, lies in none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read a number.

        Raises:
            click.BadParameter: it is none, or lies outside the range.
        """
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number.", param, ctx)
        return number


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """Keep the options that were given.

    Example:
        >>> given({"steps": 5, "prompt": None})
        {'steps': 5}
    """
    return {name: value for name, value in options.items() if value is not None}


def takes(function: Callable[..., Any], name: str) -> bool:
    """Tell whether a function names a parameter that can be given by keyword; ``**kwargs`` does not count.

    Example:
        >>> takes(sorted, "reverse"), takes(sorted, "size")
        (True, False)
    """
    parameter = inspect.signature(function).parameters.get(name)
    return parameter is not None and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)


def distribute(
    options: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]], whose: str
) -> dict[str, dict[str, Any]]:
    """Give each option to the first function that takes it.

    Args:
        options: names and values, as given on the command line.
        functions: functions by a label.
        whose: what the functions belong to, for the error: ``"the renderer 'skeleton'"``.

    Returns:
        The keyword arguments for each function, by its label.

    Raises:
        click.UsageError: no function takes an option.

    Example:
        >>> distribute({"reverse": True}, {"sort": sorted}, "sorting")
        {'sort': {'reverse': True}}
    """
    shared: dict[str, dict[str, Any]] = {label: {} for label in functions}
    for name, value in options.items():
        for label, function in functions.items():
            if takes(function, name):
                shared[label][name] = value
                break
        else:
            option = f"--{name.replace('_', '-')}"
            raise click.UsageError(f"{option} is not an option of {whose}", ctx=click.get_current_context(silent=True))
    return shared
