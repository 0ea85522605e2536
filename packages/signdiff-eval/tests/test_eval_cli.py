import json
import subprocess
import sys

import numpy as np
import pytest


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-c", "from signdiff_eval.cli import main; main()", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def folders(tmp_path, write_pose, walk):
    for name in ("hello", "world"):
        joints = walk(12)
        write_pose(tmp_path / "ref" / f"{name}.pose", joints)
        write_pose(tmp_path / "hyp" / f"{name}.pose", np.repeat(joints, 2, axis=0))
    return tmp_path / "ref", tmp_path / "hyp"


def test_json(folders):
    done = run("score", "--ref", folders[0], "--hyp", folders[1], "--json")
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    assert report.keys() == {"dtw_mje", "dtw_pt", "total_distance", "avg_duration", "pairs", "absent_joints"}
    assert report["avg_duration"]["score"] == 2
    assert report["avg_duration"]["ceiling"] == 1
    assert report["dtw_mje"]["signature"].startswith("dtw_mje|align:exact|")
    assert "|n:2|fps:25|" in report["dtw_mje"]["signature"]
    assert report["pairs"] == 2


def test_table(folders):
    done = run("score", "--ref", folders[0], "--hyp", folders[1])
    assert (done.returncode, done.stderr) == (0, "")
    assert "ceiling" in done.stdout
    for name in ("dtw_mje", "dtw_pt", "total_distance", "avg_duration"):
        assert f"\n{name}|" in done.stdout


def test_failure_is_one_line_without_traceback(folders):
    (folders[1] / "world.pose").unlink()
    done = run("score", "--ref", folders[0], "--hyp", folders[1])
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("signdiff-eval: error: every reference must have one hypothesis")
    assert done.stderr.rstrip().endswith("world.")


def test_debug_shows_the_traceback(folders):
    (folders[1] / "world.pose").unlink()
    done = run("score", "--ref", folders[0], "--hyp", folders[1], "--debug")
    assert done.returncode == 1
    assert "Traceback" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Missing command"),
        (["scor"], "No such command"),
        (["score", "--ref", "{ref}"], "Missing option '--hyp'"),
        (["score", "--ref", "{ref}/nowhere", "--hyp", "{ref}"], "does not exist"),
        (["score", "--ref", "{ref}", "--hyp", "{ref}", "--fps", "0"], "--fps"),
        (["score", "--ref", "{ref}", "--hyp", "{ref}", "--fps", "25", "--video"], "--fps is for poses"),
    ],
)
def test_wrong_use(folders, arguments, message):
    done = run(*(argument.format(ref=folders[0]) for argument in arguments))
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert message in done.stderr


def test_help_is_light():
    program = "from signdiff_eval.cli import main; main()"
    command = [sys.executable, "-X", "importtime", "-c", program, "score", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "--ref" in done.stdout
    loaded = {line.rsplit("|", 1)[1].strip().split(".")[0] for line in done.stderr.splitlines()}
    assert "click" in loaded
    assert not {"torch", "skimage", "scipy", "sacrebleu"} & loaded


def test_version():
    assert run("--version").stdout.startswith("signdiff-eval, version 0.")
