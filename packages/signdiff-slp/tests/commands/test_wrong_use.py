"""Wrong use of the commands: one line that says what was expected."""

import importlib

import numpy as np
import pytest

from signdiff_core import formats
from signdiff_core.skeleton import make_pose
from signdiff_slp.cli import main

POSES = ["corpus", "poses", "folder", "-o", "out", "--texts", "beside"]
SPELL = ["corpus", "fingerspelling", "-o", "out"]
PREPARE = ["prepare", "-o", "out"]


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ([*SPELL, "--share", "abc"], "argument --share: must be a number above 0 and up to 1, but is 'abc'"),
        ([*SPELL, "--share", "nan"], "argument --share: must be a number above 0 and up to 1, but is 'nan'"),
        ([*SPELL, "--share", "2"], "argument --share: must be a number above 0 and up to 1, but is '2'"),
        ([*SPELL, "--seed", "-1"], "argument --seed: must be a whole number, at least 0, but is '-1'"),
        ([*POSES, "--fps", "abc"], "argument --fps: must be a number above 0, but is 'abc'"),
        ([*POSES, "--fps", "inf"], "argument --fps: must be a number above 0, but is 'inf'"),
        ([*POSES, "--depth", "x,1"], "argument --depth: must be two numbers, as in 3.3,0.5, or none, but is 'x,1'"),
        (
            [*POSES, "--fractions", "1,nan,0"],
            "argument --fractions: must be three shares that sum to 1, as in 0.9,0.05,0.05, but is '1,nan,0'",
        ),
        ([*PREPARE, "--tolerance", "nan"], "argument --tolerance: must be a number, but is 'nan'"),
        ([*PREPARE, "--max-jitter", "nan"], "argument --max-jitter: must be a number, but is 'nan'"),
        ([*PREPARE, "--workers", "2.5"], "argument --workers: must be a whole number, but is '2.5'"),
        (
            ["corpus", "export", "c", "-o", "o", "--count", "0"],
            "--count: must be a whole number, at least 1, but is '0'",
        ),
        (["sign", "hi", "-o", "x.pose", "--speed", "fast"], "argument --speed: must be a number, but is 'fast'"),
        (["sign", "hi"], "the following arguments are required: -o/--output"),
        (["sign", "hi", "-o", "x.pose", "--sp\x1b[31m\n"], r"unrecognized arguments: --sp\x1b[31m"),
    ],
)
def test_wrong_use_is_one_line_that_says_what_was_expected(command, told, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(command)
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert told in error
    assert error.startswith("signdiff-slp")
    assert error.endswith(" --help)\n")


@pytest.mark.parametrize("recipe", ["train", "generate", "evaluate"])
def test_wrong_use_of_a_recipe_is_one_line(recipe, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["recipe", "out", "--preset", "nothing"])
    with pytest.raises(SystemExit, match="2"):
        importlib.import_module(f"signdiff_slp.recipes.{recipe}.__main__").main()
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error.startswith(f"python -m signdiff_slp.recipes.{recipe}: argument --preset: invalid choice: 'nothing'")


@pytest.mark.parametrize("module", ["export", "interop"])
def test_wrong_use_of_a_module_is_one_line(module, capsys):
    with pytest.raises(SystemExit, match="2"):
        importlib.import_module(f"signdiff_slp.{module}").main([])
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error.startswith(f"python -m signdiff_slp.{module}: the following arguments are required")


@pytest.mark.parametrize("place", [0, 1, 2, 5])
def test_debug_may_stand_before_or_after_the_subcommand(place, tmp_path):
    command = ["corpus", "export", str(tmp_path / "none"), "-o", str(tmp_path / "out")]
    with pytest.raises(FileNotFoundError):
        main([*command[:place], "--debug", *command[place:]])


def test_an_error_of_the_system_names_the_file_first(tmp_path, capsys):
    clips, file = tmp_path / "clips", tmp_path / "file"
    clips.mkdir()
    formats.write(make_pose(np.random.default_rng(0).normal(size=(3, 50, 3)), 25), clips / "one.pose")
    (clips / "one.txt").write_text("hello")
    file.touch()
    assert main(["corpus", "poses", str(clips), "-o", str(file / "corpus"), "--texts", "beside"]) == 1
    assert capsys.readouterr().err == f"signdiff-slp: error: {file}: File exists\n"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [([], ["corpus", "vocabulary", "sign", "prepare"]), (["corpus"], ["skels", "poses"]), (["step"], ["read", "lift"])],
)
def test_a_command_without_its_subcommand_shows_what_there_is(arguments, named, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert all(name in shown.err for name in named)
    assert shown.err.splitlines()[-1].startswith(f"{' '.join(['signdiff-slp', *arguments])}: error: a ")
    assert "is missing" in shown.err
