"""Command lines derived from dataclasses: one definition for a script's options, their types, defaults and help."""

from __future__ import annotations

import argparse
import dataclasses
import sys
import types
import typing
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from signdiff_frnet.commands import one_line

Config = TypeVar("Config")


def option(default: Any = dataclasses.MISSING, *, help: str) -> Any:  # noqa: A002
    """Declare a field of a configuration together with its line of help.

    Args:
        default: the field's default; an option without one is required.
        help: what the option does, for ``--help``.
    """
    return dataclasses.field(default=default, metadata={"help": help})


def parse(config: type[Config], arguments: Sequence[str] | None = None, *, description: str | None = None) -> Config:
    """Read a command line into a frozen dataclass.

    Fields become options of the same name. ``bool`` fields become ``--name`` and ``--no-name``; tuples take several
    values; ``X | None`` takes an X; a `Literal` takes one of its values.

    Args:
        config: a dataclass whose fields were made with `option`.
        arguments: the command line, by default that of this process.
        description: text above the options in ``--help``.

    Example:
        >>> @dataclasses.dataclass(frozen=True)
        ... class Job:
        ...     sides: "tuple[int, ...]" = option((64, 128), help="Sides.")
        ...     fast: bool = option(False, help="Hurry.")
        >>> parse(Job, ["--sides", "8", "16", "--fast"])
        Job(sides=(8, 16), fast=True)
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    hints = typing.get_type_hints(config)
    for field in dataclasses.fields(config):  # type: ignore[arg-type]
        _add(parser, field, _without_none(hints[field.name]))
    values = vars(parser.parse_args(arguments))
    try:
        return config(**{key: tuple(value) if isinstance(value, list) else value for key, value in values.items()})
    except ValueError as error:
        parser.error(str(error))


def run(main: Callable[[], None]) -> None:
    """Run a script's main function and turn expected failures into one line on stderr and exit status 1.

    Ctrl-C and SIGTERM are such a line, too, with exit status 130 and 143.
    """
    from signdiff_core.interruption import exit_status, unwind_on_sigterm, word_for

    unwind_on_sigterm()
    try:
        main()
    except (ImportError, OSError, ValueError, LookupError, RuntimeError) as error:
        sys.stderr.write(f"error: {one_line(error) or type(error).__name__}\n")
        raise SystemExit(1) from error
    except KeyboardInterrupt as stop:
        kept = "; ".join(getattr(stop, "__notes__", ())) or "nothing half-written was left"
        sys.stderr.write(f"{word_for(stop)}; {kept}.\n")
        raise SystemExit(exit_status(stop)) from None


def _add(parser: argparse.ArgumentParser, field: dataclasses.Field[Any], hint: Any) -> None:
    from signdiff_core.training.kit.arguments import finite

    required = field.default is dataclasses.MISSING
    text = field.metadata["help"] + ("" if required else f" Default: {_shown(field.default)}.")
    options: dict[str, Any] = {"help": text.replace("%", "%%")}
    options |= {"required": True} if required else {"default": field.default}
    if hint is bool:
        options["action"] = argparse.BooleanOptionalAction
    elif typing.get_origin(hint) is tuple:
        options |= {"nargs": "+", "type": typing.get_args(hint)[0], "metavar": "N"}
    elif typing.get_origin(hint) is typing.Literal:
        options["choices"] = typing.get_args(hint)
    else:
        options |= {"type": finite if hint is float else hint, "metavar": {int: "N", float: "X"}.get(hint, "NAME")}
    parser.add_argument(f"--{field.name}", **options)


def _without_none(hint: Any) -> Any:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return next(kind for kind in typing.get_args(hint) if kind is not type(None))
    return hint


def _shown(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else "none" if value is None else str(value)
