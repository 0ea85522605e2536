"""Paths on the command line, checked before any work."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from signdiff_core.atomic import check_writable

if TYPE_CHECKING:
    from collections.abc import Iterator


def output_file(path: Path, suffix: str, option: str) -> Path:
    """Check a file that will be written.

    Args:
        path: as given.
        suffix: the only one allowed, with the dot.
        option: what the user called it.

    Raises:
        click.BadParameter: the suffix is another one.
        OSError: the file cannot be written.
    """
    if path.suffix.lower() != suffix:
        raise click.BadParameter(
            f"expected a file name that ends in {suffix}, but it is {str(path)!r}.",
            ctx=click.get_current_context(silent=True),
            param_hint=option,
        )
    check_writable(path)
    return path


def no_unfinished_video(path: Path, resume: bool | None) -> None:
    """Refuse to throw away what an interrupted command left, unless the user says what to do with it.

    Args:
        path: the video that will be written.
        resume: whether to go on with it, if the user says.

    Raises:
        click.UsageError: the user does not say, and there is something.
    """
    from signdiff_core.video import unfinished

    if resume is None and (frames := unfinished(path)):
        raise click.UsageError(
            f"an interrupted command left {frames:,} frames ({path.with_suffix('.partial.mp4')}): "
            f"give --resume to go on after them, or --restart to throw them away",
            ctx=click.get_current_context(silent=True),
        )


@contextmanager
def told_of(path: Path) -> Iterator[None]:
    """Put the name of a file before what is wrong with its content, where the error does not name a file itself.

    Raises:
        ValueError: as in the block.
    """
    from signdiff_core.formats import FormatError

    try:
        yield
    except FormatError:
        raise
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def existing(context: click.Context, parameter: click.Parameter, value: Path) -> Path:
    """Refuse a path where nothing is (a click callback)."""
    if not value.exists():
        raise click.BadParameter(
            f"expected a pose file or folder, but {str(value)!r} does not exist.", ctx=context, param=parameter
        )
    return value
