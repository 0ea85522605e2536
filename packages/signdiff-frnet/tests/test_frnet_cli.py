import subprocess
import sys

import cv2
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from signdiff_frnet import FRNetDetector, __version__
from signdiff_frnet.cli import main

SMALL = ["--detect-resolution", "64", "--image-resolution", "64"]
RGB = np.random.default_rng(0).integers(0, 256, (80, 100, 3), dtype=np.uint8)
MAP = FRNetDetector()(RGB, detect_resolution=64, image_resolution=64)


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "frame.png"
    Image.fromarray(RGB).save(path)
    return path


@pytest.fixture
def video(tmp_path):
    path = tmp_path / "clip.mkv"
    frames = [np.roll(RGB, 8 * index, axis=1) for index in range(5)]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"FFV1"), 12.5, (100, 80))
    for frame in frames:
        writer.write(frame[..., ::-1])
    writer.release()
    return path


def frames_of(path):
    video = cv2.VideoCapture(str(path))
    frames = []
    while (read := video.read())[0]:
        frames.append(read[1])
    return frames, video.get(cv2.CAP_PROP_FPS)


def fails(arguments, status):
    command = [sys.executable, "-m", "signdiff_frnet.cli", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("signdiff-frnet: ")
    return done.stderr


def test_an_image_to_a_file(image, tmp_path, capfd):
    assert main([str(image), "-o", str(tmp_path / "map.png"), *SMALL]) == 0
    assert_array_equal(np.array(Image.open(tmp_path / "map.png")), MAP)
    assert capfd.readouterr() == ("", "")


def test_options_reach_the_detector(image, tmp_path):
    arguments = ["--threshold-method", "mean", "--block-size", "7", "--offset", "4.5", "--kernel-size", "3"]
    assert main([str(image), "-o", str(tmp_path / "map.bmp"), *arguments, "--image-resolution", "128"]) == 0
    expected = FRNetDetector()(RGB, "mean", 7, 4.5, 3, image_resolution=128)
    assert_array_equal(np.array(Image.open(tmp_path / "map.bmp")), expected)


def test_a_video_to_a_lossless_file(video, tmp_path):
    assert main([str(video), "-o", str(tmp_path / "maps.avi"), *SMALL]) == 0
    frames, fps = frames_of(tmp_path / "maps.avi")
    assert fps == 12.5
    assert len(frames) == 5
    expected = [
        FRNetDetector()(np.roll(RGB, 8 * i, axis=1), detect_resolution=64, image_resolution=64) for i in range(5)
    ]
    assert_array_equal(frames, expected)


def test_a_folder_keeps_its_shape(image, video, tmp_path):
    folder, out = tmp_path / "in", tmp_path / "out"
    (folder / "deep").mkdir(parents=True)
    image.rename(folder / "deep" / "frame.PNG")
    video.rename(folder / "clip.mkv")
    (folder / "notes.txt").write_text("no image")
    assert main([str(folder), "-o", str(out), *SMALL]) == 0
    assert sorted(str(p.relative_to(out)) for p in out.rglob("[!.]*") if p.is_file()) == ["clip.mp4", "deep/frame.png"]
    frames, _ = frames_of(out / "clip.mp4")
    # MPEG-4 loses a little
    assert np.abs(frames[0].astype(int) - MAP).mean() < 20


def test_pictures_are_read_the_right_way_up(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # taken with the camera on its side
    Image.fromarray(RGB).save(tmp_path / "side.png", exif=exif)
    assert main([str(tmp_path / "side.png"), "-o", str(tmp_path / "map.png"), *SMALL]) == 0
    expected = FRNetDetector()(np.rot90(RGB, -1), detect_resolution=64, image_resolution=64)
    assert_array_equal(np.array(Image.open(tmp_path / "map.png")), expected)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["IMAGE"], "required: -o/--output"),
        (["-o", "OUT"], "required: IN"),
        (["IMAGE", "-o", "OUT/map.jpg"], "for an image, which a lossy format would not keep binary, but is"),
        (["IMAGE", "IMAGE", "-o", "OUT.png"], "-o must be a folder"),
        (["IMAGE", "IMAGE", "-o", "OUT"], "would both be written"),
        (["IMAGE", "-o", "IMAGE"], "-o must leave the inputs alone"),
        (["IMAGE", "-o", "OUT", "--kernel-size", "4"], "kernel_size must be an odd integer"),
        (["IMAGE", "-o", "OUT", "--detect-resolution", "999999999999"], "above 32 and up to 268435456, but is 9999"),
        (["IMAGE", "-o", "nowhere/map.png"], "-o must lie in a folder that is there, but nowhere is none"),
        (
            ["IMAGE", "-o", "OUT", "--detect-resolution", "32"],
            "--detect-resolution must be a number of pixels above 32 and up to",
        ),
        (["IMAGE", "-o", "OUT", "--threshold-method", "otsu"], "invalid choice: 'otsu'"),
        (["EMPTY", "-o", "OUT"], "holds none"),
        (["TEXT", "-o", "OUT"], "expected an image or a video"),
    ],
)
def test_wrong_use(image, tmp_path, arguments, words):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.txt").write_text("hello")
    names = {"IMAGE": image, "EMPTY": tmp_path / "empty", "TEXT": tmp_path / "text.txt"}
    given = [names.get(a, a.replace("OUT", str(tmp_path / "out"))) for a in arguments]
    assert words in fails(given, 2)
    assert not (tmp_path / "out").exists()


def test_codes_for_a_terminal_are_escaped(tmp_path):
    message = fails([tmp_path / "a\x1b[31m.png", "-o", tmp_path / "out.png"], 2)
    assert r"a\x1b[31m.png" in message
    assert "\x1b" not in message


@pytest.mark.parametrize("name", ["absent.png", "broken.png", "broken.mp4", "cut.png", "empty.jpg"])
def test_failures(image, tmp_path, name):
    (tmp_path / "broken.png").write_bytes(b"no image")
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    (tmp_path / "cut.png").write_bytes(image.read_bytes()[:5000])
    (tmp_path / "empty.jpg").touch()
    target = tmp_path / ("out.mp4" if name.endswith("mp4") else "out.png")
    before = sorted(tmp_path.iterdir())
    assert name in fails([tmp_path / name, "-o", target], 2 if name == "absent.png" else 1)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("suffix", [".png", ".mp4"])
def test_an_output_that_cant_be_written(image, video, tmp_path, suffix):
    (tmp_path / "file").touch()
    target = tmp_path / "file" / f"out{suffix}"
    source = image if suffix == ".png" else video
    assert f"{target}: can't be written there: Not a directory" in fails([source, "-o", target], 1)


def test_a_failure_leaves_the_older_file(video, tmp_path):
    target = tmp_path / "maps.mkv"
    target.write_bytes(b"older")
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(video.read_bytes()[:600])
    fails([cut, "-o", target], 1)
    assert target.read_bytes() == b"older"
    assert not list(tmp_path.glob(".*"))


def test_debug_shows_the_traceback(tmp_path):
    with pytest.raises(FileNotFoundError):
        main([str(tmp_path / "absent.png"), "-o", str(tmp_path / "out.png"), "--debug"])


def test_as_a_process_help_and_version_load_no_numpy():
    command = [sys.executable, "-X", "importtime", "-m", "signdiff_frnet.cli"]
    done = subprocess.run([*command, "--help"], capture_output=True, text=True, check=True)
    assert "--threshold-method" in done.stdout
    assert "numpy" not in done.stderr
    done = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["signdiff-frnet", __version__]


DELETES = """
import signal, sys, time
from signdiff_frnet.commands import CommandParser, run

class Deleted:
    def __del__(self):
        signal.raise_signal(signal.SIGTERM)

def command(_):
    Deleted()
    time.sleep(20)

sys.exit(run(CommandParser(prog="deletes"), [], command))
"""


def test_sigterm_is_not_lost_where_python_drops_exceptions():
    ended = subprocess.run([sys.executable, "-c", DELETES], capture_output=True, text=True, timeout=15)
    assert (ended.returncode, ended.stderr) == (143, "deletes: terminated; nothing half-written was left\n")
