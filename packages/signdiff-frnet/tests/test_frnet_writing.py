"""What was written is what was said: a file that could not be kept whole is an error, and the older one stays."""

import os
import resource
import subprocess
import sys

import cv2
import numpy as np
import pytest
from PIL import Image

from signdiff_frnet.files import OutputError, is_closed, is_cut_short
from signdiff_frnet.writing import replacing, write_image, write_video

FRAMES = [np.random.default_rng(number).integers(0, 256, (64, 96, 3), dtype=np.uint8) for number in range(12)]


def count(path):
    video = cv2.VideoCapture(str(path))
    number = 0
    while video.read()[0]:
        number += 1
    return number


def run_with_limit(limit, *arguments):
    """Run the command where no file can grow beyond a number of bytes, as on a disk that becomes full."""
    done = subprocess.run(
        [sys.executable, "-m", "signdiff_frnet.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    return done.returncode, done.stderr


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clip") / "clip.mkv"
    write_video(path, FRAMES, fps=25)
    return path


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".avi"])
def test_a_video_that_does_not_fit_is_no_video(clip, tmp_path, suffix):
    target = tmp_path / f"fr{suffix}"
    assert run_with_limit(1 << 24, clip, "-o", target) == (0, "")
    assert count(target) == len(FRAMES)
    whole = target.stat().st_size
    for limit in (whole * 5 // 6, whole - 1):
        target.write_bytes(b"older")
        status, words = run_with_limit(limit, clip, "-o", target)
        assert (status, words.count("\n")) == (1, 1), words
        assert words.startswith(f"signdiff-frnet: {target}: the video could not be kept, since it ")
        assert target.read_bytes() == b"older"
        assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif"])
def test_an_image_that_does_not_fit_is_no_image(tmp_path, suffix):
    source, target = tmp_path / "frame.png", tmp_path / f"map{suffix}"
    Image.fromarray(FRAMES[0]).save(source)
    assert run_with_limit(1 << 24, source, "-o", target) == (0, "")
    whole = target.stat().st_size
    target.write_bytes(b"older")
    status, words = run_with_limit(whole - 1, source, "-o", target)
    assert (status, words) == (1, f"signdiff-frnet: {target}: can't be written: File too large\n")
    assert target.read_bytes() == b"older"
    assert sorted(tmp_path.iterdir()) == sorted([source, target])


def test_a_full_disk_ends_a_folder_run(clip, tmp_path):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for name in "abc":
        (folder / f"{name}.mkv").write_bytes(clip.read_bytes())
    status, words = run_with_limit(500, folder, "-o", out)
    assert (status, words.count("\n")) == (1, 1)
    assert str(out / "a.mp4") in words
    assert not list(out.glob("*.mp4"))


def test_a_system_that_keeps_nothing_is_believed(tmp_path, monkeypatch):
    def full(_file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    for write, name in ((lambda path: write_image(path, FRAMES[0]), "a.png"), (_write_clip, "a.mkv")):
        with pytest.raises(OutputError, match=r"can't be written: No space left on device"):
            write(tmp_path / name)
    assert not list(tmp_path.iterdir())


def _write_clip(path):
    write_video(path, FRAMES, fps=25)


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".avi"])
def test_only_a_video_with_its_end_is_closed(tmp_path, suffix):
    path = tmp_path / f"clip{suffix}"
    write_video(path, FRAMES[:4], fps=25)
    assert is_closed(path)
    data = path.read_bytes()
    for length in (len(data) - 1, len(data) // 2, 40, 0):
        path.write_bytes(data[:length])
        assert not is_closed(path)


def test_a_live_recording_is_not_closed_and_not_cut_short(tmp_path):
    path = tmp_path / "clip.avi"
    write_video(path, FRAMES[:4], fps=25)
    data = bytearray(path.read_bytes())
    data[4:8] = bytes(4)
    path.write_bytes(data)
    assert (is_closed(path), is_cut_short(path)) == (False, False)


def test_a_signal_just_after_a_temporary_is_made_leaves_none(tmp_path, monkeypatch):
    made, stopped = os.open, []

    def make(path, *rest, **more):
        result = made(path, *rest, **more)
        if ".part" in str(path) and not stopped:
            stopped.append(path)
            raise KeyboardInterrupt
        return result

    monkeypatch.setattr(os, "open", make)
    with pytest.raises(KeyboardInterrupt), replacing(tmp_path / "a.png"):
        raise AssertionError("it was not stopped")
    assert stopped
    assert list(tmp_path.iterdir()) == []
