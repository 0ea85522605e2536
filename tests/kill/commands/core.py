"""Commands of signdiff-core."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from kill.command import LOGS, Command, module, script

if TYPE_CHECKING:
    from collections.abc import Callable

    from kill.command import Words


def _frames_of(layout: str) -> Callable[[Path, Path], Words]:
    def line(home: Path, out: Path) -> Words:
        where = (home / "videos", home / "pixels", "-o", out / "set")
        small = ("--size", "64", "--shard", "2", "--workers", "2", "--max-padding", "1", "--format", layout)
        return script("signdiff", "prepare-frames", *where, *small)

    return line


_BUNDLED = Path(str(files("signdiff_core"))) / "diffusion" / "bundled"

_TINY_BASE = (
    *("--resolution", "64", "--vae_channels", "8", "32", "32", "--latent_channels", "12"),
    *("--unet_channels", "8", "16", "--text_width", "64", "--text_layers", "1", "--text_length", "16"),
)


def _make_base(home: Path, out: Path) -> Words:
    where = ("--train_data_dir", home / "frames", "--output_dir", out / "base")
    return module("signdiff_core.demo.make_base", *where, *_TINY_BASE)


CORE = [
    Command(
        name="convert .skels",
        line=lambda home, out: script("signdiff", "convert", home / "long.pose", out / "a.skels"),
        older="a.skels",
        is_quick=True,
    ),
    Command(
        name="convert openpose",
        once=True,
        line=lambda home, out: script("signdiff", "convert", home / "long.pose", out / "a"),
        is_quick=True,
    ),
    Command(
        name="render skeleton",
        line=lambda home, out: script(
            *("signdiff", "render", home / "long.pose", "-o", out / "a.mp4", "--renderer", "skeleton", "--size", "128")
        ),
        again=("--resume",),
        older="a.mp4",
        is_quick=True,
    ),
    Command(
        name="render diffusion",
        line=lambda home, out: script(
            *("signdiff", "render", home / "short.pose", "-o", out / "a.mp4", "--steps", "1", "--chunk-size", "1")
        ),
        again=("--resume",),
        older="a.mp4",
    ),
    Command(
        name="render avatar",
        line=lambda home, out: script(
            *("signdiff", "render", home / "short.pose", "-o", out / "a.mp4", "--renderer", "avatar", "--size", "64")
        ),
        again=("--resume",),
        older="a.mp4",
    ),
    Command(
        name="translate",
        line=lambda home, out: script("signdiff", "translate", "hi", "-o", out / "hi.pose"),
        older="hi.pose",
    ),
    Command(
        name="generate",
        line=lambda home, out: script(
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
        line=_make_base,
        once=True,
    ),
    Command(
        name="train controlnet",
        before=_make_base,
        line=lambda home, out: module(
            *("signdiff_core.training.train_controlnet", "--pretrained_model_name_or_path", out / "base"),
            *("--train_data_dir", home / "frames", "--output_dir", out / "run", "--max_train_steps", "4"),
            *("--train_batch_size", "2", "--checkpointing_steps", "1", "--validation_steps", "100"),
            *("--num_validation_images", "0", "--num_validation_frames", "0", "--report_to", "none"),
            *("--resume_from_checkpoint", "latest"),
        ),
        volatile=LOGS,
    ),
    Command(
        name="train vae",
        before=_make_base,
        line=lambda home, out: module(
            *("signdiff_core.training.train_vae", "--pretrained_model_name_or_path", out / "base"),
            *("--train_data_dir", home / "frames", "--output_dir", out / "run", "--resolution", "64"),
            *("--crop_sizes", "32", "--train_batch_size", "2", "--max_train_steps", "4", "--checkpointing_steps", "1"),
            *("--num_validation_images", "2", "--resume_from_checkpoint", "latest"),
        ),
        volatile=rf"{LOGS}|/measured\.json$",  # which tells how long a frame takes
    ),
    Command(
        name="widen",
        line=lambda home, out: module(
            *("signdiff_core.demo.widen", "--pretrained_model_name_or_path", _BUNDLED),
            *("--output_dir", out / "wider"),
        ),
        once=True,
    ),
    Command(
        name="bundle",
        line=lambda home, out: module(
            *("signdiff_core.demo.bundle", "--pipeline", _BUNDLED, "--output_dir", out / "bundle")
        ),
    ),
    Command(
        name="avatar frames",
        line=lambda home, out: module(
            *("signdiff_core.avatar.frames", "--poses", home / "poses", "-o", out / "set"),
            *("--frames", "4", "--size", "64", "--workers", "2"),
        ),
    ),
]
