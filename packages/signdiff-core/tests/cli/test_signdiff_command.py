"""The signdiff command from outside: what it prints, what it leaves, and its exit status."""

import json
import subprocess
import sys

import numpy as np
import pytest

from signdiff_core import formats
from signdiff_core.cli import run
from signdiff_core.provenance import marking
from signdiff_core.skeleton import make_pose
from signdiff_core.video import probe, read_video


@pytest.fixture
def command(capsys, stand_ins):
    """Run the command; returns (exit status, stdout, stderr)."""

    def call(*arguments):
        status = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call


@pytest.fixture
def generated(command, tmp_path):
    def call(*arguments, text="hello", output="out.mp4"):
        return command("generate", text, "-o", tmp_path / output, "--translator", "semaphore", *arguments)

    return call


def test_codes_for_a_terminal_are_escaped(command, tmp_path):
    broken = tmp_path / "a\x1b[31m.pose"
    broken.write_bytes(b"no pose")
    status, _, message = command("convert", broken, tmp_path / "out.pose")
    assert status == 1
    assert r"a\x1b[31m.pose" in message
    assert "\x1b" not in message


def files(folder):
    return sorted(path.name for path in folder.iterdir() if path.name != "site")


def test_generate_writes_video_and_pose(generated, tmp_path):
    status, out, err = generated("--renderer", "skeleton", "--size", 64, "--pose", tmp_path / "out.pose")
    assert (status, err) == (0, "")
    assert out == f"{tmp_path / 'out.mp4'}: 5 frames, 0.20 s of video, 64x64\n"
    assert files(tmp_path) == ["out.mp4", "out.pose", "out.pose.json"]
    info = probe(tmp_path / "out.mp4")
    assert (info.width, info.height, info.frames, info.fps, info.codec) == (64, 64, 5, 25, "h264")
    assert len(formats.read(tmp_path / "out.pose").body.data) == 5


def test_generate_equals_translate_then_render(command, generated, tmp_path):
    generated("--renderer", "skeleton", "--size", 128)
    assert command("translate", "hello", "--translator", "semaphore", "-o", tmp_path / "b.pose")[0] == 0
    assert (
        command("render", tmp_path / "b.pose", "--renderer", "skeleton", "--size", 128, "-o", tmp_path / "b.mp4")[0]
        == 0
    )
    assert (tmp_path / "b.mp4").read_bytes() == (tmp_path / "out.mp4").read_bytes()


def test_a_translated_pose_is_marked_as_generated(command, tmp_path):
    assert command("translate", "hello", "--translator", "semaphore", "-o", tmp_path / "a.pose")[0] == 0
    assert files(tmp_path) == ["a.pose", "a.pose.json"]
    mark = json.loads((tmp_path / "a.pose.json").read_text())
    assert mark["generator"]
    assert (mark["translator"], mark["model"], mark["protocol"]) == ("semaphore", "default", "free")


def test_a_pose_that_does_not_come_to_be_leaves_no_mark(tmp_path):
    def write(*, content=b""):
        with marking(tmp_path / "a.pose", "ours 1.0"):
            if content:
                (tmp_path / "a.pose").write_bytes(content)
            assert "a.pose.json" in files(tmp_path)
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        write()
    assert files(tmp_path) == []
    with pytest.raises(OSError, match="full"):
        write(content=b"an older pose")
    assert files(tmp_path) == ["a.pose", "a.pose.json"]


def test_options_reach_the_plugins(generated, tmp_path):
    status, out, _ = generated(
        "--renderer", "flat", "--steps", 5, "--seed", 7, "--dtype", "uint8", "--translator-model", "3", "--json"
    )
    assert status == 0
    result = json.loads(out)
    assert result == {
        "video": str(tmp_path / "out.mp4"),
        "frames": 15,
        "seconds": 0.6,
        "fps": 25.0,
        "width": 32,
        "height": 32,
        "renderer": "flat",
        "seed": 7,
    }
    frame = next(read_video(tmp_path / "out.mp4"))
    assert np.abs(frame.astype(int) - 57).max() <= 2


WRONG_USE = {
    "empty text": (["--renderer", "skeleton"], {"text": "  "}, "must be a text, but is empty"),
    "suffix": (
        ["--renderer", "skeleton"],
        {"output": "out.avi"},
        "must end in .mp4, .webm, .gif, .webp, or have no suffix",
    ),
    "renderer": (["--renderer", "oil"], {}, "no renderer named 'oil'; installed: avatar, diffusion, flat"),
    "option": (["--renderer", "skeleton", "--steps", "3"], {}, "--steps is not an option of the renderer 'skeleton'"),
    "device": (["--renderer", "skeleton", "--device", "cpu"], {}, "--device is not an option"),
    "language": (["--renderer", "skeleton", "--signed-language", "gsg"], {}, "is not an option of the translator"),
    "odd size": (["--renderer", "skeleton", "--size", "65"], {}, "must be an even number, as video needs, but is 65"),
    "huge size": (["--renderer", "skeleton", "--size", "999999"], {}, "not in the range"),
    "pose suffix": (["--renderer", "skeleton", "--pose", "x.skels"], {}, "ends in .pose"),
    "nan": (["--guidance-scale", "nan"], {}, "--guidance-scale"),
    "infinite": (["--guidance-scale", "inf"], {}, "--guidance-scale"),
    "absurd": (["--guidance-scale", "1e308"], {}, "--guidance-scale"),
    "no device": (["--device", "foo"], {}, "--device: device must be one that PyTorch has here (cpu"),
    "unknown option": (["--colour", "red"], {}, "No such option"),
}
FAILURES = {
    "script": (["--renderer", "skeleton"], {"text": "\u03b3\u03b5\u03b9\u03b1"}, "must be written in Latin letters"),
    "no folder": (["--renderer", "skeleton"], {"output": "no/out.mp4"}, "does not exist"),
    "stumbles": (["--renderer", "stumbling"], {}, "RuntimeError: out of ink"),
    "other object": (["--renderer", "os:system"], {}, "the renderer 'os:system' must be a class with render(), but"),
    "other translator": (["--translator", "os:system"], {}, "the translator 'os:system' must be a class with from_pre"),
    "needs": (
        ["--renderer", "needy"],
        {},
        'needs no_such_module_anywhere, which is not installed. To get it: python -m pip install "stand-ins[ink]"',
    ),
}


@pytest.mark.parametrize(
    ("status", "case"), [*((2, case) for case in WRONG_USE.items()), *((1, case) for case in FAILURES.items())]
)
def test_errors_are_one_line_and_leave_nothing(generated, tmp_path, status, case):
    arguments, options, message = case[1]
    got, out, err = generated(*arguments, **options)
    assert (got, out) == (status, "")
    assert err.startswith("signdiff: error: ")
    assert err.count("\n") == 1
    assert message in err
    assert files(tmp_path) == []


def test_failure_keeps_the_old_video(generated, tmp_path):
    (tmp_path / "out.mp4").write_text("old")
    assert generated("--renderer", "stumbling")[0] == 1
    assert files(tmp_path) == ["out.mp4"]
    assert (tmp_path / "out.mp4").read_text() == "old"


def test_debug_shows_the_traceback(generated):
    assert "Traceback" not in generated("--renderer", "stumbling")[2]
    status, _, err = generated("--renderer", "stumbling", "--debug")
    assert status == 1
    assert "Traceback" in err
    assert err.endswith("RuntimeError: out of ink (--debug shows where)\n")


def test_broken_plugin_is_a_failure_with_its_reason(command, stand_ins, installed, tmp_path):
    installed(stand_ins, "bad", "3", "[signdiff.renderers]\nbad = bad_one:Bad\n", {"bad_one": "import nothing_like_it"})
    status, _, err = command(
        "generate", "a", "-o", tmp_path / "a.mp4", "--renderer", "bad", "--translator", "semaphore"
    )
    assert status == 1
    assert "the renderer 'bad' of bad 3 cannot be loaded: ModuleNotFoundError: No module named 'nothing_like_it'" in err


@pytest.mark.parametrize("name", ["none.pose", "broken.pose", "a.docx"])
def test_bad_poses_are_named(command, tmp_path, name):
    if name != "none.pose":
        (tmp_path / name).write_bytes(b"not a pose at all")
    status, _, err = command("render", tmp_path / name, "-o", tmp_path / "a.mp4", "--renderer", "skeleton")
    assert status == (2 if name == "none.pose" else 1)
    assert err.count("\n") == 1
    assert name in err
    assert ("must be a pose file or folder" if name == "none.pose" else "expected") in err
    assert not (tmp_path / "a.mp4").exists()


@pytest.mark.parametrize("renderer", ["skeleton", "diffusion", "avatar"])
def test_a_pose_without_anybody_is_named(command, tmp_path, renderer):
    path = tmp_path / "empty.pose"
    formats.write(make_pose(np.zeros((4, 50, 3)), 25, confidence=np.zeros((4, 50))), path)
    status, _, err = command("render", path, "-o", tmp_path / "out.mp4", "--renderer", renderer)
    told = "pose must show somebody, but all joints are absent in all of its 4 frames."
    assert (status, err) == (1, f"signdiff: error: {path}: {told}\n")
    assert files(tmp_path) == ["empty.pose"]


def test_convert_goes_round(command, pose, tmp_path):
    formats.write(pose, tmp_path / "a.pose")
    assert command("convert", tmp_path / "a.pose", tmp_path / "b.skels")[0] == 0
    assert command("convert", tmp_path / "b.skels", tmp_path / "c.pose", "--fps", 25)[0] == 0
    status, out, _ = command("convert", tmp_path / "c.pose", tmp_path / "folder", "--json")
    assert (status, json.loads(out)["frames"]) == (0, 4)
    assert command("convert", tmp_path / "folder", tmp_path / "d.pose", "--normalise")[0] == 0
    assert np.abs(formats.read(tmp_path / "c.pose").body.data - pose.body.data).max() < 1e-5
    assert np.abs(formats.read(tmp_path / "d.pose").body.data - pose.body.data)[..., :2].max() < 3e-5


def test_convert_names_options_that_do_not_fit(command, pose, tmp_path):
    formats.write(pose, tmp_path / "a.pose")
    status, _, err = command("convert", tmp_path / "a.pose", tmp_path / "b.skels", "--index", 1)
    assert (status, "--index is not an option of reading the format 'pose'" in err) == (2, True)
    assert files(tmp_path) == ["a.pose"]


def test_convert_names_a_pose_of_another_skeleton(command, tmp_path):
    from pose_format import Pose, PoseHeader
    from pose_format.numpy import NumPyPoseBody
    from pose_format.pose_header import PoseHeaderComponent, PoseHeaderDimensions

    one = PoseHeaderComponent("FACE", ["a", "b"], [(0, 1)], [(0, 0, 0)], "XYZC")
    header = PoseHeader(0.2, PoseHeaderDimensions(1, 1, 1), [one])
    formats.write(Pose(header, NumPyPoseBody(25, np.ones((2, 1, 2, 3)), np.ones((2, 1, 2)))), tmp_path / "face.pose")
    for options in ([], ["--normalise"]):
        status, _, err = command("convert", tmp_path / "face.pose", tmp_path / "out.skels", *options)
        told = "pose must be of the 50 joints, MediaPipe Holistic or OpenPose, but has FACE (2)."
        assert (status, err) == (1, f"signdiff: error: {tmp_path / 'face.pose'}: {told}\n")
    assert files(tmp_path) == ["face.pose"]


@pytest.mark.parametrize("rate", ["nan", "inf", "0"])
def test_convert_takes_no_frame_rate_that_is_none(command, pose, tmp_path, rate):
    formats.write(pose, tmp_path / "a.skels")
    status, _, err = command("convert", tmp_path / "a.skels", tmp_path / "b.pose", "--fps", rate)
    assert (status, "--fps" in err, err.count("\n")) == (2, True, 1)


def test_dropped_people_are_told(command, tmp_path):
    person = {"pose_keypoints_2d": [5, 5, 1] * 25}
    (tmp_path / "clip").mkdir()
    (tmp_path / "clip" / "x_0_keypoints.json").write_text(json.dumps({"people": [person, person]}))
    status, _, err = command("convert", tmp_path / "clip", tmp_path / "a.pose", "--fps", 24)
    assert status == 0
    assert "1 detections of other people were left out of 1 frames" in err
    assert err.count("\n") == 1


def test_plugins_lists_origin_and_reason(command, stand_ins, installed):
    installed(stand_ins, "bad", "3", "[signdiff.metrics]\nbad = bad_two:Bad\n", {"bad_two": "1 / 0"})
    status, out, _ = command("plugins", "--json")
    listed = {(entry["group"], entry["name"]): entry for entry in json.loads(out)}
    assert status == 0
    assert listed["signdiff.renderers", "flat"]["distribution"] == "stand-ins"
    assert listed["signdiff.renderers", "skeleton"]["error"] is None
    assert "ZeroDivisionError" in listed["signdiff.metrics", "bad"]["error"]
    status, out, _ = command("plugins")
    assert status == 0
    assert "stand-ins 1.2" in out
    assert "! the metric 'bad' of bad 3 cannot be loaded: ZeroDivisionError: division by zero" in out


def test_doctor_finds_what_breaks(command, stand_ins, installed):
    from contextlib import suppress
    from importlib.metadata import PackageNotFoundError, metadata, version

    _, out, _ = command("doctor", "--json")
    parts = {part["name"]: part for part in json.loads(out)["parts"]}
    for package in ("signdiff-core", "signdiff-slp", "signdiff-frnet", "signdiff-eval"):
        with suppress(PackageNotFoundError):
            for extra in metadata(package).get_all("Provides-Extra", ()):
                assert f"{package}[{extra}]" in parts
    assert parts["signdiff-core"]["installed"]
    assert parts["signdiff-core"]["versions"]["numpy"] == version("numpy")
    assert parts["signdiff-core[avatar]"]["install"] == 'python -m pip install "signdiff-core[avatar]"'
    installed(stand_ins, "bad", "3", "[signdiff.metrics]\nbad = bad_three:Bad\n", {"bad_three": "1 / 0"})
    status, out, _ = command("doctor")
    assert status == 1
    assert "ZeroDivisionError" in out


def test_help_is_light():
    command = [sys.executable, "-X", "importtime", "-m", "signdiff_core.cli", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "generate" in done.stdout
    loaded = {line.rsplit("|", 1)[1].strip().split(".")[0] for line in done.stderr.splitlines()}
    assert "click" in loaded
    assert not {"torch", "numpy", "cv2", "av", "pose_format", "entrypoints"} & loaded


def test_version(command):
    from importlib.metadata import version

    assert command("--version")[1] == f"signdiff, version {version('signdiff-core')}\n"


def test_reader_that_leaves_early_causes_no_complaint():
    program = f"{sys.executable} -c 'from signdiff_core.cli import main; main()' plugins --json | head -c 1"
    done = subprocess.run(["bash", "-c", program], capture_output=True, check=True)
    assert b"Broken pipe" not in done.stderr
    assert b"Exception ignored" not in done.stderr


def test_doctor_knows_what_preparations_need(monkeypatch):
    from importlib import metadata

    from signdiff_core.cli import installation

    versions = metadata.version

    def version(name):
        if name in ("mediapipe", "ray", "h5py"):
            raise metadata.PackageNotFoundError(name)
        return versions(name)

    requires = {"signdiff-slp": ["ray>=2; extra == 'prepare'", "h5py; extra == 'prepare'"]}
    own = metadata.requires
    monkeypatch.setattr(metadata, "version", version)
    monkeypatch.setattr(metadata, "requires", lambda name: requires.get(name) or own(name))
    parts = {part["name"]: part for part in installation.diagnose()["parts"]}
    assert parts["signdiff-core[prepare]"]["missing"] == ["h5py", "ray"]
    assert parts["signdiff-slp[prepare]"]["missing"] == ["ray", "h5py"]
    assert "mediapipe" in parts["signdiff-core[mediapipe]"]["missing"]
    assert "signdiff estimate" in parts["signdiff-core[mediapipe]"]["brings"]
    assert parts["signdiff-core[mediapipe]"]["install"].endswith(
        "&& python -m pip install --no-deps mediapipe==0.10.14"
    )


def test_doctor_tells_other_releases_of_mediapipe_and_builds_of_opencv_apart(monkeypatch, capsys):
    from importlib import metadata

    from signdiff_core.cli import run

    versions, wrong = metadata.version, {"mediapipe": "1.2.3", "opencv-contrib-python": "5.0.0.93"}
    monkeypatch.setattr(metadata, "version", lambda name: wrong.get(name) or versions(name))
    run(["doctor"])
    out = capsys.readouterr().out
    assert "mediapipe 0.10.14, in place of 1.2.3" in out
    assert "Builds of OpenCV that overwrite each other: opencv-python-headless, opencv-contrib-python." in out
    assert "python -m pip uninstall opencv-contrib-python && python -m pip install --force-reinstall opencv-" in out
