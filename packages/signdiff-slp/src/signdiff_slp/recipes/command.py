"""The recipes' command lines: help without loading fairseq2, presets by name, runs and models by their folder."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from signdiff_core.wording import one_line
from signdiff_slp.commands.parser import CommandParser
from signdiff_slp.recipes.stopping import Stopped, clear_up, stopping_on_signals
from signdiff_slp.shown import told

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


def make_parser(prog: str, description: str) -> CommandParser:
    """Describe the arguments; fairseq2 knows all but ``--preset``, ``--model`` and ``--corpus``."""
    parser = CommandParser(prog=prog, description=description)
    parser.add_argument("output_dir", nargs="?", help="folder for the results")
    parser.add_argument(
        "--model",
        metavar="RUN|MODEL",
        help="folder of a training run (its newest checkpoint, or step_N in it) or of an exported model: the weights, "
        "and the tokenizer with its settings",
    )
    parser.add_argument("--corpus", type=Path, metavar="DIR", help="folder with SPLIT.tsv (default: that of the run)")
    parser.add_argument("--preset", choices=preset_names(), help="a configuration that comes with the package")
    parser.add_argument("--config-file", metavar="FILE", help="a YAML configuration of your own")
    parser.add_argument(
        "--config", metavar="KEY=VALUE", nargs="+", action="append", default=[], help="change single settings"
    )
    parser.add_argument("--dump-config", action="store_true", help="print the configuration and stop")
    parser.add_argument(
        "--checkpoint-dir", metavar="DIR", help="folder for checkpoints (default: OUTPUT_DIR/checkpoints)"
    )
    parser.add_argument("--no-rich", action="store_true", help="plain log lines")
    parser.add_argument("--no-exit-on-error", action="store_true", help="show where an error came from")
    return parser


def run_command(
    prog: str,
    description: str,
    load_recipe: Callable[[], Recipe],
    arguments: Sequence[str] | None = None,
    *,
    resumes: bool = False,
) -> None:
    """Run a recipe from a command line.

    Args:
        prog: the command's name.
        description: what it does.
        load_recipe: makes the recipe; called only when it is going to run.
        arguments: those after the command; by default the process's own.
        resumes: a folder with checkpoints is a run that goes on, with its own settings where no others are given.
    """
    parser = make_parser(prog, description)
    known = parser.parse_args(sys.argv[1:] if arguments is None else list(arguments))
    if known.output_dir is None and not known.dump_config:
        parser.error("output_dir is missing")
    if known.preset is not None and known.config_file is not None:
        parser.error("give --preset or --config-file, not both")
    with stopping_on_signals():
        try:
            settings = _settings(known, resumes=resumes)
            _run(prog, load_recipe, _fairseq2_arguments(known, settings), with_traces=known.no_exit_on_error)
        except (OSError, ValueError) as error:
            if known.no_exit_on_error:
                raise
            parser.exit(1, f"{prog}: error: {one_line(told(error))}\n")
        except Stopped as stop:
            kept = clear_up(Path(known.output_dir or "."), _checkpoints(known))
            parser.exit(stop.exit_status, f"{prog}: {stop.word}; {kept}.\n")


def _run(prog: str, load_recipe: Callable[[], Recipe], arguments: list[str], *, with_traces: bool) -> None:
    from fairseq2.recipe import main

    from signdiff_slp.recipes.deprecations import hiding_own_deprecation
    from signdiff_slp.recipes.explained import explain_in_one_line
    from signdiff_slp.training import hide_environment

    hide_environment()
    if not with_traces:
        explain_in_one_line()
    sys.argv = [prog, *arguments]
    with hiding_own_deprecation():
        main(load_recipe())


def _checkpoints(known: argparse.Namespace) -> Path:
    return Path(known.checkpoint_dir or Path(known.output_dir or ".") / "checkpoints")


def _settings(known: argparse.Namespace, *, resumes: bool) -> list[str]:
    """Make the settings of the named folders, which come before those that are given one by one."""
    given = [item for items in known.config for item in items]
    settings: list[str] = []
    if resumes and known.output_dir is not None and known.preset is None and known.config_file is None:
        from signdiff_slp.recipes.source import own_settings

        own = own_settings(_checkpoints(known))
        if own is not None:
            known.config_file, settings = str(own[0]), own[1]
    if known.model is not None:
        from signdiff_slp.recipes.source import corpus_settings, model_settings

        settings += [*model_settings(known.model), *corpus_settings(known.model)]
    if any(item.lstrip().startswith(("tokenizer.name=", "tokenizer.path=")) for item in given):
        settings = [item for item in settings if not item.startswith("tokenizer.")]
    if known.corpus is not None:
        settings.append(f'dataset.config_overrides.data_dir="{known.corpus.expanduser().resolve()}"')
    return [*settings, *given]


def _fairseq2_arguments(known: argparse.Namespace, settings: list[str]) -> list[str]:
    file = preset_path(known.preset) if known.preset is not None else known.config_file
    return [
        *([known.output_dir] if known.output_dir is not None else []),
        *(["--config-file", str(file)] if file is not None else []),
        # One by one: within one option, fairseq2 sets whole sections after single settings of them.
        *(part for item in settings for part in ("--config", item)),
        *(["--checkpoint-dir", known.checkpoint_dir] if known.checkpoint_dir is not None else []),
        *(
            f"--{name.replace('_', '-')}"
            for name in ("dump_config", "no_rich", "no_exit_on_error")
            if getattr(known, name)
        ),
    ]
