"""What a user sees when something is wrong: one line that says what was expected, and no half-written file."""

import os

import numpy as np
import pytest

OUT = ("-o", "out.mp4", "--renderer", "skeleton")

CASES = {
    "empty text": (("generate", "", *OUT), 2, "must be a text"),
    "blank text": (("generate", "  ", *OUT), 2, "must be a text"),
    "another script": (("generate", "привет", *OUT), 1, "п"),
    "missing file": (("render", "absent.pose", *OUT), 2, "absent.pose"),
    "broken pose": (("render", "broken.pose", *OUT), 1, "broken.pose"),
    "cut pose": (("render", "cut.pose", *OUT), 1, "cut.pose"),
    "empty pose": (("render", "empty.pose", *OUT), 1, "empty.pose"),
    "unwritable output": (("render", "wave.pose", "-o", "file/out.mp4", "--renderer", "skeleton"), 1, "file"),
    "output in no folder": (("generate", "hi", "-o", "nowhere/out.mp4"), 1, "nowhere"),
    "output of another kind": (("generate", "hi", "-o", "out.avi"), 2, ".mp4"),
    "unknown renderer": (("generate", "hi", "-o", "out.mp4", "--renderer", "oil"), 2, "avatar, diffusion, skeleton"),
    "unknown translator": (("generate", "hi", *OUT, "--translator", "oracle"), 2, "slp"),
    "unknown option": (("generate", "hi", *OUT, "--colour", "red"), 2, "--colour"),
    "no output": (("generate", "hi"), 2, "--output"),
    "unknown command": (("dance",), 2, "dance"),
    "unknown format": (("convert", "wave.pose", "wave.xyz"), None, "xyz"),
    "frnet of nothing": (("-frnet", "absent.png", "-o", "map.png"), 2, "absent.png"),
    "frnet without output": (("-frnet", "absent.png"), 2, "--output"),
    "evaluation of nothing": (("-eval", "score", "--ref", "absent", "--hyp", "absent"), None, "absent"),
}


@pytest.fixture
def files(tmp_path, wave):
    from signdiff_core import formats

    formats.write(wave, tmp_path / "wave.pose")
    whole = (tmp_path / "wave.pose").read_bytes()
    (tmp_path / "cut.pose").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "broken.pose").write_bytes(np.random.default_rng(0).bytes(4000))
    (tmp_path / "empty.pose").touch()
    (tmp_path / "file").touch()


def everything_in(folder):
    return sorted(os.fspath(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("name", CASES)
def test_one_line_and_a_status(name, run_command, tmp_path):
    arguments, status, words = CASES[name]
    command, arguments = (
        ("signdiff", arguments) if arguments[0][0] != "-" else (f"signdiff{arguments[0]}", arguments[1:])
    )
    before = everything_in(tmp_path)
    done = run_command(command, *arguments)
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith(f"{command}: ")
    assert words in done.stderr
    assert done.returncode in ((1, 2) if status is None else (status,))
    assert everything_in(tmp_path) == before


@pytest.mark.usefixtures("files")
def test_an_older_video_survives_a_failure(run_command, tmp_path):
    (tmp_path / "out.mp4").write_bytes(b"older")
    assert run_command("signdiff", "render", "cut.pose", *OUT).returncode == 1
    assert (tmp_path / "out.mp4").read_bytes() == b"older"


@pytest.mark.usefixtures("files")
def test_debug_shows_where(run_command):
    done = run_command("signdiff", "--debug", "render", "cut.pose", *OUT)
    assert done.returncode == 1
    assert "Traceback" in done.stderr
