"""The recipes' command lines: help without loading fairseq2, presets by name."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fairseq2.recipe import Recipe


def preset_names() -> list[str]:
    """List the configurations that come with the package."""
    return sorted(entry.name.removesuffix(".yaml") for entry in _configs() if entry.name.endswith(".yaml"))


def preset_path(name: str) -> Path:
    """Find a configuration by its name.

    Raises:
        ValueError: there is no such preset.
    """
    if name not in preset_names():
        raise ValueError(f"preset must be one of {', '.join(preset_names())}, but is {name!r}.")
    return next(entry for entry in _configs() if entry.name == f"{name}.yaml")


def _configs() -> list[Path]:
    return [Path(str(entry)) for entry in files("signdiff_slp.recipes.configs").iterdir()]


def make_parser(prog: str, description: str) -> argparse.ArgumentParser:
    """Describe the arguments, which fairseq2 parses itself but for ``--preset``."""
    parser = argparse.ArgumentParser(prog=prog, description=description)
    parser.add_argument("output_dir", nargs="?", help="folder for the results")
    parser.add_argument("--preset", choices=preset_names(), help="a configuration that comes with the package")
    parser.add_argument("--config-file", metavar="FILE", help="a YAML configuration of your own")
    parser.add_argument("--config", metavar="KEY=VALUE", nargs="+", action="append", help="change single settings")
    parser.add_argument("--dump-config", action="store_true", help="print the configuration and stop")
    parser.add_argument(
        "--checkpoint-dir", metavar="DIR", help="folder for checkpoints (default: OUTPUT_DIR/checkpoints)"
    )
    parser.add_argument("--no-rich", action="store_true", help="plain log lines")
    parser.add_argument("--no-exit-on-error", action="store_true", help="show where an error came from")
    return parser


def run_command(
    prog: str, description: str, load_recipe: Callable[[], Recipe], arguments: Sequence[str] | None = None
) -> None:
    """Run a recipe from a command line.

    Args:
        prog: the command's name.
        description: what it does.
        load_recipe: makes the recipe; called only when it is going to run.
        arguments: those after the command; by default the process's own.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    parser = make_parser(prog, description)
    known = parser.parse_args(arguments)
    if known.output_dir is None and not known.dump_config:
        parser.error("output_dir is missing")
    if known.preset is not None and known.config_file is not None:
        parser.error("give --preset or --config-file, not both")

    from fairseq2.recipe import main

    from signdiff_slp.training import hide_environment

    hide_environment()
    sys.argv = [prog, *_with_config_file(arguments)]
    main(load_recipe())


def _with_config_file(arguments: list[str]) -> list[str]:
    """Replace ``--preset NAME`` by the ``--config-file`` that it stands for."""
    replaced, rest = [], iter(arguments)
    for argument in rest:
        if argument == "--preset":
            replaced += ["--config-file", str(preset_path(next(rest)))]
        elif argument.startswith("--preset="):
            replaced += ["--config-file", str(preset_path(argument.partition("=")[2]))]
        else:
            replaced.append(argument)
    return replaced
