"""``signdiff render``: frames of any shape, outputs of any kind, and a source beside."""

import json

import av
import numpy as np
import pytest
from PIL import Image

from signdiff_core import formats
from signdiff_core.cli import run
from signdiff_core.skeleton import OPENPOSE50, Component, Skeleton, joints_of, make_pose
from signdiff_core.video import probe, read_video, write_video

FRAMES = 30


@pytest.fixture
def clip(pose, tmp_path):
    joints = np.repeat(np.asarray(pose.body.data[:1, 0]), FRAMES, axis=0)
    joints[:, 29:, 0] += np.linspace(0, 0.3, FRAMES)[:, None]
    formats.write(make_pose(joints, 25), tmp_path / "clip.pose")
    return tmp_path / "clip.pose"


@pytest.fixture
def source(tmp_path):
    grey = (np.full((72, 128, 3), 8 * number, np.uint8) for number in range(FRAMES))
    write_video(tmp_path / "clip.mp4", grey, 25)
    return tmp_path / "clip.mp4"


@pytest.fixture
def render(capsys, clip, tmp_path):
    def call(output, *arguments):
        line = ["render", clip, "-o", tmp_path / output, "--renderer", "skeleton", *arguments]
        status = run([str(argument) for argument in line])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call


@pytest.mark.parametrize(("width", "height"), [(160, 90), (90, 160)])
def test_frames_of_any_shape(render, tmp_path, width, height):
    status, out, _ = render("out.mp4", "--width", width, "--height", height, "--json")
    assert status == 0
    assert (json.loads(out)["width"], json.loads(out)["height"]) == (width, height)
    assert (probe(tmp_path / "out.mp4").width, probe(tmp_path / "out.mp4").height) == (width, height)


@pytest.mark.parametrize("output", ["out.webm", "out.gif", "out.webp", "out"])
def test_the_name_tells_what_is_written(render, tmp_path, output):
    status, out, _ = render(output, "--size", 64)
    assert (status, out) == (0, f"{tmp_path / output}: 30 frames, 1.20 s of video, 64x64\n")
    path = tmp_path / output
    if path.is_dir():
        assert [file.name for file in sorted(path.iterdir())][::29] == ["000000.png", "000029.png"]
    elif path.suffix == ".webm":
        assert len(list(read_video(path))) == FRAMES
    else:
        with Image.open(path) as animation:
            assert animation.n_frames == FRAMES


def test_pictures_may_have_odd_sides(render, tmp_path):
    assert render("out", "--size", 65)[0] == 0
    with Image.open(tmp_path / "out" / "000000.png") as picture:
        assert picture.size == (65, 65)


def test_a_source_stands_beside(render, tmp_path, source):
    assert render("alone.mp4", "--size", 72)[0] == 0
    status, out, err = render("out.mp4", "--size", 72, "--beside", source)
    assert (status, err) == (0, "")
    assert "272x72" in out
    for number, (frame, alone) in enumerate(
        zip(read_video(tmp_path / "out.mp4"), read_video(tmp_path / "alone.mp4"), strict=True)
    ):
        assert np.abs(frame[:, 4:124].astype(int) - 8 * number).max() < 12
        drawing = frame[:, 132:196].astype(int)
        assert (drawing.max(axis=-1) - drawing.min(axis=-1)).max() > 100
        assert np.abs(frame[:, 204:].astype(int) - alone[:, 4:]).mean() < 4


def test_what_does_not_agree_with_the_source_is_told(render, tmp_path):
    write_video(tmp_path / "other.mp4", [np.zeros((48, 48, 3), np.uint8)] * FRAMES, 24)
    status, _, err = render("out.mp4", "--size", 64, "--beside", tmp_path / "other.mp4")
    assert status == 0
    assert "has as many frames as the pose, 30, at 24 frames per second, not 25" in err
    assert probe(tmp_path / "out.mp4").fps == 24


def test_recorded_is_the_view_of_the_source(render, clip, tmp_path, capsys):
    """Drawn as recorded in a frame of the picture's own size, the neck lies where the pose's pixels have it."""
    joints = np.asarray(formats.read(clip).body.data[:, 0]) * 200 + (100, 60, 0)
    pixels = make_pose(joints, 25)
    pixels.header.dimensions.width, pixels.header.dimensions.height = 320, 180
    formats.write(pixels, clip)
    assert render("out", "--width", 320, "--height", 180, "--framing", "recorded")[0] == 0
    with Image.open(tmp_path / "out" / "000003.png") as picture:
        frame = np.array(picture)
    for elbow in (3, 6):
        x, y = joints[3, elbow, :2].round().astype(int)
        assert frame[y, x].tolist() == [71, 85, 105]


WRONG = {
    "suffix": ("out.avi", [], "must end in .mp4, .webm, .gif, .webp, or have no suffix"),
    "resume": ("out.gif", ["--resume"], "--resume is not for .gif"),
    "half a size": ("out.mp4", ["--width", 64], "--width and --height must be given together"),
    "two sizes": ("out.mp4", ["--size", 64, "--width", 64, "--height", 64], "--size or --width and --height"),
    "odd": ("out.webm", ["--width", 65, "--height", 64], "--width: must be an even number, as video needs, but is 65"),
    "framing": ("out.mp4", ["--framing", "close"], "must be 'signing space', 'recorded' or SCALE,X,Y, but is 'close'"),
    "missing": ("out.mp4", ["--missing", "drop"], "'drop' is not one of 'hold', 'hide'"),
    "opaque": ("out.mp4", ["--background", "transparent"], "--background transparent needs an output of .webm"),
    "whose": ("out.mp4", ["--background", "navy"], "--background is not an option of the renderer 'skeleton'"),
    "row": ("out.webm", ["--background", "transparent", "--beside", __file__], "is not for --beside"),
    "gone": ("out.mp4", ["--beside", "nowhere.mp4"], "'nowhere.mp4' does not exist"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_use_is_told_in_one_line(render, tmp_path, case):
    output, arguments, message = WRONG[case]
    status, out, err = render(output, *arguments)
    assert (status, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir() if path.name != "site"] == ["clip.pose"]


def test_a_folder_with_content_is_not_written_to(render, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "note.txt").write_text("mine")
    status, _, err = render("out")
    assert status == 2
    assert "must be a new or an empty folder" in err


def test_frames_without_anybody_are_told(render, clip, tmp_path):
    pose = formats.read(clip)
    confidence = np.ones((FRAMES, 50))
    confidence[10:] = 0
    formats.write(make_pose(np.asarray(pose.body.data[:, 0]), 25, confidence=confidence), clip)
    status, _, err = render("out.mp4", "--size", 64)
    assert status == 0
    assert err.startswith(
        "signdiff: note: 20 of 30 frames show nobody; joints of the body are absent in 20 of 30: held"
    )
    formats.write(make_pose(np.zeros((FRAMES, 50, 3)), 25, confidence=np.zeros((FRAMES, 50))), clip)
    status, _, err = render("none.mp4", "--size", 64)
    assert status == 1
    assert err.startswith(f"signdiff: error: {clip}: pose must show somebody, but all joints are absent")
    assert not (tmp_path / "none.mp4").exists()


def test_a_folder_of_another_video_is_not_resumed(render, tmp_path, clip):
    (tmp_path / "out.partial").mkdir()
    (tmp_path / "out.partial" / "settings.json").write_text("{}")
    Image.new("RGB", (64, 64)).save(tmp_path / "out.partial" / "000000.png")
    status, _, err = render("out", "--size", 64)
    assert status == 2
    assert "an interrupted command left 1 frames" in err
    status, _, err = render("out", "--size", 64, "--resume")
    assert status == 1
    assert "expected frames of the same settings" in err
    assert render("out", "--size", 64, "--restart")[0] == 0
    assert len(list((tmp_path / "out").iterdir())) == FRAMES


def test_av_is_there():
    assert {"libvpx-vp9", "gif", "libwebp_anim", "libopus", "aac"} <= av.codecs_available


@pytest.mark.parametrize("beside", [False, True])
def test_an_output_never_replaces_its_own_input(clip, source, capsys, beside):
    video, moving = str(source), str(clip)
    before = source.read_bytes()
    line = ["render", moving, "-o", video, "--beside", video] if beside else ["render", video, "-o", video]
    assert run(line) == 2
    assert f"must not be one of its own inputs, but both are '{video}'" in capsys.readouterr().err
    assert source.read_bytes() == before


def test_a_pose_is_not_converted_in_place_where_that_loses_points(clip, tmp_path, capsys):
    whole = formats.read(clip)
    joints, _confidence = joints_of(whole)
    wide = np.concatenate([joints, np.zeros((FRAMES, 10, 3))], axis=1)
    extra = Component(name="OTHER", joints=tuple(f"P{n}" for n in range(10)))
    wider = Skeleton(name="wider", components=(*OPENPOSE50.components, extra), root=1, shoulders=(2, 5))
    formats.write(wider.make_pose(wide, 25), tmp_path / "wide.pose")
    before = (tmp_path / "wide.pose").read_bytes()
    assert run(["convert", str(tmp_path / "wide.pose"), str(tmp_path / "wide.pose")]) != 0
    assert (tmp_path / "wide.pose").read_bytes() == before


def test_a_video_is_not_converted_but_estimated(source, tmp_path, capsys):
    assert run(["convert", str(source), str(tmp_path / "out.pose")]) == 2
    assert "signdiff estimate finds the pose" in capsys.readouterr().err
    assert not (tmp_path / "out.pose").exists()
