"""What several commands take: options, paths that are checked before any work, and options of plug-ins."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from signdiff_core.atomic import check_writable

Command = TypeVar("Command", bound=Callable[..., Any])

json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


class FiniteRange(click.FloatRange):
    """A range of numbers; NaN, which is neither above nor below any number, lies in none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read a number that is finite and in the range."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number.", param, ctx)
        return number


def _picture(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[int, int] | None:
    """Read the size of a picture (a click callback)."""
    width, _, height = (value or "2x2").lower().partition("x")
    if not all(side.isdecimal() and 2 <= int(side) <= 65535 for side in (width, height)):
        wanted = f"must be WIDTHxHEIGHT, such as 1280x720, but is {value!r}."
        raise click.BadParameter(wanted, ctx=context, param=parameter)
    return None if value is None else (int(width), int(height))


def reading_options(command: Command) -> Command:
    """Add what `signdiff_core.sources.read_pose` takes, for files that do not tell, to a command."""
    options = (
        click.option("--fps", type=FiniteRange(0, 1000, min_open=True), help="Frames per second, if IN does not say."),
        click.option(
            "--person",
            type=click.IntRange(1),
            help="Which of several people in IN: 1 for the most likely signer, 2 for the next.  [default: 1]",
        ),
        click.option(
            "--picture",
            metavar="WIDTHxHEIGHT",
            callback=_picture,
            help="Size in pixels of the picture that IN was found in, if IN does not say, such as 1280x720.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def debug_option(command: Command) -> Command:
    """Add ``--debug``, which every command takes, to a command."""

    def remember(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
        if value:
            context.meta["signdiff.debug"] = True

    return click.option(
        "--debug",
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=remember,
        help="Show the traceback of an error, and every warning.",
    )(command)


def framing(context: click.Context, parameter: click.Parameter, value: str | None) -> Any:
    """Read a framing (a click callback): ``signing space``, ``recorded``, or a camera as ``SCALE,X,Y``."""
    if value is None or value in ("signing space", "recorded"):
        return value
    try:
        scale, x, y = (float(part) for part in value.split(","))
    except ValueError as error:
        raise click.BadParameter(
            f"must be 'signing space', 'recorded' or SCALE,X,Y, but is {value!r}.", ctx=context, param=parameter
        ) from error
    return scale, x, y


def existing(context: click.Context, parameter: click.Parameter, value: Path) -> Path:
    """Refuse a path where nothing is (a click callback)."""
    if not value.exists():
        raise click.BadParameter(
            f"must be a pose file or folder, but {str(value)!r} does not exist.", ctx=context, param=parameter
        )
    return value


def check_sides(
    size: int | None, width: int | None, height: int | None, *, even: bool = True
) -> tuple[int, int] | None:
    """Check the sides of frames, which are even where a video is made: width and height, None if none is given."""
    named = {"--size": size, "--width": width, "--height": height}
    for option, side in named.items():
        if even and side is not None and side % 2:
            raise wrong(f"must be an even number, as video needs, but is {side}.", option)
    if (width is None) != (height is None):
        raise misused("--width and --height must be given together")
    if size is not None and width is not None:
        raise misused("--size or --width and --height must be given, not both")
    if width is not None and height is not None:
        return width, height
    return None if size is None else (size, size)


def output_file(path: Path, suffix: str, option: str) -> Path:
    """Check that a file with the only allowed ``suffix`` can be written; ``option`` is what the user called it."""
    if path.suffix.lower() != suffix:
        raise wrong(f"must be a file name that ends in {suffix}, but is {str(path)!r}.", option)
    check_writable(path)
    return path


def output_frames(path: Path, option: str, *, background: str | None = None) -> str:
    """Check that frames can be written to a name, and that it holds what they have; give its suffix."""
    from signdiff_core.video.outputs import TRANSPARENT, check_suffix

    try:
        suffix = check_suffix(path)
    except ValueError as error:
        raise wrong(str(error).removeprefix("path "), option) from error
    if background == "transparent" and suffix not in TRANSPARENT:
        holds = ", ".join(filter(None, TRANSPARENT))
        raise misused(f"--background transparent needs an output of {holds} or a folder of PNG: {suffix} is opaque")
    if suffix:
        check_writable(path)
    elif path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise wrong(f"must be a new or an empty folder, but {str(path)!r} is there.", option)
    elif not path.absolute().parent.is_dir():
        raise wrong(f"must lie in a folder, but {str(path.parent)!r} does not exist.", option)
    return suffix


def wrong(message: str, option: str) -> click.BadParameter:
    """Make the error of an option or argument whose value is wrong."""
    return click.BadParameter(message, ctx=click.get_current_context(silent=True), param_hint=option)


def misused(message: str) -> click.UsageError:
    """Make the error of a command line that cannot be obeyed."""
    return click.UsageError(message, ctx=click.get_current_context(silent=True))


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
    """Give each option to the first function, of those by label, that takes it: its keyword arguments.

    `whose` says, for the error, what the functions belong to: ``"the renderer 'skeleton'"``.

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
            raise misused(f"--{name.replace('_', '-')} is not an option of {whose}")
    return shared
