"""The settings that make a recipe take a trained run, or an exported model, with its tokenizer."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from signdiff_slp.runs import CORPUS, TOKENIZER, Run, find_run

if TYPE_CHECKING:
    from collections.abc import Iterator


def model_settings(source: str) -> list[str]:
    """Give the settings of a model and its tokenizer, each as ``--config`` takes it.

    Args:
        source: the folder of a run, its ``checkpoints``, a ``step_N`` of them, the folder of an exported or converted
            model, or the name of a fairseq2 asset.

    Raises:
        FileNotFoundError: the run has no checkpoint yet.
        ValueError: ``source`` is none of these, or a file in it is broken.
    """
    path = Path(source)
    run = find_run(path)
    if run is not None:
        return [*_run_model(run), *_run_tokenizer(run)]
    if path.is_dir():
        return [*_released_model(path), *_saved_tokenizer(path)]
    if len(path.parts) != 1 or path.exists():
        raise ValueError(
            f"model must be the folder of a run or of a model, or the name of a fairseq2 asset, but is {source}."
        )
    return [
        *_items(model={"name": source, "path": None, "family": None, "arch": None, "config_overrides": None}),
        *_items(tokenizer={"name": source, "path": None, "family": None, "config_overrides": None}),
    ]


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
    return list(_items(dataset={"config_overrides": overrides, **kept})) if overrides else []


def own_settings(checkpoints: Path) -> tuple[Path, list[str]] | None:
    """Find the settings of a run that is to go on.

    Args:
        checkpoints: its folder of checkpoints.

    Returns:
        The file, and what in it has a better place: the run's corpus, and its tokenizer where what the file names is
        another one by now. Nothing, if there is no checkpoint.
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


def _run_model(run: Run) -> Iterator[str]:
    if run.step is None:
        raise FileNotFoundError(f"{run.checkpoints} must hold a checkpoint, but holds none yet.")
    name = "last_checkpoint" if run.newest else f"checkpoint_{run.step.name}"
    yield from _items(model={"name": name, "path": None, "family": None, "arch": None, "config_overrides": None})
    yield from _items(**{"common.assets": {"prev_checkpoint_dir": str(run.checkpoints.resolve())}})


def _run_tokenizer(run: Run) -> list[str]:
    if (run.checkpoints / TOKENIZER).is_file():
        return _saved_tokenizer(run.checkpoints)
    section = run.read_settings().get("tokenizer")
    return list(_items(tokenizer=section)) if section else []


def _released_model(folder: Path) -> Iterator[str]:
    from signdiff_slp.models.progressive.config import PROGRESSIVE_FAMILY
    from signdiff_slp.models.progressive.release import WEIGHTS, check_release

    config = dataclasses.asdict(check_release(folder))
    path = str((folder / WEIGHTS).resolve())
    yield from _items(
        model={"name": None, "path": path, "family": PROGRESSIVE_FAMILY, "arch": None, "config_overrides": config}
    )


def _saved_tokenizer(folder: Path) -> list[str]:
    from signdiff_slp.tokenizers.saved import describe_saved

    path, family, settings = describe_saved(folder)
    section = {"name": None, "path": str(path.resolve()), "family": family, "config_overrides": settings}
    return list(_items(tokenizer=section))


def _items(**sections: dict[str, Any]) -> Iterator[str]:
    for section, values in sections.items():
        # What JSON writes, YAML reads.
        yield from (f"{section}.{name}={json.dumps(value)}" for name, value in values.items())
