"""``signdiff draw``: a folder or a video for each map of a pose, whole or not at all."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("warp", reason="the extra avatar brings warp-lang")

from signdiff_core import formats
from signdiff_core.avatar import control_maps
from signdiff_core.cli import run
from signdiff_core.skeleton import make_pose
from signdiff_core.video import probe, read_video

FRAMES = 6


@pytest.fixture
def clip(pose, tmp_path):
    joints = np.repeat(np.asarray(pose.body.data[:1, 0]), FRAMES, axis=0)
    joints[:, 29:, 0] += np.linspace(0, 0.3, FRAMES)[:, None]
    formats.write(make_pose(joints, 25), tmp_path / "clip.pose")
    return tmp_path / "clip.pose"


@pytest.fixture
def draw(capsys, clip, tmp_path):
    def call(*arguments, output="out"):
        status = run([str(each) for each in ("draw", clip, "-o", tmp_path / output, "--size", 64, *arguments)])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call


def read(folder):
    return [np.asarray(Image.open(path)) for path in sorted(folder.iterdir())]


def test_each_map_is_a_folder_of_pictures(draw, clip, tmp_path):
    status, out, _ = draw("--maps", "depth,openpose", "--include-face")
    assert status == 0
    assert out == "".join(f"{tmp_path / 'out' / name}: 6 frames, 0.24 s, 64x64\n" for name in ("depth", "openpose"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.pose", "out"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["depth", "openpose"]
    drawn = list(control_maps(formats.read(clip), ("depth", "openpose"), size=64, include_face=True))
    for name in ("depth", "openpose"):
        assert np.array_equal(read(tmp_path / "out" / name), [frame[name] for frame in drawn])


def test_each_map_is_a_video_where_that_is_asked_for(draw, tmp_path):
    status, out, _ = draw("--maps", "normal,canny", "--suffix", ".mp4", "--framing", "0.8,0.5,0.4", "--json")
    assert status == 0
    told = json.loads(out)
    assert told["maps"] == {name: str(tmp_path / "out" / f"{name}.mp4") for name in ("normal", "canny")}
    assert (told["frames"], told["width"], told["height"], told["fps"]) == (6, 64, 64, 25)
    assert probe(told["maps"]["canny"]).frames == FRAMES
    first = next(iter(read_video(told["maps"]["normal"])))
    assert np.abs(first[2, 2].astype(int) - [127, 127, 255]).max() < 12, "the background is a wall"


@pytest.mark.parametrize("suffix", ["", ".mp4"])
def test_an_interrupted_draw_is_resumed_to_the_same_bytes(draw, tmp_path, monkeypatch, suffix):
    kind = ("--suffix", suffix) if suffix else ()
    assert draw("--maps", "openpose,depth", *kind, output="whole")[0] == 0

    from signdiff_core.avatar import maps

    real = maps.depth_picture

    def interrupted(near):
        interrupted.left -= 1
        if interrupted.left < 0:
            raise KeyboardInterrupt
        return real(near)

    interrupted.left = 4
    monkeypatch.setattr(maps, "depth_picture", interrupted)
    status, _, err = draw("--maps", "openpose,depth", *kind)
    assert status == 130
    assert "4 frames are kept" in err
    assert not (tmp_path / "out").exists()
    assert (tmp_path / "out.partial").is_dir()
    monkeypatch.undo()

    status, _, err = draw("--maps", "openpose,depth", *kind)
    assert status == 2
    assert "give --resume to continue there, or --restart to discard it" in err
    status, _, err = draw("--maps", "openpose,normal", *kind, "--resume")
    assert status == 1
    assert "expected maps of the same settings, but maps was openpose, depth and is openpose, normal" in err
    status, _, err = draw("--maps", "openpose,depth", *kind, "--resume")
    assert (status, err) == (0, "signdiff: note: resuming after frame 4\n")
    assert not (tmp_path / "out.partial").exists()
    files = [sorted(path for path in (tmp_path / name).rglob("*") if path.is_file()) for name in ("whole", "out")]
    assert [path.relative_to(tmp_path / "out").parts for path in files[1]] == [
        path.relative_to(tmp_path / "whole").parts for path in files[0]
    ]
    for one, other in zip(*files, strict=True):
        assert one.read_bytes() == other.read_bytes()


def test_what_was_whole_when_it_was_stopped_is_drawn_again(draw, tmp_path):
    """Between the moments in which the first map and the last are whole."""
    assert draw("--maps", "openpose,depth", output="whole")[0] == 0
    status, _, _ = draw("--maps", "openpose,depth")
    partial = tmp_path / "out.partial"
    shutil.move(tmp_path / "out", partial)
    (partial / "depth").rename(partial / "depth.partial")
    pose = formats.read(tmp_path / "clip.pose")
    from signdiff_core.cli.parts import fingerprint

    options = {"maps": "openpose, depth", "suffix": "", "size": 64, "include_face": False, "device": "cpu"}
    (partial / "settings.json").write_text(json.dumps(fingerprint(pose, options)))
    own = {"fps": "25", "signdiff-core": "0.1.0", **fingerprint(pose, options)}
    (partial / "depth.partial" / "settings.json").write_text(json.dumps(own))
    status, _, err = draw("--maps", "openpose,depth", "--resume")
    assert (status, err) == (0, "")
    for name in ("openpose", "depth"):
        assert np.array_equal(read(tmp_path / "out" / name), read(tmp_path / "whole" / name))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--maps", "deep"), "maps must be openpose, depth, normal, softedge, canny, frnet, or an annotator"),
        (("--maps", "depth,depth"), "each of them once"),
        (("--suffix", ".mp4", "--width", 63, "--height", 64), "even number"),
        (("--suffix", ".gif", "--resume"), "--resume is not for .gif"),
        (("--device", "abacus"), "device must be"),
    ],
)
def test_wrong_use_is_told_and_leaves_nothing(draw, tmp_path, arguments, told):
    status, _, err = draw(*arguments)
    assert status in (1, 2)
    assert told in err
    assert err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["clip.pose"]


def test_what_is_there_is_left_alone(draw, tmp_path):
    (tmp_path / "out.partial").mkdir()
    (tmp_path / "out.partial" / "thesis.tex").write_text("all of it")
    for choice in ((), ("--resume",), ("--restart",)):
        status, _, err = draw(*choice)
        assert status == 2
        assert "is in the way" in err
    assert (tmp_path / "out.partial" / "thesis.tex").read_text() == "all of it"
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "note.txt").write_text("mine")
    status, _, err = draw(output="full")
    assert status == 2
    assert "new or an empty folder" in err
    status, _, err = draw(output="maps.mp4")
    assert status == 2
    assert "--suffix .mp4 makes videos" in err


def test_fr_maps_need_their_package(draw, monkeypatch):
    from signdiff_core import plugins

    real = plugins.discover
    monkeypatch.setattr(plugins, "discover", lambda group: [p for p in real(group) if "frnet" not in p.name])
    status, _, err = draw("--maps", "frnet")
    assert status == 1 or status == 2
    assert "python -m pip install signdiff-frnet" in err
