"""Rendering that is interrupted, and resumed by the same command."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from signdiff_core import formats
from signdiff_core.cli import run
from signdiff_core.cli.parts import fingerprint
from signdiff_core.skeleton import make_pose
from signdiff_core.video import read_video, unfinished

BRUSHES = '''
import os

import numpy as np


class Brush:
    """Draws the number of each frame, keeps a list of those it drew, and stops where the environment says."""

    name = "brush"
    requires = ()
    extra = ""
    drawn = []

    def __init__(self, *, model=None):
        pass

    def render(self, pose, *, size=None, seed=0, start=0):
        for number in range(start, len(pose.body.data) + 1):
            if number == int(os.environ.get("BRUSH_STOPS", -1)):
                raise RuntimeError("out of ink") if os.environ.get("BRUSH_BREAKS") else KeyboardInterrupt
            if number == len(pose.body.data):
                return
            self.drawn.append(number)
            yield np.full((32, 32, 3), 2 * number + seed, np.uint8)


class Plain(Brush):
    """Knows no start."""

    name = "plain"
    drawn = []

    def render(self, pose, *, size=None, seed=0):
        yield from super().render(pose, size=size, seed=seed)
'''
ENTRY_POINTS = """
[signdiff.renderers]
brush = brushes:Brush
plain = brushes:Plain
"""
FRAMES = 60


@pytest.fixture
def long(tmp_path):
    joints = np.zeros((FRAMES, 50, 3))
    joints[:, [2, 5]] = (-1 / 6, 0, 0), (1 / 6, 0, 0)
    joints[:, 4, 1] = np.linspace(0, 0.5, FRAMES)
    formats.write(make_pose(joints, 25), tmp_path / "long.pose")
    return tmp_path / "long.pose"


@pytest.fixture
def render(stand_ins, installed, capsys, long, tmp_path, monkeypatch):
    """Run ``signdiff render`` until a frame; returns (exit status, stderr, numbers of the frames drawn)."""
    installed(stand_ins, "brushes", "1.0", ENTRY_POINTS, {"brushes": BRUSHES})

    def call(*arguments, renderer="brush", stops=-1, breaks=False):
        import brushes

        drawn = getattr(brushes, renderer.capitalize()).drawn
        drawn.clear()
        monkeypatch.setenv("BRUSH_STOPS", str(stops))
        monkeypatch.setenv("BRUSH_BREAKS", "1" if breaks else "")
        output = ("-o", str(tmp_path / "out.mp4"), "--renderer", renderer)
        status = run(["render", str(long), *output, *map(str, arguments)])
        return status, capsys.readouterr().err, list(drawn)

    return call


def files(folder):
    return sorted(path.name for path in folder.iterdir() if path.name not in ("site", "long.pose"))


def test_an_interrupted_render_says_what_is_kept_and_goes_on(render, tmp_path):
    assert render()[0] == 0
    whole = (tmp_path / "out.mp4").read_bytes()
    (tmp_path / "out.mp4").unlink()

    status, err, _ = render(stops=40)
    assert status == 130
    assert err == (
        f"signdiff: interrupted; 40 of 60 frames are kept ({tmp_path / 'out.partial.mp4'}), "
        "and the same command with --resume continues after them.\n"
    )
    assert files(tmp_path) == ["out.partial.mp4", "out.partial.resume"]
    shown = list(read_video(tmp_path / "out.partial.mp4"))
    assert len(shown) == 40
    assert all(np.abs(frame.astype(int) - 2 * number).max() <= 2 for number, frame in enumerate(shown))

    status, err, drawn = render("--resume", stops=45)
    assert (status, drawn) == (130, list(range(40, 45)))
    status, err, drawn = render("--resume")
    assert (status, drawn) == (0, list(range(45, FRAMES)))
    assert err == "signdiff: note: resuming after frame 45 of 60\n"
    assert files(tmp_path) == ["out.mp4"]
    assert (tmp_path / "out.mp4").read_bytes() == whole


def test_a_renderer_that_knows_no_start_goes_on_too(render, tmp_path):
    assert render(renderer="plain")[0] == 0
    whole = (tmp_path / "out.mp4").read_bytes()
    assert render(renderer="plain", stops=30)[0] == 130
    status, _, drawn = render("--resume", renderer="plain")
    assert (status, drawn) == (0, list(range(FRAMES)))
    assert (tmp_path / "out.mp4").read_bytes() == whole


def test_what_is_kept_is_neither_lost_nor_mixed(render, tmp_path):
    render(stops=40)
    before = {name: (tmp_path / name).read_bytes() for name in files(tmp_path)}
    status, err, drawn = render()
    assert (status, drawn) == (2, [])
    assert f"left 40 frames ({tmp_path / 'out.partial.mp4'}): give --resume to continue after them, or --restart" in err
    status, err, drawn = render("--resume", "--seed", 3)
    assert (status, drawn) == (1, [])
    assert "seed was 0 and is 3" in err
    assert {name: (tmp_path / name).read_bytes() for name in files(tmp_path)} == before
    status, _, drawn = render("--restart", "--seed", 3)
    assert (status, drawn) == (0, list(range(FRAMES)))
    assert files(tmp_path) == ["out.mp4"]


def test_without_anything_to_go_on_with_it_just_starts(render, tmp_path):
    assert render("--resume")[2] == render("--restart")[2] == list(range(FRAMES))
    assert files(tmp_path) == ["out.mp4"]


def test_an_error_keeps_a_second_of_video_but_no_less(render, tmp_path):
    status, err, _ = render(stops=10, breaks=True)
    assert (status, err) == (1, "signdiff: error: RuntimeError: out of ink (--debug shows where)\n")
    assert files(tmp_path) == []
    status, err, _ = render(stops=40, breaks=True)
    assert status == 1
    assert err.startswith("signdiff: error: RuntimeError: out of ink (--debug shows where); 40 of 60 frames are kept (")
    assert err.count("\n") == 1
    assert render("--resume")[2] == list(range(40, FRAMES))


def test_what_fails_again_at_once_is_not_said_to_go_on(render, tmp_path):
    assert render(stops=40)[0] == 130
    status, err, _ = render("--resume", stops=40, breaks=True)
    assert status == 1
    assert err.endswith(f"; 40 of 60 frames are kept ({tmp_path / 'out.partial.mp4'}).\n")


def test_nothing_is_drawn_when_all_frames_are_there(render, tmp_path):
    assert render(stops=FRAMES)[0] == 130
    assert unfinished(tmp_path / "out.mp4") == FRAMES
    assert render("--resume")[::2] == (0, [])
    assert len(list(read_video(tmp_path / "out.mp4"))) == FRAMES


def test_generate_goes_on(stand_ins, installed, tmp_path, monkeypatch, capsys):
    installed(stand_ins, "brushes", "1.0", ENTRY_POINTS, {"brushes": BRUSHES})
    command = [
        "generate",
        "x" * 40,
        "-o",
        str(tmp_path / "out.mp4"),
        "--translator",
        "semaphore",
        "--renderer",
        "brush",
    ]
    monkeypatch.setenv("BRUSH_STOPS", "30")
    assert run(command) == 130
    assert run(command) == 2
    monkeypatch.setenv("BRUSH_STOPS", "-1")
    assert run([*command, "--resume"]) == 0
    assert capsys.readouterr().err.endswith("resuming after frame 30 of 40\n")
    assert len(list(read_video(tmp_path / "out.mp4"))) == 40
    command[1] = "y" * 41
    monkeypatch.setenv("BRUSH_STOPS", "30")
    assert run(command) == 130
    command[1] = "y" * 42
    assert run([*command, "--resume"]) == 1
    assert "but pose was" in capsys.readouterr().err


def test_a_changed_model_is_another_video(render, tmp_path):
    model = tmp_path / "site" / "model"
    model.mkdir()
    (model / "weights").write_text("one")
    assert render("--model", model, stops=30)[0] == 130
    os.utime(model / "weights", (0, 0))
    status, err, _ = render("--model", model, "--resume")
    assert status == 1
    assert "but model was model (" in err
    assert render("--model", model, "--restart")[0] == 0


def test_a_fingerprint_is_of_the_pose_and_the_options(pose, tmp_path):
    other = make_pose(np.asarray(pose.body.data[:, 0]) + np.float32(1e-6), 25)
    absent = make_pose(np.asarray(pose.body.data[:, 0]), 25, confidence=np.zeros((4, 50)))
    prints = [fingerprint(each, {"seed": 1})["pose"] for each in (pose, other, absent)]
    assert len(set(prints)) == 3
    # A prompt is no path, however it reads, and a name on a hub stays one.
    words = {"seed": 1, "prompt": "x" * 5000, "model": "someone/pipeline", "frnet_source": "none"}
    assert fingerprint(pose, words) == {"pose": prints[0], **{name: str(value) for name, value in words.items()}}
    assert fingerprint(pose, {"prompt": str(tmp_path)})["prompt"] == str(tmp_path)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights").write_text("one")
    first, again = (fingerprint(pose, {"model": path}) for path in (tmp_path / "model", str(tmp_path / "model")))
    assert first == again
    (tmp_path / "model" / "more").touch()
    assert fingerprint(pose, {"model": tmp_path / "model"}) != first


@pytest.mark.parametrize(
    ("number", "word", "status"), [(signal.SIGINT, "interrupted", 130), (signal.SIGTERM, "terminated", 143)]
)
def test_a_signal_ends_the_real_command_in_order(long, tmp_path, number, word, status):
    # Long, and large: it would take minutes.
    pose = formats.read(long)
    joints = np.tile(np.asarray(pose.body.data[:, 0]), (100, 1, 1))
    formats.write(make_pose(joints, 25), tmp_path / "longer.pose")
    output = tmp_path / "out.mp4"
    arguments = ("render", tmp_path / "longer.pose", "-o", output, "--renderer", "skeleton", "--size", "512")
    command = [sys.executable, "-m", "signdiff_core.cli", *map(str, arguments)]
    # A shell starts what runs in the background with SIGINT ignored, and children inherit that.
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
    )
    while process.poll() is None and unfinished(output) < 30:
        time.sleep(0.05)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == status
    kept = unfinished(output)
    assert err.startswith(f"signdiff: {word}; {kept:,} of 6,000 frames are kept ({tmp_path / 'out.partial.mp4'})")
    assert len(list(read_video(tmp_path / "out.partial.mp4"))) == kept >= 30
    assert files(tmp_path) == ["longer.pose", "out.partial.mp4", "out.partial.resume"]
