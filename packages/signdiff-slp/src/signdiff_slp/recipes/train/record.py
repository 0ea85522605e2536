"""What a run notes beside its checkpoints, and holds itself to when it is resumed."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any, Final, cast, get_args

from fairseq2.data.tokenizers import Tokenizer
from fairseq2.gang import Gangs
from fairseq2.logging import log
from fairseq2.recipe.error import RecipeError

from signdiff_core.atomic import replacing
from signdiff_slp.datasets.text_pose import TextPoseDataset
from signdiff_slp.models.progressive import ProgressiveConfig
from signdiff_slp.models.progressive.release import read_run_config
from signdiff_slp.runs import CORPUS, MODEL, SETTINGS, Run, find_run
from signdiff_slp.tokenizers.saved import AnyTokenizer, differences, save_tokenizer

_CHANGEABLE: Final = frozenset(
    {"constant_bones", "fps", "max_source_len", "max_piece_len", "max_target_len"}
) | frozenset({"max_frames_per_token", "dropout_p"})
"""Settings of a model with which its weights stay what they are."""

_ELSEWHERE: Final = (
    "Resume with the run's own settings, or train in a new folder (--model starts from this run's weights)"
)


def fingerprint(data_dir: Path, split: str) -> dict[str, object]:
    """Tell one split of a corpus from any other: its number of examples, SHA-256 of its texts and of its poses."""
    table, poses = data_dir / f"{split}.tsv", data_dir / f"{split}.poses.npy"
    digests = {}
    for name, path in (("texts", table), ("poses", poses)):
        with path.open("rb") as file:
            digests[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return {"examples": table.read_bytes().count(b"\n"), **digests}


class RunRecord:
    """What a run has noted, if it is one that is resumed; all ranks have to make one.

    It is made before the model: fairseq2 then writes ``model.yaml`` anew.
    """

    def __init__(self, checkpoints: Path, gangs: Gangs) -> None:
        self._checkpoints = checkpoints
        self._gangs = gangs
        found = find_run(checkpoints)
        self._run: Run | None = None if found is None or found.step is None else found
        self._model_file = (checkpoints / MODEL).read_bytes() if self._run else b""
        try:
            self._model = read_run_config(checkpoints / MODEL) if self._run else None
        except ValueError as error:
            raise RecipeError(f"a run cannot be resumed whose model is unknown: {error}") from None
        gangs.root.barrier()

    def check_corpus(self, dataset: TextPoseDataset, train_split: str, valid_split: str | None) -> dict[str, Any]:
        """Make sure that a run is resumed with its own corpus, or raise a ``RecipeError``; gives what to note of it."""
        noted: list[object] = [None]
        if self._gangs.root.rank == 0:
            noted = [self._describe(dataset, train_split, valid_split)]
        self._gangs.root.broadcast_objects(noted)
        corpus = cast("dict[str, Any]", noted[0])
        before = self._run.read_corpus() if self._run else {}
        for part in ("texts", "poses"):
            was, now = before.get("train", {}), corpus["train"]
            if was and was[part] != now[part]:
                raise RecipeError(
                    f"dataset must be the corpus of the run in {self._checkpoints}, but {dataset.data_dir} holds other "
                    f"{part} of {train_split} ({now['examples']} examples, {part} {now[part][:8]}; the run's, in "
                    f"{before.get('data_dir')}, has {was['examples']}, {was[part][:8]}). {_ELSEWHERE}."
                )
        if before.get("valid") and before["valid"] != corpus["valid"]:
            log.warning("The texts or poses that the run is validated on have changed: earlier scores are of others.")
        return corpus

    @property
    def is_resumed(self) -> bool:
        """Whether there is a checkpoint of the run."""
        return self._run is not None

    @property
    def logs_comparable_loss(self) -> bool:
        """Whether the run has logged ``comparable_loss`` from its start, as all but older ones do."""
        return self._run is None or bool(self._run.read_corpus().get("comparable_loss"))

    def check_tokenizer(self, tokenizer: Tokenizer) -> None:
        """Make sure that a run is resumed with its own tokenizer; a ``RecipeError`` says how another one differs."""
        own = self._run.load_tokenizer() if self._run and (self._checkpoints / "tokenizer.json").is_file() else None
        known = own is not None and isinstance(tokenizer, get_args(AnyTokenizer))
        if known and (differing := differences(cast("AnyTokenizer", own), cast("AnyTokenizer", tokenizer))):
            raise RecipeError(
                f"tokenizer must be that of the run in {self._checkpoints}, but has {' and '.join(differing)}. "
                f"{_ELSEWHERE}."
            )

    def check_model(self, config: ProgressiveConfig) -> None:
        """Make sure that a run is resumed with its own model; else ``model.yaml`` gets back what it held."""
        if self._model is None:
            return
        was, now = dataclasses.asdict(self._model), dataclasses.asdict(config)
        differing = [name for name in was if was[name] != now[name] and name not in _CHANGEABLE]
        if not differing:
            return
        if self._gangs.root.rank == 0:
            with replacing(self._checkpoints / MODEL) as temporary:
                temporary.write_bytes(self._model_file)
        has = " and ".join(f"{name} {was[name]}" for name in differing)
        given = " and ".join(f"{name} {now[name]}" for name in differing)
        raise RecipeError(
            f"model must be that of the run in {self._checkpoints}, with {has}, but has {given}. {_ELSEWHERE}."
        )

    def write(self, corpus: dict[str, Any], tokenizer: Tokenizer, settings: Path) -> None:
        """Note a run's corpus, as `check_corpus` gave it, its tokenizer if it is one of ours, and its settings."""
        if self._gangs.root.rank != 0:
            return
        if isinstance(tokenizer, get_args(AnyTokenizer)):
            save_tokenizer(self._checkpoints, tokenizer)
        with replacing(self._checkpoints / CORPUS) as temporary:
            temporary.write_text(json.dumps(corpus, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        if settings.is_file():
            with replacing(self._checkpoints / SETTINGS) as temporary:
                shutil.copyfile(settings, temporary)

    def _describe(self, dataset: TextPoseDataset, train_split: str, valid_split: str | None) -> dict[str, Any]:
        valid = None if valid_split is None else fingerprint(dataset.data_dir, valid_split)
        return {
            "data_dir": str(dataset.data_dir),
            "comparable_loss": self.logs_comparable_loss,
            "train": fingerprint(dataset.data_dir, train_split),
            "valid": valid,
        }
