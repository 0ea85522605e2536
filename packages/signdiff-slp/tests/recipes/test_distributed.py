"""What a run learns depends neither on the number of processes nor on being killed and resumed."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from signdiff_slp.recipes.train.recipe import fit_standardizer

pytestmark = pytest.mark.slow

NUM_STEPS, EVERY = 120, 20
TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")
TRAIN = ("-m", "signdiff_slp.recipes.train")
# One process, and two with half of the batch each: the same total.
WAYS = {
    "one": ((), ("dataset.max_num_frames=320",)),
    "ddp": (TORCHRUN, ("dataset.max_num_frames=160",)),
    "fsdp": (TORCHRUN, ("dataset.max_num_frames=160", "trainer.data_parallelism=fsdp")),
}
CONFIG = """
model: {{family: slp_progressive, arch: tiny}}
dataset:
  {{family: slp_text_pose, max_seq_len: 20, valid_split: dev, config_overrides: {{data_dir: {corpus}}}}}
validate_free_decoding: false
loss: {{kind: smooth_l1}}
optimizer: {{name: adamw, config: {{lr: 0.01}}}}
lr_scheduler: {{name: noam, config: {{num_warmup_steps: 20}}}}
regime:
  num_steps: {num_steps}
  validate_every_n_steps: {every}
  checkpoint_every_n_steps: {every}
  publish_metrics_every_n_steps: 1
  keep_last_n_checkpoints: 2
common: {{metric_recorders: {{tensorboard: {{enabled: false}}}}}}
"""


def write_split(folder, split, lengths):
    """Smooth random motion, texts of two to six letters."""
    rng = np.random.default_rng(len(lengths))
    rows, chunks, offset = [], [], 0
    for number, length in enumerate(lengths):
        times = np.linspace(0.0, 1.0, length)[:, None]
        start, drift, wave = rng.normal(size=(3, 1, 150)) * [[[0.3]], [[0.2]], [[0.1]]]
        chunks.append(start + times * drift + np.sin(6.0 * times + rng.normal()) * wave)
        text = "".join(rng.choice(list("abcdefgh"), size=2 + number % 5))
        rows.append(f"{split}-{number}\t{offset}\t{length}\t{text}\n")
        offset += length
    (folder / f"{split}.tsv").write_text("".join(rows))
    np.save(folder / f"{split}.poses.npy", np.concatenate(chunks).astype(np.float32))


@pytest.fixture(scope="module")
def equal_lengths(tmp_path_factory):
    """58 examples of 20 frames: three full steps of 16 examples and one of 10 in an epoch. The 5 of dev are ragged."""
    folder = tmp_path_factory.mktemp("equal")
    write_split(folder, "train", [20] * 58)
    write_split(folder, "dev", [20, 12, 17, 9, 20])
    return folder


def command(folder, corpus, way, output, *settings):
    launch, own = WAYS[way]
    path = folder / "config.yaml"
    path.write_text(CONFIG.format(corpus=corpus, num_steps=NUM_STEPS, every=EVERY))
    options = ["--config-file", str(path), "--no-rich", "--config", *own, *settings]
    return [sys.executable, *launch, *TRAIN, str(folder / output), *options]


def environment():
    return {**os.environ, "OMP_NUM_THREADS": "1", "FAIRSEQ2_DEVICE": "cpu"}


def run(arguments, **options):
    done = subprocess.run(
        arguments, env=environment(), capture_output=True, text=True, timeout=300, check=False, **options
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def unbroken(equal_lengths, tmp_path_factory):
    """Trains in one of the ways, once: ``unbroken("ddp")`` is the run's folder."""
    folder = tmp_path_factory.mktemp("unbroken")

    def train(way):
        if not (folder / way).exists():
            run(command(folder, equal_lengths, way, way))
        return folder / way

    return train


def curve(output_dir, name="train"):
    """Losses and the gradient's norm by step. Of steps that were repeated after a break, the last."""
    lines = (output_dir / "metrics" / f"{name}.jsonl").read_text().splitlines()
    values = {}
    for entry in map(json.loads, lines):
        columns = [key for key in ("Pose Loss", "Counter Loss", "Gradient Norm") if key in entry]
        values[entry["Step"]] = [entry[key] for key in [*columns, "Number of Examples"]]
    return values


def largest_difference(first, second):
    """Of two curves over the same steps, relative."""
    assert list(first) == list(second)
    a, b = (np.array(list(values.values())) for values in (first, second))
    return float((np.abs(a - b) / np.abs(a)).max())


def weights(output_dir, step=NUM_STEPS):
    """The weights that each rank keeps."""
    paths = sorted(output_dir.glob(f"checkpoints/step_{step}/model/pp_00/tp_00/sdp_*.pt"))
    states = [torch.load(path, weights_only=True) for path in paths]
    return [state.get("model", state) for state in states]


@pytest.mark.parametrize("way", ["ddp", "fsdp"])
def test_two_processes_learn_as_one_does(unbroken, way):
    one, two = curve(unbroken("one")), curve(unbroken(way))
    assert list(one) == list(range(1, NUM_STEPS + 1))
    assert {values[-1] for values in one.values()} == {10, 16}
    assert one[NUM_STEPS][0] < 0.8 * one[1][0]
    assert largest_difference(one, two) < 1e-4
    assert largest_difference(*(curve(unbroken(name), "valid/gt-timing") for name in ("one", way))) < 1e-4
    [expected], shards = weights(unbroken("one")), weights(unbroken(way))
    for name, value in expected.items():
        # A bias of keys shifts all scores alike, which a softmax does not see. Rounding alone moves it, and Adam makes
        # whole steps of that.
        if not name.endswith("k_proj.bias"):
            whole = shards[0][name] if len(shards[0][name]) == len(value) else torch.cat([s[name] for s in shards])
            torch.testing.assert_close(whole, value, atol=1e-4, rtol=1e-4, msg=name)
    assert "Running on 2 process(es)" in (unbroken(way) / "logs/rank_0.log").read_text()


def test_all_ranks_have_the_corpus_s_standardiser(unbroken, equal_lengths):
    """Models of the ranks after the first are made without storage, so only the first measures the corpus."""
    from signdiff_slp.models.progressive import PoseStandardizer

    expected = PoseStandardizer()
    fit_standardizer(expected, equal_lengths, "train")
    shards = weights(unbroken("fsdp"))
    assert len(shards) == 2
    for shard in shards:
        for name, value in expected.state_dict().items():
            assert value.any()
            assert torch.equal(shard[f"standardizer.{name}"], value), name


def kill(process):
    """With SIGKILL: the launcher first, so that it puts nothing in order, then its workers."""
    found = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=False)
    for pid in [process.pid, *map(int, found.stdout.split())]:
        os.kill(pid, signal.SIGKILL)
    process.wait()


def train_and_kill(arguments, output_dir):
    with Path(f"{output_dir}.log").open("w") as log:
        process = subprocess.Popen(arguments, env=environment(), stdout=log, stderr=log)
        checkpoint, deadline = output_dir / "checkpoints" / f"step_{EVERY}", time.monotonic() + 120
        while not checkpoint.exists():
            assert process.poll() is None, Path(log.name).read_text()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        # Somewhere in the middle of a step.
        time.sleep(0.2)
        assert process.poll() is None
        kill(process)


@pytest.mark.parametrize(
    ("way", "settings"),
    [
        # The noise shows that random numbers go on, too.
        ("one", ("loss.pose_noise=0.1",)),
        ("ddp", ()),
        ("fsdp", ()),
    ],
)
def test_a_run_that_was_killed_goes_on_as_if_nothing_had_been(unbroken, equal_lengths, tmp_path, way, settings):
    if settings:
        run(command(tmp_path, equal_lengths, way, "straight", *settings))
    straight = tmp_path / "straight" if settings else unbroken(way)
    arguments = command(tmp_path, equal_lengths, way, "broken", *settings)
    train_and_kill(arguments, tmp_path / "broken")
    reached = max(curve(tmp_path / "broken"))
    assert EVERY <= reached < NUM_STEPS
    run(arguments)
    [resumed] = re.findall(r"Resuming from step (\d+)", (tmp_path / "broken/logs/rank_0.log").read_text())
    assert EVERY <= int(resumed) <= reached
    assert largest_difference(curve(straight), curve(tmp_path / "broken")) < 1e-6
    expected, got = weights(straight), weights(tmp_path / "broken")
    assert len(expected) == len(got) == (2 if way == "fsdp" else 1)
    for first, second in zip(expected, got, strict=True):
        assert first.keys() == second.keys()
        for name, value in first.items():
            torch.testing.assert_close(second[name], value, msg=name)


def test_a_fault_is_told_once(tmp_path):
    """Both processes find it and stop; the first one says so."""
    write_split(tmp_path, "train", [20] * 16)
    poses = np.load(tmp_path / "train.poses.npy")
    poses[205, 3] = np.nan
    np.save(tmp_path / "train.poses.npy", poses)
    arguments = command(tmp_path, tmp_path, "ddp", "out")
    done = subprocess.run(arguments, env=environment(), capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 1
    [error] = [line for line in (done.stdout + done.stderr).splitlines() if "ERROR: fairseq2" in line]
    assert "holds NaN, infinity or numbers beyond 1000000 in 1 of 16 examples: train-10. " in error
    for rank in range(2):
        assert "in 1 of 16 examples: train-10. " in (tmp_path / f"out/logs/rank_{rank}.log").read_text()


def test_ragged_batches_of_two_ranks_equal_one_process_that_accumulates_them(tmp_path):
    """With lengths and so batches of all sizes: what two ranks read in a step, read by one process in a row."""
    write_split(tmp_path, "train", [8 + 3 * number % 13 for number in range(61)])
    settings = ("dataset.max_num_frames=80", "dataset.valid_split=null", "regime.validate_every_n_steps=null")
    settings += ("regime.score_metric=null", "regime.num_steps=40")
    run(command(tmp_path, tmp_path, "ddp", "two", *settings))

    program = tmp_path / "program.py"
    program.write_text(ACCUMULATING)
    arguments = command(tmp_path, tmp_path, "one", "one", *settings, "trainer.grad_accumulation.num_batches=2")
    run([sys.executable, str(program), *arguments[3:]])
    one, two = curve(tmp_path / "one"), curve(tmp_path / "two")
    assert len({values[-1] for values in one.values()}) > 3
    assert largest_difference(one, two) < 1e-4


# The recipe's command, whose reader gives the batches of both ranks of two in turn.
ACCUMULATING = """
import sys
import signdiff_slp
import torch
from fairseq2.datasets import DataReader, SyncMode
from fairseq2.gang import FakeGang, Gangs
from signdiff_slp.datasets.text_pose import TextPoseDataset
from signdiff_slp.recipes.train.__main__ import main

class BothRanks(DataReader):
    num_accumulate = 2
    def __init__(self, readers): self.readers = readers
    def __iter__(self): return self
    def __next__(self): return [batch for reader in self.readers for batch in next(reader)]
    def reset(self):
        for reader in self.readers: reader.reset()
    def state_dict(self): return {}
    def load_state_dict(self, state_dict): pass

create_reader = TextPoseDataset.create_reader
def create_both(self, split, tokenizer, gangs, **options):
    fakes = {name: FakeGang(torch.device("cpu")) for name in ("tp", "pp", "rdp", "sdp")}
    worlds = [FakeGang(torch.device("cpu"), rank=rank, size=2) for rank in range(2)]
    options |= {"num_accumulate": 1, "sync_mode": SyncMode.UNTIL_LAST}
    return BothRanks([
        create_reader(self, split, tokenizer, Gangs(root=world, dp=world, **fakes), **options) for world in worlds
    ])
TextPoseDataset.create_reader = create_both
main()
"""
