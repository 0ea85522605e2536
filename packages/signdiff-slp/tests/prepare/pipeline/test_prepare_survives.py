"""A preparation that is killed, whose worker is killed, or whose disk is full."""

import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from signdiff_core.engines import run_local
from signdiff_slp.prepare.plan import Gathered, Settings, plan
from signdiff_slp.prepare.shards import ShardWork, load, load_summary

SETTINGS = Settings(source_fps=25.0)


def command(spelled_clips, output, *options):
    arguments = ["prepare", "--train", spelled_clips / "clips", spelled_clips / "texts.tsv", "-o", output]
    arguments += ["--source-fps", "25", "--shard", "1", "--workers", "1", *options]
    return [sys.executable, "-m", "signdiff_slp.cli", *map(str, arguments)]


def files_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def shards(spelled_clips):
    gathered = Gathered()
    gathered.add("train", spelled_clips / "clips", spelled_clips / "texts.tsv")
    return plan(gathered.tasks, SETTINGS, clips=1)


def test_a_killed_run_goes_on_where_it_was(spelled_clips, tmp_path):
    unbroken, killed, work = tmp_path / "unbroken", tmp_path / "killed", tmp_path / "killed.work"
    subprocess.run(command(spelled_clips, unbroken), check=True, capture_output=True)
    process = subprocess.Popen(command(spelled_clips, killed), stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        while len(list(work.glob("0*.safetensors"))) < 2:
            assert process.poll() is None
            time.sleep(0.02)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert not killed.exists()
    stored = {path.name: path.stat().st_mtime_ns for path in work.glob("0*.safetensors")}
    assert 2 <= len(stored) < 6
    done = subprocess.run(command(spelled_clips, killed), check=True, capture_output=True, text=True)
    assert f"{len(stored)} clips are finished, {6 - len(stored)} are left." in done.stderr
    assert files_of(killed) == files_of(unbroken)
    assert not list(work.glob("0*"))


@pytest.mark.parametrize("engine", ["local", "ray"])
def test_nothing_is_done_again_when_all_is_stored(spelled_clips, shards, tmp_path, engine):
    work = tmp_path / "corpus.work"
    work.mkdir()
    list(run_local(shards, ShardWork(SETTINGS, work), workers=1))
    options = ("--engine", engine)
    done = subprocess.run(
        command(spelled_clips, tmp_path / "corpus", *options), check=True, capture_output=True, text=True
    )
    assert done.stderr.splitlines()[0] == "6 clips are finished, 0 are left."
    assert "an hour" not in done.stderr


def test_a_changed_clip_or_setting_is_not_taken_from_before(spelled_clips, tmp_path):
    clips = tmp_path / "clips"
    shutil.copytree(spelled_clips / "clips", clips)
    gathered = Gathered()
    gathered.add("train", clips, spelled_clips / "texts.tsv")
    before = [shard.key for shard in plan(gathered.tasks, SETTINGS, clips=2)]
    assert [shard.key for shard in plan(gathered.tasks, SETTINGS, clips=2)] == before
    assert not set(before) & {
        shard.key for shard in plan(gathered.tasks, Settings(smoothing=1.0, source_fps=25.0), clips=2)
    }
    changed = next((clips / gathered.tasks[0].name).iterdir())
    changed.write_text(changed.read_text() + " ")
    after = [shard.key for shard in plan(gathered.tasks, SETTINGS, clips=2)]
    assert [a == b for a, b in zip(before, after, strict=True)] == [False, True, True]


def test_the_death_of_a_worker_loses_no_clip(shards, tmp_path):
    calm, shaken = tmp_path / "calm", tmp_path / "shaken"
    calm.mkdir()
    shaken.mkdir()
    done = run_local(shards, ShardWork(SETTINGS, calm), workers=2)
    assert sorted(shard.number for shard in done) == list(range(6))
    killed, done = [], []
    for shard in run_local(shards, ShardWork(SETTINGS, shaken), workers=2):
        done.append(shard.number)
        if not killed:
            killed.append(multiprocessing.active_children()[0])
            os.kill(killed[0].pid, signal.SIGKILL)
    assert sorted(done) == list(range(6))
    assert files_of(shaken) == files_of(calm)


class Poison:
    """Kills the process that takes it out of the queue."""

    name, kind, path, video = "poison", "openpose", Path("poison"), None

    def __reduce__(self):
        return os._exit, (9,)


def test_clips_that_kill_every_worker_are_failures_and_the_others_are_done(shards, tmp_path):
    from dataclasses import replace

    [task] = shards[2].items.values()
    shards[2] = replace(shards[2], items={task.name: replace(task, source=Poison())})
    work = ShardWork(SETTINGS, tmp_path)
    assert sorted(shard.number for shard in run_local(shards, work, workers=1)) == list(range(6))
    facts, _, failures = load_summary(work.file_of(shards[2]))
    assert facts == []
    assert [(failure.name, failure.reason) for failure in failures] == [
        (task.name, "it killed the process that read it")
    ]
    assert all(len(load(work.file_of(shard))) == 1 for shard in shards if shard.number != 2)


def test_a_full_disk_is_one_clear_error_and_what_was_finished_stays(spelled_clips, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = f"mount -t tmpfs -o size=100k none {disk} && "
    run = ["unshare", "-rm", "sh", "-c"]
    if not shutil.which("unshare") or subprocess.run([*run, mount + "true"], capture_output=True).returncode:
        pytest.skip("this machine does not let a test mount a tmpfs")
    listed = f"; status=$?; ls -la {disk}/*; exit $status"
    line = " ".join(command(spelled_clips, disk / "corpus"))
    done = subprocess.run([*run, mount + line + listed], capture_output=True, text=True)
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    assert ".safetensors" in done.stdout
    assert ".tmp" not in done.stdout


def test_names_come_once(shards):
    [task] = shards[0].items.values()
    with pytest.raises(ValueError, match=f"{task.name} comes twice"):
        plan([task, task], SETTINGS)
