"""Paths on the command line, checked before any work."""

from __future__ import annotations

from pathlib import Path

import click

from signdiff_core.atomic import check_writable


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


def existing(context: click.Context, parameter: click.Parameter, value: Path) -> Path:
    """Refuse a path where nothing is (a click callback)."""
    if not value.exists():
        raise click.BadParameter(
            f"expected a pose file or folder, but {str(value)!r} does not exist.", ctx=context, param=parameter
        )
    return value
