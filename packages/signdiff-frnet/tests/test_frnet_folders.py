"""Folders on the command line: bad files, hidden files, and runs that go on."""

import os
import signal
import subprocess
import sys
import time
from contextlib import redirect_stderr
from io import StringIO

import cv2
import numpy as np
import pytest
from PIL import Image

from signdiff_frnet.cli import main
from signdiff_frnet.drawing import JOURNAL_NAME
from signdiff_frnet.jobs import names_file, plan

RGB = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8), (15, 15), 0)
RGB = cv2.normalize(RGB, None, 0, 255, cv2.NORM_MINMAX)
SMALL = ("--detect-resolution", "64", "--image-resolution", "64")


def run(*arguments, status):
    """Run the command, and return the lines that it prints on stderr."""
    with redirect_stderr(StringIO()) as words:
        assert main([*map(str, arguments)]) == status, words.getvalue()
    return words.getvalue().splitlines()


def picture(path, turn=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.roll(RGB, turn, axis=1)).save(path)


def maps(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.png"))


@pytest.fixture
def folders(tmp_path):
    for number, name in enumerate(("a.png", "b.png", "deep/c.png")):
        picture(tmp_path / "in" / name, number)
    return tmp_path / "in", tmp_path / "out"


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("long") / "b.mkv"
    picture(path.with_name("a.png"))
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"FFV1"), 25, (480, 320))
    for index in range(150):
        writer.write(np.roll(np.tile(RGB, (5, 5, 1)), index, axis=0))
    writer.release()
    return path


def test_hidden_files_and_folders_are_passed_over(folders):
    source, out = folders
    (source / "._a.mp4").write_bytes(b"\0\5\x16\7macOS")
    picture(source / ".thumbnails" / "a.png")
    assert run(source, "-o", out, *SMALL, status=0) == []
    assert maps(out) == ["a.png", "b.png", "deep/c.png"]
    # One that is named is meant.
    assert len(run(source / "._a.mp4", "-o", out.with_name("fr.mp4"), status=1)) == 1


def test_a_folder_that_vanishes_on_the_way_is_passed_over_and_told(folders, monkeypatch, capsys):
    source, target = folders
    (source / "vanished").mkdir()
    list_folder = os.scandir

    def vanishing(path):
        if os.fspath(path).endswith("vanished"):
            raise FileNotFoundError(2, "No such file or directory", os.fspath(path))
        return list_folder(path)

    monkeypatch.setattr(os, "scandir", vanishing)
    jobs = plan([source], target)
    assert jobs
    assert f"{source / 'vanished'}: passed over, for it cannot be read: No such file" in capsys.readouterr().err


def test_bad_files_are_told_at_the_end_and_the_others_are_drawn(folders):
    source, out = folders
    (source / "aa.png").write_bytes(b"no picture")
    (source / "ab.mp4").write_bytes(b"no video")
    *bad, total = run(source, "-o", out, *SMALL, status=1)
    assert [line.split(": ")[1] for line in bad] == [str(source / "aa.png"), str(source / "ab.mp4")]
    assert total == f"signdiff-frnet: 2 of 5 files could not be drawn; the others are in {out}"
    assert maps(out) == ["a.png", "b.png", "deep/c.png"]


def test_a_second_run_draws_only_what_is_missing(folders):
    source, out = folders
    (source / "aa.png").write_bytes(b"no picture")
    run(source, "-o", out, *SMALL, status=1)
    (out / "b.png").unlink()
    (out / "a.png").write_bytes(b"left alone")
    first = (out / "deep" / "c.png").stat().st_mtime_ns
    picture(source / "aa.png", 5)
    assert run(source, "-o", out, *SMALL, status=0) == [f"signdiff-frnet: 2 of 4 maps are in {out} already"]
    assert maps(out) == ["a.png", "aa.png", "b.png", "deep/c.png"]
    assert (out / "a.png").read_bytes() == b"left alone"
    assert (out / "deep" / "c.png").stat().st_mtime_ns == first


def test_a_changed_source_other_options_and_another_file_of_that_name_are_drawn_anew(folders, tmp_path):
    source, out = folders
    run(source, "-o", out, *SMALL, status=0)
    before = {name: (out / name).read_bytes() for name in maps(out)}
    old = source / "a.png"
    stamp = old.stat().st_mtime_ns - 10**12
    picture(old, 40)
    os.utime(old, ns=(stamp, stamp))  # older than its map, as what is copied from elsewhere may be
    run(source, "-o", out, *SMALL, status=0)
    assert [name for name in before if (out / name).read_bytes() != before[name]] == ["a.png"]
    assert run(source, "-o", out, *SMALL, "--kernel-size", "9", status=0) == []
    assert all((out / name).read_bytes() != before[name] for name in before)
    picture(tmp_path / "other" / "a.png", 13)
    assert run(tmp_path / "other", "-o", out, *SMALL, "--kernel-size", "9", status=0) == []


def test_maps_that_an_earlier_version_drew_are_drawn_anew(folders):
    source, out = folders
    run(source, "-o", out, *SMALL, status=0)
    whole = {name: (out / name).read_bytes() for name in maps(out)}
    (out / JOURNAL_NAME).unlink()
    (out / "a.png").write_bytes(b"of what, nobody knows")
    run(source, "-o", out, *SMALL, status=0)
    assert {name: (out / name).read_bytes() for name in maps(out)} == whole


@pytest.mark.parametrize("torn", [b"", b'["b.p', b"\xff\n"])
def test_a_damaged_journal_costs_time_only(folders, torn):
    source, out = folders
    run(source, "-o", out, *SMALL, status=0)
    journal = out / JOURNAL_NAME
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:2]) + torn)
    assert run(source, "-o", out, *SMALL, status=0) == [f"signdiff-frnet: 1 of 3 maps are in {out} already"]
    assert run(source, "-o", out, *SMALL, status=0) == [f"signdiff-frnet: 3 of 3 maps are in {out} already"]


@pytest.mark.parametrize(("number", "status", "word"), [("SIGTERM", 143, "terminated"), ("SIGINT", 130, "interrupted")])
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_signal_leaves_nothing_half_made(long_clip, tmp_path, number, status, word, kind):
    source = long_clip.parent
    target = tmp_path / ("fr.mkv" if kind == "file" else "out")
    where = long_clip if kind == "file" else source
    command = [sys.executable, "-m", "signdiff_frnet.cli", str(where), "-o", str(target)]
    # A shell starts what runs in the background with SIGINT ignored, and children inherit that.
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
    )
    folder, deadline = (tmp_path if kind == "file" else target), time.monotonic() + 30
    while not any(path.stat().st_size for path in folder.glob(".[bf]*.part.m*")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.002)
    process.send_signal(getattr(signal, number))
    _, words = process.communicate(timeout=30)
    assert process.returncode == status, words
    kept = f"{target} is as it was" if kind == "file" else f"what is in {target} is whole"
    assert words.startswith(f"signdiff-frnet: {word}; {kept}")
    assert words.count("\n") == 1
    assert not list(folder.glob(".*.part.*"))
    assert not (target / "b.mp4").exists()


def test_the_dot_of_a_version_is_no_suffix(folders):
    source, out = folders
    for name in ("v1.0", "maps.2026-11"):
        assert main([str(source / "a.png"), "-o", str(out / name), *SMALL]) == 0
        assert (out / name / "a.png").is_file()
    for name in ("v2.0", "maps.old"):
        assert main([str(source), "-o", str(out / name), *SMALL]) == 0
        assert maps(out / name) == ["a.png", "b.png", "deep/c.png"]
    (mistyped,) = run(source / "a.png", "-o", out / "map.pgn", status=2)
    assert "-o must end in one of .png" in mistyped
    (out / "folder.png").mkdir()
    assert [names_file(out / name) for name in ("x.PNG", "x.gif", "x.jpg", "x.mkv", "folder.png", "x")] == [
        *[True] * 4,
        *[False] * 2,
    ]
