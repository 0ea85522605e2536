"""``signdiff estimate`` and ``signdiff render`` of videos, with an estimator that finds a whole signer at once."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from pose_format import Pose

from signdiff_core.cli import run
from signdiff_core.estimators.store import STRETCH
from signdiff_core.video import probe, write_video

FINDER = '''
import time

import numpy as np
from signdiff_core.camera import Camera
from signdiff_core.skeleton import OPENPOSE50


class Finder:
    """A signer whose right hand is as high as the picture is bright; nobody in black ones."""

    requires = ()
    extra = ""
    version = "1"
    wait = 0.0

    def header(self, width, height):
        header = OPENPOSE50.header()
        header.dimensions = type(header.dimensions)(width, height, 0)
        return header

    def estimate(self, frames):
        for frame in frames:
            time.sleep(self.wait)
            level = float(frame.mean())
            if level < 8:
                yield []
                continue
            joints = np.zeros((50, 3), np.float32)
            joints[[0, 1, 2, 3, 4, 5, 6, 7], :2] = (
                (32, 10), (32, 20), (22, 20), (20, 34), (22, 50 - level / 8), (42, 20), (44, 34), (42, 50)
            )
            joints[8:29, :2] = joints[7, :2] + np.arange(21)[:, None] / 4
            joints[29:, :2] = joints[4, :2] - np.arange(21)[:, None] / 4
            yield [(joints, np.ones(50, np.float32))]


class Slow(Finder):
    wait = 0.01
'''
ENTRY_POINTS = "[signdiff.estimators]\nfinder = finder:Finder\nslow = finder:Slow\n"


@pytest.fixture
def finder(stand_ins, installed):
    installed(stand_ins, "finder", "1.0", ENTRY_POINTS, {"finder": FINDER})
    return stand_ins


def film(path, levels):
    write_video(path, (np.full((64, 64, 3), level, np.uint8) for level in levels), 25)
    return path


@pytest.mark.usefixtures("finder")
def test_a_pose_is_estimated_and_who_is_missing_is_told(tmp_path, capsys):
    film(tmp_path / "a.mp4", [0, 0, *range(40, 120, 10)])
    command = ["estimate", str(tmp_path / "a.mp4"), "-o", str(tmp_path / "a.pose"), "--estimator", "finder", "--json"]
    assert run(command) == 0
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert (told["frames"], told["fps"], told["frames_without_person"]) == (10, 25, 2)
    assert "a.mp4: 2 of 10 frames show nobody" in err
    pose = Pose.read((tmp_path / "a.pose").read_bytes())
    assert pose.body.confidence.any(axis=(1, 2)).tolist() == [False] * 2 + [True] * 8
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["a.mp4", "a.pose"]


@pytest.mark.usefixtures("finder")
@pytest.mark.parametrize("command", ["estimate", "render"])
def test_a_video_without_a_person_is_one_line(tmp_path, capsys, command):
    film(tmp_path / "a.mp4", [0] * 10)
    output = tmp_path / ("a.pose" if command == "estimate" else "b.mp4")
    more = [] if command == "estimate" else ["--renderer", "flat"]
    assert run([command, str(tmp_path / "a.mp4"), "-o", str(output), "--estimator", "finder", *more]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("a.mp4: expected a video of a person, but none of its 10 frames shows one.")
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["a.mp4"]
    assert not list(tmp_path.glob("*.partial*"))


@pytest.mark.usefixtures("finder")
def test_a_video_that_is_cut_short_is_one_line(tmp_path, capsys):
    content = film(tmp_path / "a.mp4", np.random.default_rng(0).integers(9, 200, 100)).read_bytes()
    (tmp_path / "a.mp4").write_bytes(content[: 2 * len(content) // 3])
    assert run(["estimate", str(tmp_path / "a.mp4"), "-o", str(tmp_path / "a.pose"), "--estimator", "finder"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"signdiff: error: {tmp_path / 'a.mp4'}: expected")
    assert not list(tmp_path.glob("*.p*se*"))


def test_a_killed_run_is_resumed_to_the_same_bytes(finder, tmp_path, capsys):
    film(tmp_path / "a.mp4", np.random.default_rng(0).integers(9, 200, 2 * STRETCH + 30))
    base = ["estimate", str(tmp_path / "a.mp4"), "--estimator", "slow"]
    quick = [word.replace("slow", "finder") for word in base]
    assert run([*quick, "-o", str(tmp_path / "whole.pose")]) == 0
    program = f"import sys; sys.path.insert(0, {str(finder)!r}); from signdiff_core.cli import main; main()"
    arguments = [*base, "-o", str(tmp_path / "b.pose")]
    process = subprocess.Popen([sys.executable, "-c", program, *arguments])
    stored = tmp_path / "b.partial.estimate" / "000000.safetensors"
    for _ in range(2400):
        if stored.exists() or process.poll() is not None:
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert stored.exists()
    assert not (tmp_path / "b.pose").exists()
    capsys.readouterr()
    assert run(arguments) == 2
    assert f"left the poses of {STRETCH} frames" in capsys.readouterr().err
    assert run([*arguments, "--resume"]) == 0
    assert "note: resuming after the poses of 240 frames" in capsys.readouterr().err
    assert (tmp_path / "b.pose").read_bytes() == (tmp_path / "whole.pose").read_bytes()
    assert not stored.parent.exists()


@pytest.mark.usefixtures("finder")
def test_a_video_becomes_that_of_another_signer(tmp_path, capsys):
    film(tmp_path / "a.mp4", [*range(40, 120, 10)])
    command = ["render", str(tmp_path / "a.mp4"), "-o", str(tmp_path / "b.mp4"), "--estimator", "finder"]
    assert run([*command, "--renderer", "skeleton", "--size", "64"]) == 0
    assert (probe(tmp_path / "b.mp4").frames, probe(tmp_path / "b.mp4").fps) == (8, 25)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["a.mp4", "b.mp4"]
    capsys.readouterr()
    # What was found is kept where the renderer fails, so that it is not looked for again.
    assert run([*command, "--renderer", "stumbling"]) == 1
    assert "the poses of 8 frames are kept" in capsys.readouterr().err
    assert run([*command, "--renderer", "flat"]) == 2
    assert run([*command, "--renderer", "flat", "--resume"]) == 0
    assert not list(tmp_path.glob("*.partial*"))


def test_mediapipe_that_is_missing_is_named_with_the_command_that_installs_it(tmp_path):
    film(tmp_path / "a.mp4", [50])
    hide = """
import sys
class Hide:
    def __init__(self, finder):
        self.finder = finder
    def find_spec(self, name, path=None, target=None):
        return None if name.split(".")[0] == "mediapipe" else self.finder.find_spec(name, path, target)
sys.meta_path[:] = [Hide(finder) for finder in sys.meta_path]
from signdiff_core.cli import main
main()
"""
    arguments = ["estimate", str(tmp_path / "a.mp4"), "-o", str(tmp_path / "a.pose")]
    done = subprocess.run([sys.executable, "-c", hide, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "signdiff: error: the estimator 'holistic' needs mediapipe, which is not installed. To get it: "
        'python -m pip install "signdiff-core[mediapipe]" && python -m pip install --no-deps mediapipe==0.10.14'
    ]
