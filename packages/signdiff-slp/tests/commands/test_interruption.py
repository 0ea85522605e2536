"""SIGTERM and Ctrl-C end the command in one line: what is kept, and how to go on."""

import subprocess
import sys

import numpy as np
import pytest

from signdiff_core import formats
from signdiff_core.skeleton import make_pose
from signdiff_slp.corpora.stitch import spell

STOPPED = """
import os, signal, sys, time
from importlib import import_module
module, name, number, *words = sys.argv[1:]
if __name__ == "__main__":
    stop = lambda *_, **__: (os.kill(os.getpid(), signal.Signals[number]), time.sleep(60))
    setattr(import_module(module), name, stop)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell takes from what runs in the background
    from signdiff_slp.cli import main
    sys.exit(main(words))
"""


@pytest.fixture
def stopped(tmp_path):
    """Runs the command with a function of it that sends a signal."""
    (tmp_path / "stopped.py").write_text(STOPPED)

    def run(function, number, *words):
        line = [sys.executable, tmp_path / "stopped.py", *function.rsplit(".", 1), number, *words]
        return subprocess.run([*map(str, line)], capture_output=True, text=True, timeout=120)

    return run


@pytest.mark.parametrize(("number", "word", "status"), [("SIGTERM", "terminated", 143), ("SIGINT", "interrupted", 130)])
def test_check_ends_in_one_line(stopped, tmp_path, number, word, status):
    (tmp_path / "texts.tsv").write_text("a\tHello.\n")
    done = stopped(
        "signdiff_slp.prepare.checks.check.check",
        number,
        "check",
        tmp_path / "texts.tsv",
        "--csv",
        tmp_path / "found.csv",
    )
    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr == f"signdiff-slp: {word}; nothing half-written was left.\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["stopped.py", "texts.tsv"]


def test_prepare_tells_what_is_kept_and_how_to_go_on(stopped, tmp_path):
    number, word, status = "SIGTERM", "terminated", 143
    joints = spell("so", rng=np.random.default_rng(0)).joints
    (tmp_path / "clips").mkdir()
    formats.write(make_pose(joints, 25), tmp_path / "clips" / "so.pose")
    (tmp_path / "texts.tsv").write_text("so\tso\n")
    words = ("prepare", "--train", tmp_path / "clips", tmp_path / "texts.tsv", "--workers", "1", "-o")
    done = stopped("signdiff_slp.prepare.assemble.assemble", number, *words, tmp_path / "corpus")
    assert done.returncode == status, done.stderr
    kept = f"1 of 1 clips are finished ({tmp_path}/corpus.work), and the same command resumes after them"
    assert done.stderr.splitlines()[1:] == [f"signdiff-slp: {word}; {kept}."]
    assert not (tmp_path / "corpus").exists()
    early = stopped("signdiff_core.engines.pools.run", number, *words, tmp_path / "other")
    assert early.stderr == f"signdiff-slp: {word}; nothing half-written was left.\n"
    assert not (tmp_path / "other.work").exists()
