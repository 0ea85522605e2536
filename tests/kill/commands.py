"""The commands that write, each with small inputs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from kill.harness import Command

if TYPE_CHECKING:
    from collections.abc import Callable

Words = list[str | Path]

_BIN = Path(sys.executable).parent
_LOGS = r"(^|/)(logs|tb|tensorboard|cache)/|\.log$|(^|/)metrics/"


def _script(name: str, *words: str | Path) -> Words:
    return [_BIN / name, *words]


def _module(name: str, *words: str | Path) -> Words:
    return [sys.executable, "-m", name, *words]


def _frames_of(layout: str) -> Callable[[Path, Path], Words]:
    def line(home: Path, out: Path) -> Words:
        where = (home / "videos", home / "pixels", "-o", out / "set")
        small = ("--size", "64", "--shard", "2", "--workers", "2", "--max-padding", "1", "--format", layout)
        return _script("signdiff", "prepare-frames", *where, *small)

    return line


def _recipe(kind: str, *words: str | Path) -> Words:
    return _module(f"signdiff_slp.recipes.{kind}", *words)


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
        "common.no_sweep_dir": "true",
        "common.metric_recorders.tensorboard.enabled": "false",
    }
    return _recipe(
        "train", out / "run", "--no-rich", "--config", *(f"{key}={value}" for key, value in settings.items())
    )


CORE = [
    Command(
        name="convert .skels",
        line=lambda home, out: _script("signdiff", "convert", home / "long.pose", out / "a.skels"),
        older="a.skels",
        is_quick=True,
    ),
    Command(
        name="convert openpose",
        once=True,
        line=lambda home, out: _script("signdiff", "convert", home / "long.pose", out / "a"),
    ),
    Command(
        name="render skeleton",
        line=lambda home, out: _script(
            *("signdiff", "render", home / "long.pose", "-o", out / "a.mp4", "--renderer", "skeleton", "--size", "128")
        ),
        again=("--resume",),
        older="a.mp4",
        is_quick=True,
    ),
    Command(
        name="render diffusion",
        line=lambda home, out: _script(
            *("signdiff", "render", home / "short.pose", "-o", out / "a.mp4", "--steps", "1", "--chunk-size", "1")
        ),
        again=("--resume",),
        older="a.mp4",
    ),
    Command(
        name="render avatar",
        line=lambda home, out: _script(
            *("signdiff", "render", home / "short.pose", "-o", out / "a.mp4", "--renderer", "avatar", "--size", "64")
        ),
        again=("--resume",),
        older="a.mp4",
    ),
    Command(
        name="translate",
        line=lambda home, out: _script("signdiff", "translate", "hi", "-o", out / "hi.pose"),
        older="hi.pose",
    ),
    Command(
        name="generate",
        line=lambda home, out: _script(
            *("signdiff", "generate", "a", "-o", out / "a.mp4", "--renderer", "skeleton", "--size", "64"),
            *("--pose", out / "a.pose"),
        ),
        again=("--resume",),
        older="a.mp4",
    ),
    Command(name="prepare-frames folder", line=_frames_of("folder")),
    Command(name="prepare-frames webdataset", line=_frames_of("webdataset"), is_quick=True),
    Command(
        name="train make_base",
        line=lambda home, out: _module(
            *("signdiff_core.training.make_base", "--train_data_dir", home / "frames", "--output_dir", out / "base"),
            *_TINY_BASE,
        ),
        once=True,
    ),
    Command(
        name="train controlnet",
        before=lambda home, out: _module(
            *("signdiff_core.training.make_base", "--train_data_dir", home / "frames", "--output_dir", out / "base"),
            *_TINY_BASE,
        ),
        line=lambda home, out: _module(
            *("signdiff_core.training.train_controlnet", "--pretrained_model_name_or_path", out / "base"),
            *("--train_data_dir", home / "frames", "--output_dir", out / "run", "--max_train_steps", "4"),
            *("--train_batch_size", "2", "--checkpointing_steps", "1", "--validation_steps", "100"),
            *(
                "--num_validation_images",
                "0",
                "--num_validation_frames",
                "0",
                "--report_to",
                "none",
                "--resume_from_checkpoint",
                "latest",
            ),
        ),
        volatile=_LOGS,
    ),
]

_TINY_BASE = (
    *("--resolution", "64", "--vae_channels", "8", "32", "32", "--latent_channels", "12"),
    *("--unet_channels", "8", "16", "--text_width", "64", "--text_layers", "1", "--text_length", "16"),
)

FRNET = [
    Command(
        name="frnet image",
        line=lambda home, out: _script("signdiff-frnet", home / "images" / "one.png", "-o", out / "one.png"),
        older="one.png",
        is_quick=True,
    ),
    Command(
        name="frnet folder",
        line=lambda home, out: _script("signdiff-frnet", home / "images", home / "videos", "-o", out / "maps"),
    ),
    Command(
        name="frnet video",
        line=lambda home, out: _script("signdiff-frnet", home / "videos" / "four.mp4", "-o", out / "four.mp4"),
        older="four.mp4",
        is_quick=True,
    ),
    Command(
        name="train predictor",
        line=lambda home, out: _module(
            *("signdiff_frnet.training.train_predictor", "--train_data_dir", home / "pairs"),
            *("--validation_data_dir", home / "pairs", "--output_dir", out / "run", "--max_train_steps", "4"),
            *("--train_batch_size", "2", "--checkpointing_steps", "1", "--validation_steps", "2", "--resolutions"),
            *(
                "64",
                "--block_out_channels",
                "8",
                "8",
                "8",
                "8",
                "8",
                "--report_to",
                "none",
                "--num_validation_samples",
                "4",
            ),
            *("--resume_from_checkpoint", "latest", "--dataloader_num_workers", "0"),
        ),
        volatile=_LOGS,
    ),
]

EVAL = [
    Command(
        name="score",
        line=lambda home, out: _script(
            "signdiff-eval", "score", "--ref", home / "poses", "--hyp", home / "other", "--json"
        ),
        stdout=True,
    ),
    Command(
        name="audit",
        line=lambda home, out: _script("signdiff-eval", "audit", home / "other", "--ref", home / "poses", "--json"),
        stdout=True,
    ),
    Command(
        name="compare",
        line=lambda home, out: _script(
            *("signdiff-eval", "compare", "--ref", home / "poses", "--sys", f"a={home / 'other'}"),
            *("--sys", f"b={home / 'poses'}", "--samples", "50", "--trials", "50", "--html", out / "report.html"),
        ),
        older="report.html",
    ),
    Command(
        name="train backtranslation",
        line=lambda home, out: _module(
            *("signdiff_eval.training.train_backtranslation", "--train_data", home / "corpus"),
            *("--output_dir", out / "run", "--max_train_steps", "4", "--train_batch_size", "2"),
            *("--checkpointing_steps", "1", "--validation_steps", "2", "--d_model", "16", "--encoder_layers", "1"),
            *("--decoder_layers", "1", "--heads", "2", "--conv_channels", "16", "--report_to", "none"),
            *("--resume_from_checkpoint", "latest"),
        ),
        volatile=_LOGS,
    ),
]

SLP = [
    Command(
        name="slp prepare",
        line=lambda home, out: _script(
            *("signdiff-slp", "prepare", "--train", home / "openpose", home / "texts.tsv", "-o", out / "corpus"),
            *("--steps", "5", "--shard", "1", "--workers", "2", "--skels"),
        ),
    ),
    Command(
        name="slp corpus fingerspelling",
        once=True,
        line=lambda home, out: _script(
            "signdiff-slp", "corpus", "fingerspelling", "-o", out / "corpus", "--share", "0.002"
        ),
    ),
    Command(
        name="slp corpus poses",
        once=True,
        line=lambda home, out: _script(
            *("signdiff-slp", "corpus", "poses", home / "poses", "-o", out / "corpus", "--texts", home / "split.tsv")
        ),
    ),
    Command(
        name="slp corpus export",
        line=lambda home, out: _script("signdiff-slp", "corpus", "export", home / "corpus", "-o", out / "items"),
    ),
    Command(
        name="slp vocabulary",
        line=lambda home, out: _script(
            "signdiff-slp", "vocabulary", home / "corpus", "-o", out / "v.json", "--kind", "character"
        ),
        older="v.json",
        is_quick=True,
    ),
    Command(
        name="slp sign",
        line=lambda home, out: _script("signdiff-slp", "sign", "hi", "-o", out / "hi.pose", "--timing"),
        older="hi.pose",
    ),
    Command(
        name="slp check",
        line=lambda home, out: _script(
            *("signdiff-slp", "check", home / "texts.tsv", "--clips", home / "openpose", "--deep"),
            *("--csv", out / "found.csv"),
        ),
        older="found.csv",
        is_quick=True,
    ),
    Command(
        name="slp step lift",
        line=lambda home, out: _script(
            "signdiff-slp", "step", "lift", home / "pixels" / "one.pose", "-o", out / "one.pose", "--steps", "5"
        ),
        older="one.pose",
    ),
]

RECIPES = [
    Command(name="recipe train", line=_train, volatile=rf"{_LOGS}|/trainer/"),
    *(
        Command(
            name=f"recipe {kind}",
            line=lambda home, out, kind=kind: _recipe(
                *(kind, out / "run", "--no-rich", "--config", f"dataset.config_overrides.data_dir={home / 'corpus'}"),
                "common.metric_recorders.tensorboard.enabled=false",
            ),
            volatile=_LOGS,
        )
        for kind in ("generate", "evaluate")
    ),
    Command(
        name="export",
        before=_train,
        line=lambda home, out: _module("signdiff_slp.export", out / "run" / "checkpoints", "-o", out / "model"),
        volatile=_LOGS,
    ),
]

COMMANDS = [*CORE, *FRNET, *EVAL, *SLP, *RECIPES]
