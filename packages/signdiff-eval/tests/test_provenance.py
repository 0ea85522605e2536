import json
import subprocess
import sys

import pytest

from signdiff_eval.provenance import generator_of, mark_generated, marks_warning, protocol_of


def test_marks_of_files_and_folders(tmp_path):
    (tmp_path / "a.pose").touch()
    (tmp_path / "b.pose").touch()
    assert generator_of(tmp_path / "a.pose") is None
    assert mark_generated(tmp_path / "a.pose", "slp 0.1.0", protocol="free").name == "a.pose.json"
    assert (generator_of(tmp_path / "a.pose"), generator_of(tmp_path / "b.pose")) == ("slp 0.1.0", None)
    mark_generated(tmp_path, "other 2")
    assert (generator_of(tmp_path / "a.pose"), generator_of(tmp_path / "b.pose")) == ("slp 0.1.0", "other 2")
    assert generator_of(tmp_path) == "other 2"


def test_a_broken_mark_is_no_licence(tmp_path):
    (tmp_path / "a.pose.json").write_text("{")
    with pytest.raises(ValueError, match="must be JSON"):
        generator_of(tmp_path / "a.pose")
    (tmp_path / "a.pose.json").write_text('{"camera": "left"}')
    assert generator_of(tmp_path / "a.pose") is None
    (tmp_path / "generator.json").write_text("{}")
    with pytest.raises(ValueError, match="key 'generator'"):
        generator_of(tmp_path / "a.pose")
    with pytest.raises(ValueError, match="is empty"):
        mark_generated(tmp_path / "a.pose", " ")


@pytest.mark.parametrize("content", ["[" * 100_000, "\xff", "1" * 5000])
def test_a_mark_that_cannot_be_read_is_one_error_with_its_name(tmp_path, content):
    (tmp_path / "a.pose.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(ValueError, match=r"a\.pose\.json(:1)? must be"):
        generator_of(tmp_path / "a.pose")


def test_marks_tell_the_protocol(tmp_path):
    assert protocol_of(tmp_path / "a.pose") is None
    mark_generated(tmp_path, "slp 0.1.0", protocol="gt-timing")
    mark_generated(tmp_path / "b.pose", "slp 0.1.0")
    assert (protocol_of(tmp_path / "a.pose"), protocol_of(tmp_path / "b.pose")) == ("gt-timing", None)
    mark_generated(tmp_path, "slp 0.1.0", protocol="told")
    with pytest.raises(ValueError, match="free or gt-timing"):
        protocol_of(tmp_path / "a.pose")


def run(*arguments):
    program = [sys.executable, "-c", "from signdiff_eval.cli import main; main()", *map(str, arguments)]
    return subprocess.run(program, capture_output=True, text=True, check=False)


@pytest.fixture
def folders(tmp_path, write_pose, walk):
    for folder in ("ref", "ours", "theirs"):
        for name in ("a", "b", "c"):
            write_pose(tmp_path / folder / f"{name}.pose", walk(12))
    return tmp_path


@pytest.mark.parametrize("whole", [False, True])
def test_marked_references_are_told_by_every_command(folders, whole):
    reference = folders / "ref"
    marked = f"{reference}/" if whole else str(reference / "b.pose")
    mark_generated(reference if whole else reference / "b.pose", "other 2")
    mark_generated(folders / "ours", "slp 0.1.0")  # hypotheses may carry a mark
    page, quick = folders / "page.html", ("--samples", 20, "--trials", 20)
    for command in (
        ("score", "--ref", reference, "--hyp", folders / "ours", "--json"),
        ("compare", "--ref", reference, "--sys", folders / "ours", "--sys", folders / "theirs", "--html", page, *quick),
        ("audit", folders / "ours", "--ref", reference),
        ("audit", folders),
    ):
        done = run(*command)
        [line] = [line for line in done.stderr.splitlines() if "no p-value" not in line]
        assert done.returncode == 0
        assert line.startswith("signdiff-eval: warning: references should be ground truth, but carry a generator's")
        assert f"{marked} (other 2); " in line
        if command[0] == "score":
            assert json.loads(done.stdout)["marked_references"] == {marked: "other 2"}
    assert f"{marked} (other 2)" in page.read_text()


def test_references_without_a_mark_are_told_nothing_of(folders):
    mark_generated(folders / "ours", "slp 0.1.0")
    (folders / "ref" / "a.pose.json").write_text('{"camera": "left"}')
    done = run("score", "--ref", folders / "ref", "--hyp", folders / "ours", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert "marked_references" not in json.loads(done.stdout)


def test_a_reference_whose_mark_cannot_be_read_is_told_and_scored(folders):
    (folders / "ref" / "a.pose.json").write_text("{")
    for command in (("score", "--ref", folders / "ref", "--hyp"), ("audit", "--ref", folders / "ref")):
        done = run(*command, folders / "ours")
        assert (done.returncode, done.stderr.count("\n")) == (0, 1)
        assert f"mark: {folders / 'ref' / 'a.pose'} (unknown: " in done.stderr


def test_of_many_marks_the_first_are_named():
    assert marks_warning([]) == ""
    assert ": 0 (x), 1 (x) and 2 more; " in marks_warning([(str(index), "x") for index in range(4)], most=2)
