"""Commands of signdiff-frnet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kill.command import LOGS, Command, module, script

if TYPE_CHECKING:
    from pathlib import Path

    from kill.command import Words


def _train(home: Path, out: Path) -> Words:
    return module(
        *("signdiff_frnet.training.train_predictor", "--train_data_dir", home / "pairs"),
        *("--validation_data_dir", home / "pairs", "--output_dir", out / "run", "--max_train_steps", "4"),
        *("--train_batch_size", "2", "--checkpointing_steps", "1", "--validation_steps", "2", "--resolutions", "64"),
        *("--block_out_channels", "8", "8", "8", "8", "8", "--report_to", "none", "--num_validation_samples", "4"),
        *("--resume_from_checkpoint", "latest", "--dataloader_num_workers", "0"),
    )


FRNET = [
    Command(
        name="frnet image",
        line=lambda home, out: script("signdiff-frnet", home / "images" / "one.png", "-o", out / "one.png"),
        older="one.png",
        is_quick=True,
    ),
    Command(
        name="frnet folder",
        line=lambda home, out: script("signdiff-frnet", home / "images", home / "videos", "-o", out / "maps"),
    ),
    Command(
        name="frnet video",
        line=lambda home, out: script("signdiff-frnet", home / "videos" / "four.mp4", "-o", out / "four.mp4"),
        older="four.mp4",
        is_quick=True,
    ),
    Command(
        name="train predictor",
        line=_train,
        volatile=LOGS,
    ),
    Command(
        name="predictor export",
        before=_train,
        line=lambda home, out: module(
            *("signdiff_frnet.training.export", "--checkpoint", out / "run" / "checkpoint-4"),
            *("--output_dir", out / "predictor"),
        ),
        volatile=LOGS,
    ),
]
