"""Ray: the same bytes as the local engine, also when a worker dies."""

import os
import signal
from pathlib import Path

import pytest

from signdiff_core.engines import run_local, run_ray
from signdiff_slp.prepare.plan import Gathered, Settings, plan
from signdiff_slp.prepare.shards import ShardWork

pytest.importorskip("ray")
pytestmark = pytest.mark.slow

SETTINGS = Settings(source_fps=25.0)


@pytest.fixture
def shards(spelled_clips):
    gathered = Gathered()
    gathered.add("train", spelled_clips / "clips", spelled_clips / "texts.tsv")
    return plan(gathered.tasks, SETTINGS, clips=1)


@pytest.fixture
def expected(shards, tmp_path):
    folder = tmp_path / "local"
    folder.mkdir()
    list(run_local(shards, ShardWork(SETTINGS, folder), workers=2))
    return files_of(folder)


def files_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def workers_that_prepare():
    """Processes of Ray that run a task of ours: their title says so."""
    for status in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            title = status.read_bytes()
        except OSError:
            continue
        if title.startswith(b"ray::") and b"Map" in title:
            yield int(status.parent.name)


def test_ray_writes_the_same_bytes(shards, expected, tmp_path):
    folder = tmp_path / "ray"
    folder.mkdir()
    done = run_ray(shards, ShardWork(SETTINGS, folder), workers=2, extra="some[extra]")
    assert sorted(shard.number for shard in done) == list(range(6))
    assert files_of(folder) == expected


def test_the_death_of_a_worker_of_ray_loses_no_clip(shards, expected, tmp_path):
    folder = tmp_path / "ray"
    folder.mkdir()
    done, killed = [], []
    for shard in run_ray(shards, ShardWork(SETTINGS, folder), workers=2, extra="some[extra]"):
        done.append(shard.number)
        if not killed:
            killed.extend(workers_that_prepare())
            for pid in killed:
                os.kill(pid, signal.SIGKILL)
    assert killed
    assert sorted(done) == list(range(6))
    assert files_of(folder) == expected
