"""What a translator of a user's raises or gives is one line that names the option."""

import subprocess
import sys

import numpy as np
import pytest

from signdiff_eval.backtranslation.translator import Guarded, load_translator, settings_of

MODULE = """
import sys

def wrong_key(poses):
    return {}["poses"]

def late(poses):
    yield "hello"
    raise RuntimeError("no more\\nwords")

def ends(poses):
    sys.exit(0)

def few(poses):
    return ["hello"] * (len(poses) - 1)

def one_text(poses):
    return "he"

def nothing(poses):
    return None

def numbers(poses):
    return [1] * len(poses)
"""


def run(folder, command, translator):
    sides = ["--hyp", "hyp"] if command == "score" else ["--sys", "hyp", "--sys", "ref"]
    program = [sys.executable, "-c", "from signdiff_eval.cli import main; main()", command, "--ref", "ref", *sides]
    return subprocess.run(
        [*program, "--texts", "texts.txt", "--translator", translator], cwd=folder, capture_output=True, text=True
    )


@pytest.fixture
def folder(tmp_path, write_pose):
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        for side in ("ref", "hyp"):
            write_pose(tmp_path / side / f"{name}.pose", rng.normal(size=(4, 5, 3)))
    (tmp_path / "texts.txt").write_text("hello\nworld\n")
    (tmp_path / "mine.py").write_text(MODULE)
    return tmp_path


@pytest.mark.parametrize(
    ("command", "translator", "message"),
    [
        ("score", "os:system", "--translator 'os:system' failed: TypeError: expected str, bytes or os.PathLike"),
        ("compare", "mine:few", "--translator 'mine:few' failed: ValueError: the translator must give a text for each"),
    ],
)
def test_its_failure_is_one_line(folder, command, translator, message):
    done = run(folder, command, translator)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), done.stderr
    assert done.stderr.startswith(f"signdiff-eval: error: {message}")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("wrong_key", "failed: KeyError: 'poses'"),
        ("late", "failed: RuntimeError: no more"),
        ("ends", "failed: SystemExit: 0"),
        ("few", "must give a text for each pose, but gave 1 for 2"),
        ("one_text", "must give a list of texts, but gave str"),
        ("nothing", "must give a list of texts, but gave NoneType"),
        ("numbers", "must give texts, but one is int"),
    ],
)
def test_whatever_it_raises_or_gives_names_the_option(folder, monkeypatch, name, message):
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    spec = f"mine:{name}"
    translator = Guarded(load_translator(spec), spec)
    with pytest.raises(ValueError, match=f"--translator '{spec}' failed: .*{message.removeprefix('failed: ')}"):
        translator([object(), object()])


def test_settings_are_pairs():
    class Translator:
        settings = 5

        def __call__(self, poses):
            return [""] * len(poses)

    with pytest.raises(
        ValueError, match=r"translator 'mine:it' must have settings of \(name, value\) pairs, but has 5"
    ):
        settings_of(Translator(), "mine:it")
