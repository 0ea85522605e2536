"""What interrupted work leaves, to be resumed: half a film, parts of a preparation, checkpoints, logs.

Damage in it must be found, or leave no trace in what comes out: what is resumed is checked against what an
undisturbed run gives.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np

from attack import samples
from attack.case import Case, check, check_numbers

SETTINGS = {"seed": 0}
WRITTEN, WHOLE = 29, 31
"""Frames that the interrupted film has, and that it should have: a group of them is whole."""


def half_a_film(folder: Path) -> None:
    """A film whose writing was interrupted."""
    from signdiff_core.video import VideoWriter

    try:
        with VideoWriter(folder / "film.mp4", 25, settings=SETTINGS) as video:
            for number in range(WRITTEN):
                video.write(samples.picture(16, number))
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass


def go_on_with_film(folder: Path) -> None:
    """Go on with it, to its end."""
    from signdiff_core.video import VideoWriter

    with VideoWriter(folder / "film.mp4", 25, settings=SETTINGS, resume=True) as video:
        check(0 <= video.frames <= WRITTEN, f"{video.frames} frames, of {WRITTEN} that were written")
        for number in range(video.frames, WHOLE):
            video.write(samples.picture(16, number))
    check((folder / "film.mp4").read_bytes() == _whole_film(), "another film than without the interruption")


def parts_of_frames(folder: Path) -> None:
    """What came of a clip, as ``signdiff prepare-frames`` keeps it."""
    from signdiff_core.prepare.shards import store

    store(folder / "part.safetensors", _frames_part())


def read_parts_of_frames(folder: Path) -> None:
    """Read it."""
    from signdiff_core.prepare.shards import load

    part, whole = load(folder / "part.safetensors"), _frames_part()
    same = np.array_equal(part.joints, whole.joints) and np.array_equal(part.rows, whole.rows)
    check(same and part.facts == whole.facts, "another part than was stored")


def parts_of_poses(folder: Path) -> None:
    """What came of some clips, as ``signdiff-slp prepare`` keeps it."""
    from signdiff_slp.prepare.shards import store

    store(folder / "shard.safetensors", *_poses_part())


def read_parts_of_poses(folder: Path) -> None:
    """Read it."""
    from signdiff_slp.prepare.shards import load, load_summary

    facts, bones, failures = load_summary(folder / "shard.safetensors")
    prepared, expected = load(folder / "shard.safetensors"), _poses_part()
    check(len(facts) == len(bones) == len(prepared), "parts that contradict each other")
    check(failures == expected[1], "other failures than were stored")
    for found, whole in zip(prepared, expected[0], strict=True):
        same = np.array_equal(found.joints, whole.joints) and np.array_equal(found.bones, whole.bones)
        check(same and found.facts == whole.facts, "another clip than was stored")


def core_checkpoint(folder: Path) -> None:
    """A checkpoint of signdiff-core's trainings."""
    _core_state().write(folder, step=3, loss=0.25)


def read_core_checkpoint(folder: Path) -> None:
    """Go on from it."""
    state = _core_state()
    progress = state.read(folder)
    check_numbers("progress", list(progress.values()), most=1e300)
    for name, weights in state.parts["vae"].state_dict().items():
        check(bool(weights.isfinite().all()), f"{name} is not finite")


def older_checkpoint(folder: Path) -> None:
    """A checkpoint as accelerate wrote it for the trainings of signdiff-frnet and signdiff-eval."""
    import torch
    from accelerate import Accelerator

    network, optimizer = _network()
    network(torch.ones(1, 3)).sum().backward()  # type: ignore[operator]
    optimizer.step()  # type: ignore[attr-defined]
    accelerator = Accelerator(cpu=True)
    accelerator.prepare(torch.nn.ModuleDict({"network": network}), optimizer)
    accelerator.save_state(str(folder / "checkpoint-1"))
    state = {"identity": {"data": "ab", "width": 2}, "schedule": {"last_epoch": 1}, "log": {"bytes": 0}}
    (folder / "checkpoint-1" / "state.json").write_text(json.dumps(state))


def read_older_checkpoint(folder: Path) -> None:
    """Resume from it."""
    from signdiff_core.training.kit.state import RunState

    network, optimizer = _network()
    state = RunState(parts={"network": network}, optimizer=optimizer, data="ab", settings={"width": 2})
    check(state.read(folder / "checkpoint-1") == {"step": 1}, "another progress than was stored")
    check(all(bool(weights.isfinite().all()) for weights in network.parameters()), "weights that are not finite")


def log(folder: Path) -> None:
    """What a training of signdiff-slp logs, and its model's settings as YAML."""
    from dataclasses import asdict

    from ruamel.yaml import YAML

    from signdiff_slp.models.progressive import ProgressiveConfig

    (folder / "metrics/valid").mkdir(parents=True)
    rows = [{"Step": n, "Data Epoch": n // 2 + 1, "Pose Loss": 1 / (n + 1)} for n in range(4)]
    (folder / "metrics/train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    rows = [{"Step": n, "DTW-MJE / Frozen": 0.5} for n in (1, 3)]
    (folder / "metrics/valid/free.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    content = {"model_family": "signdiff_progressive", "model_config": asdict(ProgressiveConfig(vocab_size=31))}
    from signdiff_slp.models.progressive.config import PROGRESSIVE_FAMILY

    content["model_family"] = PROGRESSIVE_FAMILY
    with (folder / "model.yaml").open("w") as file:
        YAML(typ="safe").dump(content, file)


def read_log(folder: Path) -> None:
    """Read its curves."""
    from signdiff_slp.commands.curves import read_curves

    curves = read_curves(folder)
    check(
        len(curves.epochs) == len(curves.loss) and len(curves.validated) == len(curves.dtw), "curves of other lengths"
    )
    check_numbers("epochs", [*curves.epochs, *curves.validated], most=1e12)


def read_model_settings(folder: Path) -> None:
    """Read its model's settings."""
    from signdiff_slp.models.progressive.release import read_run_config

    config = read_run_config(folder / "model.yaml")
    check(0 < config.model_dim * config.num_heads < 1e9, "sizes that no model has")


@cache
def _whole_film() -> bytes:
    import tempfile

    from signdiff_core.video import VideoWriter

    with tempfile.TemporaryDirectory() as home:
        with VideoWriter(f"{home}/film.mp4", 25, settings=SETTINGS) as video:
            for number in range(WHOLE):
                video.write(samples.picture(16, number))
        return Path(home, "film.mp4").read_bytes()


def _frames_part() -> object:
    from signdiff_core.prepare.shards import Part

    facts = {"name": "one", "frames": 3, "bytes": 100, "left_out": {"body": 1}, "hashes": {"video": "ab"}}
    rows = np.array([[0, 512, 100, 1024, 50]] * 3, dtype=np.int64)
    return Part(joints=samples.joints(3).astype(np.float32), rows=rows, facts=facts)


def _poses_part() -> tuple[list[object], list[object]]:
    from signdiff_slp.prepare.shards import Failure, Prepared

    clips = [
        Prepared(
            joints=samples.joints(n).astype(np.float32), bones=np.full(49, 0.1), facts={"name": f"{n}", "text": "a"}
        )
        for n in (3, 4)
    ]
    return clips, [Failure(name="two", reason="nobody is seen", trace="")]


def _core_state() -> object:
    import torch
    from diffusers import AutoencoderKL

    from signdiff_core.training.kit.state import RunState

    torch.manual_seed(0)
    vae = AutoencoderKL(block_out_channels=(2,), norm_num_groups=2, latent_channels=1)
    optimizer = torch.optim.AdamW(vae.parameters(), lr=0.1)
    for weights in vae.parameters():
        weights.grad = torch.ones_like(weights)
    optimizer.step()
    return RunState(parts={"vae": vae}, optimizer=optimizer, settings={"resolution": 64})


def _network() -> tuple[object, object]:
    import torch

    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Linear(2, 1))
    return network, torch.optim.AdamW(network.parameters(), lr=0.1)


CASES = (
    Case(name="video-journal", seeds=(half_a_film,), read=go_on_with_film, weight=1.5),
    Case(name="frames-part", seeds=(parts_of_frames,), read=read_parts_of_frames, weight=3),
    Case(name="poses-part", seeds=(parts_of_poses,), read=read_parts_of_poses, weight=3),
    Case(name="core-checkpoint", seeds=(core_checkpoint,), read=read_core_checkpoint, weight=0.6),
    Case(name="older-checkpoint", seeds=(older_checkpoint,), read=read_older_checkpoint, weight=3),
    Case(name="curves", seeds=(log,), read=read_log, aimed=("metrics",), weight=3),
    Case(name="run-config", seeds=(log,), read=read_model_settings, aimed=("model.yaml",), weight=2),
)
