"""The recipes' command lines: help without fairseq2, presets by name, runs and models by their folder, and signals."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Final, NoReturn

from signdiff_core.wording import one_line
from signdiff_slp.commands.parser import CommandParser, error_text
from signdiff_slp.runs import CORPUS, TOKENIZER, Run, find_run

if TYPE_CHECKING:
    from fairseq2.recipe import Recipe

_CONFIGS: Final = Path(str(files("signdiff_slp.recipes"))) / "configs"

_TOKENIZER: Final = dict.fromkeys(("name", "path", "family", "config_overrides"))
"""A section that names no tokenizer: what a model's own settings are set over."""

_MODEL: Final = {**_TOKENIZER, "arch": None}

_WORDS: Final = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}


def preset_names() -> list[str]:
    """List the configurations that come with the package."""
    return sorted(path.stem for path in _CONFIGS.glob("*.yaml"))


def preset_path(name: str) -> Path:
    """Find a configuration by its name; a ``ValueError`` names those that there are."""
    if name not in preset_names():
        raise ValueError(f"preset must be one of {', '.join(preset_names())}, but is {name!r}.")
    return _CONFIGS / f"{name}.yaml"


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
    """Run a recipe from a command line; ``load_recipe`` is called only when it is going to run.

    Where it ``resumes``, a folder with checkpoints is a run, with its own settings where no others are given.
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
            named = known.config_file or known.dump_config or any(each.startswith("dataset.") for each in settings)
            if not named:  # before fairseq2 makes the folder
                parser.error("--corpus is missing")
            _run(prog, load_recipe, known, settings)
        except (OSError, ValueError) as error:
            if known.no_exit_on_error:
                raise
            parser.exit(1, f"{prog}: error: {one_line(error_text(error))}\n")
        except Stopped as stop:
            kept = clear_up(Path(known.output_dir or "."), _checkpoints(known))
            parser.exit(stop.exit_status, f"{prog}: {stop.word}; {kept}.\n")


def _run(prog: str, load_recipe: Callable[[], Recipe], known: argparse.Namespace, settings: list[str]) -> None:
    from fairseq2.recipe import main

    from signdiff_slp.recipes.messages import (
        explain_in_one_line,
        hide_environment,
        hiding_own_deprecation,
        name_the_model,
    )

    hide_environment()
    if not known.no_exit_on_error:
        explain_in_one_line()
    if known.model is not None:
        name_the_model(known.model)
    sys.argv = [prog, *_fairseq2_arguments(known, settings)]
    with hiding_own_deprecation():
        main(load_recipe())


def _checkpoints(known: argparse.Namespace) -> Path:
    return Path(known.checkpoint_dir or Path(known.output_dir or ".") / "checkpoints")


def _settings(known: argparse.Namespace, *, resumes: bool) -> list[str]:
    """Make the settings of the named folders, which come before those that are given one by one."""
    given = [item for items in known.config for item in items]
    settings: list[str] = []
    if resumes and known.output_dir is not None and known.preset is None and known.config_file is None:
        own = own_settings(_checkpoints(known))
        if own is not None:
            known.config_file, settings = str(own[0]), own[1]
    if known.model is not None:
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


def model_settings(source: str) -> list[str]:
    """Give the settings of a model and its tokenizer, each as ``--config`` takes it.

    ``source`` is the folder of a run, its ``checkpoints``, a ``step_N`` of them, the folder of an exported or converted
    model, or the name of a fairseq2 asset. Raises a ``FileNotFoundError`` if the run has no checkpoint yet, a
    ``ValueError`` if the source is none of these, or a file in it is broken.
    """
    path = Path(source)
    run = find_run(path)
    if run is not None:
        if run.step is None:
            raise FileNotFoundError(f"{run.checkpoints} must hold a checkpoint, but holds none yet.")
        name = "last_checkpoint" if run.newest else f"checkpoint_{run.step.name}"
        assets = _items("common.assets", {"prev_checkpoint_dir": str(run.checkpoints.resolve())})
        return [*_items("model", {**_MODEL, "name": name}), *assets, *_run_tokenizer(run)]
    if path.is_dir():
        from signdiff_slp.models.progressive.config import PROGRESSIVE_FAMILY
        from signdiff_slp.models.progressive.release import WEIGHTS, check_release

        config = dataclasses.asdict(check_release(path))
        found = {"path": str((path / WEIGHTS).resolve()), "family": PROGRESSIVE_FAMILY, "config_overrides": config}
        return [*_items("model", {**_MODEL, **found}), *_saved_tokenizer(path)]
    if len(path.parts) != 1 or path.exists():
        raise ValueError(
            f"model must be the folder of a run or of a model, or the name of a fairseq2 asset, but is {source}."
        )
    return [*_items("model", {**_MODEL, "name": source}), *_items("tokenizer", {**_TOKENIZER, "name": source})]


def corpus_settings(source: str) -> list[str]:
    """Give the settings of a run's corpus; none for a model, which has none."""
    run = find_run(Path(source))
    if run is None:
        return []
    noted, dataset = run.read_corpus(), run.read_settings().get("dataset") or {}
    overrides = dict(dataset.get("config_overrides") or {})
    if "data_dir" in noted:
        overrides["data_dir"] = noted["data_dir"]
    kept = {name: dataset[name] for name in ("max_num_frames", "max_seq_len") if name in dataset}
    return _items("dataset", {"config_overrides": overrides, **kept}) if overrides else []


def own_settings(checkpoints: Path) -> tuple[Path, list[str]] | None:
    """Find the settings of a run that is to be resumed, if there is a checkpoint: the file, and what goes before it.

    That is the run's corpus, and its tokenizer where what the file names is another one by now.
    """
    run = find_run(checkpoints)
    if run is None or run.step is None or not run.settings_file.is_file():
        return None
    is_moved = (checkpoints / TOKENIZER).is_file() and not _names_its_tokenizer(run)
    moved = _saved_tokenizer(checkpoints) if is_moved else []
    corpus = corpus_settings(str(checkpoints)) if (checkpoints / CORPUS).is_file() else []
    return run.settings_file, [*corpus, *moved]


def _names_its_tokenizer(run: Run) -> bool:
    from signdiff_slp.tokenizers.saved import differences, load_tokenizer

    try:
        named = run.load_named_tokenizer()
    except (OSError, ValueError):
        return False
    return named is not None and not differences(load_tokenizer(run.checkpoints), named)


def _run_tokenizer(run: Run) -> list[str]:
    if (run.checkpoints / TOKENIZER).is_file():
        return _saved_tokenizer(run.checkpoints)
    section = run.read_settings().get("tokenizer")
    return _items("tokenizer", section) if section else []


def _saved_tokenizer(folder: Path) -> list[str]:
    from signdiff_slp.tokenizers.saved import describe_saved

    path, family, settings = describe_saved(folder)
    found = {"path": str(path.resolve()), "family": family, "config_overrides": settings}
    return _items("tokenizer", {**_TOKENIZER, **found})


def _items(section: str, values: Mapping[str, Any]) -> list[str]:
    # What JSON writes, YAML reads.
    return [f"{section}.{name}={json.dumps(value)}" for name, value in values.items()]


class Stopped(BaseException):
    """The process was asked to end, by the signal ``number``.

    Not a ``KeyboardInterrupt``, on which fairseq2 ends the process by the signal itself, and so without a word.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.word = _WORDS[signal.Signals(number)]
        self.exit_status = 128 + number


@contextmanager
def stopping_on_signals() -> Iterator[None]:
    """Have the first SIGINT or SIGTERM raise `Stopped`; those after it change nothing, so that clearing up ends.

    A signal that the process ignores stays ignored. Outside the main thread this does nothing.
    """
    before, unraisable = {}, sys.unraisablehook
    if threading.current_thread() is threading.main_thread():
        before = {number: signal.getsignal(number) for number in _WORDS}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, _raise)
            sys.unraisablehook = _raise_again
    try:
        yield
    finally:
        sys.unraisablehook = unraisable
        for number, handler in before.items():
            signal.signal(number, handler)


def clear_up(output_dir: Path, checkpoints: Path) -> str:
    """Remove checkpoints of a run that are not whole, and say what is kept and how to resume."""
    if int(os.environ.get("RANK", "0")) == 0:
        for half in checkpoints.glob("step_*.tmp"):
            shutil.rmtree(half, ignore_errors=True)
    run = find_run(checkpoints)
    if run is not None and run.step is not None:
        return f"checkpoints up to {run.step.name} are kept, and the same command resumes from there"
    poses = sum(1 for _ in (output_dir / "poses").rglob("*.pose"))
    if poses:
        return f"{poses} poses are kept in {output_dir / 'poses'}, and the same command signs all texts again"
    return "there is nothing to keep yet, and the same command starts anew"


def _raise(number: int, _frame: FrameType | None) -> NoReturn:
    for each in _WORDS:
        signal.signal(each, signal.SIG_IGN)
    raise Stopped(number)


def _raise_again(lost: sys.UnraisableHookArgs) -> None:
    """Where an object is deleted, as imports do, Python drops what is raised: the signal comes once more, shortly."""
    if not isinstance(lost.exc_value, Stopped):
        sys.__unraisablehook__(lost)
        return
    number = lost.exc_value.exit_status - 128
    signal.signal(number, _raise)
    again = threading.Timer(0.05, os.kill, [os.getpid(), number])
    again.daemon = True
    again.start()
