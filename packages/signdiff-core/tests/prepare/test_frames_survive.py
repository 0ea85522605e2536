"""A preparation that is killed, whose worker is killed, whose inputs change, or whose disk is full."""

import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

CLIPS = 8


@pytest.fixture
def many(corpus):
    """Eight clips alike."""
    for number in range(CLIPS):
        shutil.copy(corpus / "videos" / "a.mp4", corpus / "videos" / f"clip{number}.mp4")
        shutil.copy(corpus / "poses" / "a.pose", corpus / "poses" / f"clip{number}.pose")
    for path in [*(corpus / "videos").rglob("[abc].mp4"), corpus / "poses" / "a.pose"]:
        path.unlink()
    return corpus


def command(corpus, output, *options):
    arguments = ["prepare-frames", corpus / "videos", corpus / "poses", "-o", output, "--size", "64"]
    arguments += ["--shard", "3", "--workers", "1", *options]
    return [sys.executable, "-m", "signdiff_core.cli", *map(str, arguments)]


@pytest.mark.parametrize("layout", ["folder", "webdataset"])
def test_a_killed_run_goes_on_where_it_was(many, environment, files_of, layout, tmp_path):
    unbroken, killed, work = tmp_path / "unbroken", tmp_path / "killed", tmp_path / "killed.work"
    options = ("--format", layout)
    subprocess.run(command(many, unbroken, *options), check=True, capture_output=True, env=environment)
    process = subprocess.Popen(
        command(many, killed, *options), stderr=subprocess.DEVNULL, start_new_session=True, env=environment
    )
    try:
        while len(list(work.glob("parts/*.safetensors"))) < 4:
            assert process.poll() is None
            time.sleep(0.005)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert not killed.exists()
    stored = {path.name: path.stat().st_mtime_ns for path in work.glob("parts/clip*.safetensors")}
    assert 4 <= len(stored) < CLIPS, "killed too late: nothing is left to do"
    watched = list(work.glob("output/frames/clip*/*.jpg"))
    before = {path.relative_to(work / "output"): path.stat().st_mtime_ns for path in watched}
    done = subprocess.run(command(many, killed, *options), check=True, capture_output=True, text=True, env=environment)
    assert f"{len(stored)} clips are finished, {CLIPS - len(stored)} are left." in done.stderr
    assert files_of(killed) == files_of(unbroken)
    assert not work.exists()
    kept = {name.split("-")[0] for name in stored}
    for path, changed in before.items():
        if path.parts[1] in kept:
            assert (killed / path).stat().st_mtime_ns == changed, "a finished clip was done again"


def test_any_number_of_workers_writes_the_same(many, environment, files_of, tmp_path):
    for workers in ("1", "2"):
        options = ("--format", "webdataset", "--workers", workers)
        subprocess.run(command(many, tmp_path / workers, *options), check=True, capture_output=True, env=environment)
    assert files_of(tmp_path / "1") == files_of(tmp_path / "2")


@pytest.mark.parametrize("layout", ["folder", "webdataset"])
def test_what_changed_is_done_again_and_nothing_else(many, prepare, studio, files_of, layout, tmp_path, monkeypatch):
    from signdiff_core.prepare import FrameWork, shards

    def run(output):
        return prepare(many / "videos", many / "poses", output, layout=layout, shard=3)

    opened = []
    whole = FrameWork._open

    def stopping(self, clip):
        opened.append(clip.name)
        if clip.name == "clip5" and not (tmp_path / "go").exists():
            raise KeyboardInterrupt
        return whole(self, clip)

    monkeypatch.setattr(shards.FrameWork, "_open", stopping)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "set")
    (tmp_path / "go").touch()
    studio.write(many / "videos" / "clip4.mp4", np.add(studio.figure(12), (0.05, 0, 0)))
    (many / "videos" / "clip7.mp4").unlink()
    opened.clear()
    run(tmp_path / "set")
    # In an archive that is not finished the clips that are done are there beside the changed one.
    assert opened == ["clip4", "clip5", "clip6"]
    run(tmp_path / "fresh")
    assert files_of(tmp_path / "set") == files_of(tmp_path / "fresh")


def test_frames_of_clips_that_are_gone_go(many, prepare, files_of, tmp_path):
    output, work = tmp_path / "set", tmp_path / "set.work"
    (work / "output" / "frames" / "gone").mkdir(parents=True)
    (work / "output" / "frames" / "gone" / "000000.jpg").touch()
    (work / "output" / "frames" / ".clip0.1234.tmp").mkdir()
    prepare(many / "videos", many / "poses", output)
    prepare(many / "videos", many / "poses", tmp_path / "fresh")
    assert files_of(output) == files_of(tmp_path / "fresh")
    assert not work.exists()


def test_a_full_disk_is_one_clear_error_and_what_was_finished_stays(many, environment, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = f"mount -t tmpfs -o size=300k none {disk} && "
    run = ["unshare", "-rm", "sh", "-c"]
    if not shutil.which("unshare") or subprocess.run([*run, mount + "true"], capture_output=True).returncode:
        pytest.skip("this machine does not let a test mount a tmpfs")
    listed = f"; status=$?; find {disk}; exit $status"
    line = " ".join(command(many, disk / "set", "--format", "webdataset", "--image-format", "png"))
    done = subprocess.run([*run, mount + line + listed], capture_output=True, text=True, env=environment)
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    assert "set.work/parts/clip0" in done.stdout
    assert f"{disk}/set\n" not in done.stdout
    assert ".tmp" not in done.stdout


@pytest.mark.parametrize(("number", "word"), [(signal.SIGTERM, "terminated"), (signal.SIGINT, "interrupted")])
def test_a_signal_to_all_processes_ends_it_in_one_line(many, environment, tmp_path, number, word):
    output, work = tmp_path / "set", tmp_path / "set.work"
    process = subprocess.Popen(
        [*command(many, output, "--format", "webdataset", "--size", "512"), "--shard", "8"],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=environment,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while len(list(work.glob("parts/*.safetensors"))) < 2:
        assert process.poll() is None
        time.sleep(0.005)
    os.killpg(process.pid, number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    kept = len(list(work.glob("parts/*.safetensors")))
    assert err == (
        f"signdiff: {word}; {kept} of {CLIPS} clips are finished ({work}), and the same command resumes after them.\n"
    )
    assert not output.exists()
    assert not [path for path in work.rglob("*") if path.name.endswith(".tmp")]


@pytest.mark.parametrize("layout", ["folder", "webdataset"])
def test_what_is_noted_without_its_frames_is_done_again(many, prepare, files_of, tmp_path, monkeypatch, layout):
    """As when a run was killed as it cleared up, and what it had put in its place was taken away."""
    output, work = tmp_path / "set", tmp_path / "set.work"
    prepare(many / "videos", many / "poses", tmp_path / "fresh", layout=layout, shard=3)
    with monkeypatch.context() as patched:
        patched.setattr(sys.modules["signdiff_core.prepare.assemble"], "shutil", None)
        with pytest.raises(AttributeError):
            prepare(many / "videos", many / "poses", output, layout=layout, shard=3)
    assert (work / "parts").exists()
    shutil.rmtree(output)
    prepare(many / "videos", many / "poses", output, layout=layout, shard=3)
    assert files_of(output) == files_of(tmp_path / "fresh")
    assert not work.exists()


def test_the_same_command_says_that_it_is_done_and_another_one_what_differs(many, environment, files_of, tmp_path):
    output = tmp_path / "set"

    def run(*options):
        line = command(many, output, "--workers", "1", *options)
        return subprocess.run(line, capture_output=True, text=True, env=environment)

    assert run().returncode == 0
    before = files_of(output)
    (tmp_path / "set.work").mkdir()
    again = run()
    assert (again.returncode, again.stderr) == (0, "")
    assert again.stdout.startswith(f"{output} is finished: it was made of the same inputs with the same settings")
    assert not (tmp_path / "set.work").exists()
    other = run("--every", "2")
    assert other.returncode == 1
    assert "is finished, but of other inputs or settings: every was 1 and is 2." in other.stderr
    assert files_of(output) == before
