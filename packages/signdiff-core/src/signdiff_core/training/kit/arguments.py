"""Command lines made of dataclasses: one definition for a script's options, their types, defaults and help."""

from __future__ import annotations

import argparse
import dataclasses
import logging
import math
import sys
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NoReturn, TypeVar

from signdiff_core.interruption import exit_status, unwind_on_sigterm, word_for
from signdiff_core.plugins import pip_line
from signdiff_core.wording import one_line

Config = TypeVar("Config")

LOGGER: Final = "signdiff.training"
"""Name of the logger of all training scripts."""

_BROUGHT: Final = ("accelerate", "diffusers", "torch", "tqdm", "transformers")
"""What the extra ``train`` of signdiff-core brings, and its kit imports."""


def option(default: Any = dataclasses.MISSING, *, help: str) -> Any:  # noqa: A002
    """Declare a field of a configuration with its line of help; an option without a default is required."""
    return dataclasses.field(default=default, metadata={"help": help})


def parse(
    config: type[Config],
    arguments: Sequence[str] | None = None,
    *,
    description: str | None = None,
    elsewhere: Mapping[str, str] | None = None,
) -> Config:
    """Read a command line into a frozen dataclass.

    Fields become options of the same name. ``bool`` fields become ``--name`` and ``--no-name``; tuples take several
    values; ``X | None`` takes an X.

    Args:
        config: a dataclass whose fields were made with `option`.
        arguments: the command line, by default that of this process.
        description: text above the options in ``--help``.
        elsewhere: names of options that users know from another script and that are not here, with what is in their
            place; giving one is an error that says so.

    Example:
        >>> @dataclasses.dataclass(frozen=True)
        ... class Job:
        ...     sides: "tuple[int, ...]" = option((64, 128), help="Crops.")
        ...     fast: bool = option(False, help="Hurry.")
        >>> parse(Job, ["--sides", "8", "16", "--fast"])
        Job(sides=(8, 16), fast=True)
    """
    spec = getattr(sys.modules["__main__"], "__spec__", None)  # that of a module which ``python -m`` runs
    parser = _Parser(
        prog=f"python -m {spec.name.removesuffix('.__main__')}" if spec else None,
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    hints, needed = typing.get_type_hints(config), []
    for field in dataclasses.fields(config):  # type: ignore[arg-type]
        required = field.default is dataclasses.MISSING
        text = field.metadata["help"] + ("" if required else f" Default: {_shown(field.default)}.")
        name, hint = f"--{field.name}", _without_none(hints[field.name])
        text = text.replace("%", "%%")
        needed += [f"{name} {_metavar(hint)}"] if required else []
        if hint is bool:
            parser.add_argument(name, action=argparse.BooleanOptionalAction, default=field.default, help=text)
        elif typing.get_origin(hint) is tuple:
            kind = typing.get_args(hint)[0]
            parser.add_argument(
                name, nargs="+", type=_reader(kind), default=field.default, help=text, metavar=_metavar(kind)
            )
        elif typing.get_origin(hint) is typing.Literal:
            parser.add_argument(name, choices=typing.get_args(hint), default=field.default, help=text)
        else:
            default = None if required else field.default
            parser.add_argument(
                name, type=_reader(hint), default=default, required=required, help=text, metavar=_metavar(hint)
            )
    parser.usage = " ".join(["%(prog)s", *needed, "[--OPTION ...]"])
    for name, instead in (elsewhere or {}).items():
        parser.add_argument(
            f"--{name}", nargs="*", dest=argparse.SUPPRESS, help=argparse.SUPPRESS, action=_Elsewhere, const=instead
        )
    values = vars(parser.parse_args(arguments))
    try:
        return config(**{key: tuple(value) if isinstance(value, list) else value for key, value in values.items()})
    except ValueError as error:
        parser.error(str(error))


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunConfig:
    """Options of a run, named as in diffusers' scripts; ValueError for a number outside its range.

    A training adds its own, and may set other defaults.
    """

    output_dir: str = option(help="Folder for the result, the checkpoints and the logs.")
    gradient_accumulation_steps: int = option(1, help="Batches per optimizer step.")
    max_grad_norm: float = option(1.0, help="Gradients are cut to this norm.")
    mixed_precision: typing.Literal["no", "fp16", "bf16"] | None = option(
        None, help="Precision of the networks' arithmetic; by default what accelerate is configured for."
    )
    checkpointing_steps: int = option(500, help="Steps between checkpoints.")
    checkpoints_total_limit: int = option(2, help="Checkpoints that are kept.")
    resume_from_checkpoint: str | None = option(
        None,
        help="A checkpoint's folder, or latest. All other options are those of this command line; those that decide "
        "the data or the loss must be as they were.",
    )
    overwrite_output_dir: bool = option(False, help="Begin anew in a folder that holds a run, which is lost.")
    report_to: str = option("tensorboard", help="Tracker of accelerate, such as tensorboard or wandb; none for none.")
    logging_dir: str = option("logs", help="Folder of the tracker's files, within output_dir.")
    seed: int = option(0, help="Seed of all randomness.")

    def __post_init__(self) -> None:
        positive = ("gradient_accumulation_steps", "max_grad_norm", "checkpointing_steps", "checkpoints_total_limit")
        check_numbers(self, positive=positive, not_negative=("seed",))


def check_numbers(
    config: object,
    *,
    positive: Iterable[str] = (),
    not_negative: Iterable[str] = (),
    shares: Iterable[str] = (),
    below_one: Iterable[str] = (),
) -> None:
    """Make sure that numbers of a configuration lie in their range, which NaN never does; None is none.

    Names are those of numbers above 0, of at least 0, in [0, 1], and in [0, 1). Raises ValueError.
    """
    ranges: tuple[tuple[Iterable[str], str, Callable[[float], bool]], ...] = (
        (positive, "be positive", lambda value: value > 0),
        (not_negative, "be 0 or more", lambda value: value >= 0),
        (shares, "lie in [0, 1]", lambda value: 0 <= value <= 1),
        (below_one, "lie in [0, 1)", lambda value: 0 <= value < 1),
    )
    for names, must, holds in ranges:
        for name in names:
            value = getattr(config, name)
            if value is not None and not holds(value):
                raise ValueError(f"{name} must {must}, but is {value}.")


def finite(text: str) -> float:
    """Read a number of a command line; one that is NaN or infinite is wrong use.

    Example:
        >>> finite("1e-5")
        1e-05
    """
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"must be a finite number, but is {text!r}")
    return number


def run(main: Callable[[], None]) -> None:
    """Run a script's main function and turn expected failures into one line on stderr and exit status 1.

    Ctrl-C and SIGTERM are such a line, too, with exit status 130 and 143. What a run logs is shown on stderr.
    """
    unwind_on_sigterm()
    logging.basicConfig(format="%(message)s")
    logging.getLogger(LOGGER).setLevel(logging.INFO)
    try:
        main()
    except (ImportError, OSError, ValueError, LookupError, RuntimeError) as error:
        hint = f": {pip_line('signdiff-core[train]')}" if getattr(error, "name", None) in _BROUGHT else ""
        sys.stderr.write(f"error: {one_line(error) or type(error).__name__}{hint}\n")
        raise SystemExit(1) from error
    except KeyboardInterrupt as stop:
        kept = "; ".join(getattr(stop, "__notes__", ())) or "nothing half-written was left"
        sys.stderr.write(f"{word_for(stop)}; {kept}.\n")
        raise SystemExit(exit_status(stop)) from None


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say what is wrong in one line."""
        self.exit(2, f"{self.prog}: error: {one_line(message)} (see {self.prog} --help)\n")


class _Elsewhere(argparse.Action):
    """An option of another script."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        parser.error(f"{self.option_strings[0]} is not an option here: {self.const}.")


def _without_none(hint: Any) -> Any:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return next(kind for kind in typing.get_args(hint) if kind is not type(None))
    return hint


def _reader(kind: Any) -> Any:
    return finite if kind is float else kind


def _metavar(kind: type) -> str:
    return {int: "N", float: "X"}.get(kind, "NAME")


def _shown(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else "none" if value is None else str(value)
