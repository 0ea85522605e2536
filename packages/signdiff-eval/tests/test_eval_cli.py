import json
import subprocess
import sys

import click
import numpy as np
import pytest

from signdiff_eval.commands.compare import compare
from signdiff_eval.commands.score import score

POSE_KEYS = ("dtw_mje", "dtw_pjpe", "dtw_pt", "total_distance", "avg_duration")


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
    assert report.keys() == {*POSE_KEYS, "pairs", "absent_joints"}
    assert report["avg_duration"]["score"] == 2
    assert report["avg_duration"]["ceiling"] == 1
    assert report["dtw_mje"]["signature"].startswith("dtw_mje|align:exact|")
    assert "|n:2|fps:25|" in report["dtw_mje"]["signature"]
    assert report["pairs"] == 2


def test_table(folders):
    done = run("score", "--ref", folders[0], "--hyp", folders[1])
    assert (done.returncode, done.stderr) == (0, "")
    assert "ceiling" in done.stdout
    for name in POSE_KEYS:
        assert f"\n{name}|" in done.stdout


def test_failure_is_one_line_without_traceback(folders):
    (folders[1] / "world.pose").unlink()
    done = run("score", "--ref", folders[0], "--hyp", folders[1])
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("signdiff-eval: error: every reference must have one hypothesis")
    assert done.stderr.rstrip().endswith("world.")


def test_codes_for_a_terminal_are_escaped(folders):
    (folders[1] / "world.pose").rename(folders[1] / "w\x1b[31m.pose")
    done = run("score", "--ref", folders[0], "--hyp", folders[1])
    assert done.returncode == 1
    assert r"w\x1b[31m" in done.stderr
    assert "\x1b" not in done.stderr


def test_debug_shows_the_traceback(folders):
    (folders[1] / "world.pose").unlink()
    command = ("score", "--ref", folders[0], "--hyp", folders[1])
    for done in (run(*command, "--debug"), run("--debug", *command)):
        assert done.returncode == 1
        assert "Traceback" in done.stderr


@pytest.mark.parametrize("value", ["nan", "inf", "1e308", "0", "-25", "1e-300"])
@pytest.mark.parametrize(
    ("command", "options"),
    [(score, ("--hyp", "--fps")), (score, ("--hyp", "--hyp-fps")), (compare, ("--sys", "--fps"))],
)
def test_frame_rates_are_checked_where_they_are_given(tmp_path, command, options, value):
    side, option = options
    with pytest.raises(click.BadParameter) as raised:
        command.make_context("it", ["--ref", str(tmp_path), side, str(tmp_path), option, value])
    told = f"Invalid value for '{option}': must be a number from 0.001 to 1000, but is {float(value):g}."
    assert raised.value.format_message() == told


def test_messages_are_one_line_however_wide_the_terminal(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    (tmp_path / "ref").write_text("\n\n")
    (tmp_path / "hyp").write_text("a b\nc\n")
    done = run("score", "--text", "--ref", tmp_path / "ref", "--hyp", tmp_path / "hyp")
    assert (done.returncode, done.stderr) == (0, "")
    assert "wer: not scored: wer must have something to divide by, but the references add up to 0.\n" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["scor"], "No such command"),
        (["score", "--ref", "{ref}"], "Missing option '--hyp'"),
        (["score", "--ref", "{ref}/nowhere", "--hyp", "{ref}"], "does not exist"),
        (["score", "--ref", "{ref}", "--hyp", "{ref}", "--fps", "0"], "--fps"),
        (["score", "--ref", "{ref}", "--hyp", "{ref}", "--fps", "25", "--video"], "--fps is for poses"),
        (["score", "--ref", "{ref}", "--hyp", "{ref}", "--text", "--video"], "--video and --text exclude"),
        (["score", "--ref", "{ref}", "--hyp", "{ref}", "--hands"], "--hands needs --video"),
        (["score", "--ref", "{ref}", "--hyp", "{ref}", "--tokenize", "13a"], "--tokenize needs --text"),
        (["score", "--ref", "{ref}", "--hyp", "{ref}", "--text"], "--ref must be a file with --text"),
        (["score", "--ref", "{ref}", "--hyp", "{ref}", "--video", "--translator", "a:b"], "--translator is for poses"),
        (
            ["compare", "--ref", "{ref}", "--sys", "{ref}", "--html", "v1.0"],
            "--html: must be a file that ends in .html",
        ),
        (["compare", "--ref", "{ref}", "--sys", "{ref}", "--html", "no/a.html"], "no must be a folder, but is none"),
    ],
)
def test_wrong_use(folders, arguments, message):
    done = run(*(argument.format(ref=folders[0]) for argument in arguments))
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert message in done.stderr


def test_a_bare_command_shows_what_there_is():
    done = run()
    assert (done.returncode, done.stdout) == (2, "")
    for word in ("Usage:", "audit", "compare", "score", "--help"):
        assert word in done.stderr


@pytest.mark.parametrize(
    ("name", "options", "hint"),
    [
        ("a.MP4", [], "holds none in a known format; it holds videos: add --video."),
        ("a.pose", ["--video"], "holds none in a known format; it holds poses: leave out --video."),
        ("a.txt", [], "holds none in a known format; files of sentences are given one by one, with --text."),
    ],
)
@pytest.mark.parametrize("command", ["score", "compare"])
def test_a_folder_of_another_kind_gets_a_hint(tmp_path, name, options, hint, command):
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / name).touch()
    other = "--hyp" if command == "score" else "--sys"
    done = run(command, "--ref", tmp_path / "files", other, tmp_path / "files", *options)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert hint in done.stderr


def test_a_video_given_as_a_pose_gets_a_hint(tmp_path):
    (tmp_path / "a.mp4").touch()
    done = run("score", "--ref", tmp_path / "a.mp4", "--hyp", tmp_path / "a.mp4")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "videos are scored with --video" in done.stderr


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


def test_texts(tmp_path):
    for name, lines in (
        ("ref", ["das ist ein test", "guten morgen"]),
        ("hyp", ["das ist ein test", "guten abend"]),
        ("best", ["das ist kein test", "guten morgen"]),
    ):
        (tmp_path / name).write_text("\n".join(lines) + "\n")
    files = ("--ref", tmp_path / "ref", "--hyp", tmp_path / "hyp", "--ceiling", tmp_path / "best")
    done = run("score", "--text", *files, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    assert report["wer"]["score"] == report["wer"]["ceiling"] == pytest.approx(100 / 6)
    assert report["bleu1"]["score"] == pytest.approx(500 / 6)
    assert "|n:2|ceiling:translated|protocol:free|" in report["cer"]["signature"]
    assert report["pairs"] == 2


def test_texts_must_have_as_many_lines(tmp_path):
    (tmp_path / "ref").write_text("a\nb\n")
    (tmp_path / "hyp").write_text("a\n")
    done = run("score", "--text", "--ref", tmp_path / "ref", "--hyp", tmp_path / "hyp")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{tmp_path / 'hyp'} must have as many lines as {tmp_path / 'ref'}, 2, but has 1." in done.stderr
    done = run("score", "--text", "--ref", tmp_path / "ref", "--hyp", tmp_path / "ref", "--ceiling", tmp_path / "hyp")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{tmp_path / 'hyp'} must have as many lines as" in done.stderr


def test_the_challenge_s_files_and_keys(tmp_path, rng):
    torch = pytest.importorskip("torch")
    truth = torch.from_numpy(np.cumsum(rng.normal(size=(21, 178, 3)), axis=0))
    torch.save({"a": {"poses_3d": truth, "text": "hallo"}}, tmp_path / "dev.pt")
    torch.save({"a": truth[::2] * 0.5}, tmp_path / "prediction.pt")
    files = ("--ref", tmp_path / "dev.pt", "--hyp", tmp_path / "prediction.pt")
    done = run("score", "--slrtp", *files, "--hyp-fps", "12.5", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    assert list(report["slrtp2025"]) == ["dtw_mje", "total_distance", "avg_duration"]
    assert report["slrtp2025"]["total_distance"] == pytest.approx(0.5, rel=1e-6)
    assert report["slrtp2025"]["avg_duration"] == 1
    assert "|fps:12.5|" in report["dtw_mje"]["signature"]
    assert "|joints:wrists|" in report["total_distance"]["signature"]
