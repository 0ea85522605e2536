"""Recipes of signdiff-slp, and what is made of their runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kill.command import LOGS, Command, module, script

if TYPE_CHECKING:
    from pathlib import Path

    from kill.command import Words

_VOLATILE = rf"{LOGS}|/trainer/|/data_reader/"
"""A checkpoint tells times, and how far the corpus was read ahead; its weights and its optimizer are compared."""


def _recipe(kind: str, *words: str | Path) -> Words:
    return module(f"signdiff_slp.recipes.{kind}", *words)


def _train(home: Path, out: Path) -> Words:
    settings = {
        "model.arch": "tiny",
        "model.config_overrides.max_frames_per_token": 10,
        "dataset.config_overrides.data_dir": home / "corpus",
        "dataset.max_num_frames": 128,
        "dataset.max_seq_len": 64,
        "regime.num_steps": 6,
        "regime.score_metric": "pose_loss",
        "regime.validate_every_n_steps": 6,
        "regime.checkpoint_every_n_steps": 2,
        "regime.publish_metrics_every_n_steps": 2,
        "validate_free_decoding": "false",
        "common.no_sweep_dir": "true",
        "common.metric_recorders.tensorboard.enabled": "false",
    }
    return _recipe(
        "train", out / "run", "--no-rich", "--config", *(f"{key}={value}" for key, value in settings.items())
    )


RECIPES = [
    Command(name="recipe train", line=_train, volatile=_VOLATILE),
    *(
        Command(
            name=f"recipe {kind}",
            line=lambda home, out, kind=kind: _recipe(
                *(kind, out / "run", "--no-rich", "--config", f"dataset.config_overrides.data_dir={home / 'corpus'}"),
                "common.metric_recorders.tensorboard.enabled=false",
            ),
            volatile=LOGS,
        )
        for kind in ("generate", "evaluate")
    ),
    Command(
        name="export",
        before=_train,
        line=lambda home, out: module("signdiff_slp.export", out / "run" / "checkpoints", "-o", out / "model"),
        volatile=LOGS,
    ),
    Command(
        name="interop",
        line=lambda home, out: module(
            *("signdiff_slp.interop", home / "published" / "best.ckpt", "-o", out / "model", "--heads", "2"),
            *("--corpus", home / "corpus", "--vocabulary", home / "published" / "src_vocab.txt"),
        ),
    ),
    Command(
        name="slp curves",
        before=_train,
        line=lambda home, out: script("signdiff-slp", "curves", out / "run", "-o", out / "curves.png"),
        volatile=LOGS,
        older="curves.png",
    ),
]
