"""Writes one small artefact of every kind with the code of today: ``python tests/written_before/make.py FOLDER``.

What lies in ``files`` was made like this by an earlier version, and is never made again: later versions add their own
folder beside it. All paths that the artefacts name are relative to FOLDER.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from kill.inputs import make

BASE = (
    *("--train_data_dir", "frames", "--output_dir", "base", "--resolution", "64", "--vae_channels", "26", "26"),
    *("--latent_channels", "4", "--unet_channels", "8", "8", "--text_width", "64", "--text_layers", "1"),
    *("--text_length", "16"),
)
STEPS = ("--max_train_steps", "4", "--train_batch_size", "2", "--checkpointing_steps", "4")
RECIPE = {
    "model.arch": "tiny",
    "model.config_overrides.max_frames_per_token": 10,
    "dataset.config_overrides.data_dir": "corpus",
    "dataset.max_num_frames": 128,
    "dataset.max_seq_len": 64,
    "regime.num_steps": 4,
    "regime.score_metric": "pose_loss",
    "regime.validate_every_n_steps": 4,
    "regime.checkpoint_every_n_steps": 4,
    "regime.publish_metrics_every_n_steps": 4,
    "validate_free_decoding": "false",
    "common.no_sweep_dir": "true",
    "common.metric_recorders.tensorboard.enabled": "false",
}
COMMANDS: list[list[str]] = [
    ["signdiff", "translate", "hi", "-o", "hi.pose"],
    ["signdiff-slp", "prepare", "--train", "openpose", "texts.tsv", "-o", "prepared", "--steps", "5", "--workers", "1"],
    ["signdiff-slp", "corpus", "poses", "poses", "-o", "imported", "--texts", "split.tsv"],
    ["signdiff-slp", "vocabulary", "corpus", "-o", "vocabulary.json", "--kind", "character"],
    [
        *("signdiff", "prepare-frames", "videos", "pixels", "-o", "set", "--size", "64", "--workers", "1"),
        *("--max-padding", "1", "--format", "folder"),
    ],
    [
        *("signdiff", "prepare-frames", "videos", "pixels", "-o", "shards", "--size", "64", "--workers", "1"),
        *("--max-padding", "1", "--format", "webdataset"),
    ],
    [
        *("signdiff_core.avatar.frames", "--poses", "poses", "-o", "avatar", "--frames", "4", "--size", "64"),
        *("--workers", "1"),
    ],
    ["signdiff_core.demo.make_base", *BASE],
    [
        *("signdiff_core.training.train_controlnet", "--pretrained_model_name_or_path", "base"),
        *("--train_data_dir", "frames", "--output_dir", "controlnet", *STEPS, "--validation_steps", "100"),
        *("--num_validation_images", "0", "--num_validation_frames", "0", "--report_to", "none"),
    ],
    [
        *("signdiff_frnet.training.train_predictor", "--train_data_dir", "pairs", "--validation_data_dir", "pairs"),
        *("--output_dir", "frnet", *STEPS, "--validation_steps", "4", "--resolutions", "64", "--report_to", "none"),
        *("--block_out_channels", "8", "8", "8", "8", "8", "--num_validation_samples", "2"),
        *("--dataloader_num_workers", "0"),
    ],
    [
        *("signdiff_eval.training.train_backtranslation", "--train_data", "corpus", "--output_dir", "backtranslation"),
        *(*STEPS, "--validation_steps", "4", "--d_model", "16", "--encoder_layers", "1", "--decoder_layers", "1"),
        *("--heads", "2", "--conv_channels", "16", "--report_to", "none"),
    ],
    ["signdiff_slp.recipes.train", "recipe", "--no-rich", "--config", *(f"{k}={v}" for k, v in RECIPE.items())],
    ["signdiff_slp.export", "recipe/checkpoints", "-o", "model"],
    [
        *("signdiff_slp.interop", "published/best.ckpt", "-o", "interop", "--heads", "2", "--corpus", "corpus"),
        *("--vocabulary", "published/src_vocab.txt"),
    ],
    ["signdiff-eval", "score", "--ref", "poses", "--hyp", "other", "--json"],
    [
        *("signdiff-eval", "compare", "--ref", "poses", "--sys", "a=other", "--sys", "b=poses", "--samples", "50"),
        *("--trials", "50", "--json"),
    ],
]
NEEDLESS = ("*preview.png", "logs", "validation", "controlnet/pipeline", "README.md", "images", "videos", "long.pose")
"""What nothing has to open again."""


def lines() -> Iterator[tuple[list[str], str | None]]:
    """Yield the commands as they are run here, and the file that takes what one prints."""
    for first, *rest in COMMANDS:
        script = Path(sys.executable).parent / first
        words = [str(script)] if "." not in first else [sys.executable, "-m", first]
        yield [*words, *rest], f"{rest[0]}.json" if "--json" in rest else None


def main() -> None:
    """Write everything."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True)
    make(folder)
    for words, printed in lines():
        done = subprocess.run(words, cwd=folder, check=True, stdout=subprocess.PIPE)
        if printed:
            (folder / printed).write_bytes(done.stdout)
    for pattern in NEEDLESS:
        for path in sorted(folder.rglob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


if __name__ == "__main__":
    main()
