import errno
import os
import subprocess
import sys
from pathlib import Path
from pkgutil import resolve_name

import pytest

from signdiff_core.atomic import check_writable, replacing, replacing_folder, restore_folder


def write_half(target, *, folder=False):
    with replacing(target, folder=folder) as temporary:
        (temporary / "one" if folder else temporary).write_text("half")
        raise KeyboardInterrupt


def test_file_replaces_the_old_one_when_it_is_whole(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with replacing(target) as temporary:
        temporary.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(KeyboardInterrupt):
        write_half(target)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_folder_appears_whole_and_failure_leaves_none(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        write_half(tmp_path / "a", folder=True)
    assert list(tmp_path.iterdir()) == []
    with replacing(tmp_path / "a", folder=True) as temporary:
        (temporary / "one").write_text("1")
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["one"]
    with (
        pytest.raises(FileExistsError, match="expected a new or an empty folder"),
        replacing(tmp_path / "a", folder=True),
    ):
        pass


def test_unwritable_places_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"the folder .*nowhere does not exist"):
        check_writable(tmp_path / "nowhere" / "a.mp4")
    with pytest.raises(IsADirectoryError, match="it is a folder"):
        check_writable(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(FileNotFoundError, match="does not exist"):
        check_writable(tmp_path / "file" / "a.mp4")


KILLED = """
import os, signal, sys
from signdiff_core.atomic import replacing
folder = sys.argv[2] == "folder"
with replacing(sys.argv[1], folder=folder) as temporary:
    (temporary / "half" if folder else temporary).write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("folder", [False, True])
def test_what_a_killed_process_left_goes_with_the_next_that_makes_the_same(tmp_path, folder):
    target = tmp_path / "a"
    subprocess.run([sys.executable, "-c", KILLED, str(target), "folder" if folder else "file"], check=False)
    [left] = tmp_path.iterdir()
    assert left.name == ".a.tmp"
    with replacing(target, folder=folder) as temporary:
        assert not any(temporary.iterdir()) if folder else not temporary.read_text()
        (temporary / "one" if folder else temporary).write_text("whole")
    assert list(tmp_path.iterdir()) == [target]
    assert (target / "one" if folder else target).read_text() == "whole"


@pytest.mark.parametrize("folder", [False, True])
def test_what_another_one_is_writing_is_left_alone(tmp_path, folder):
    target = tmp_path / "a"
    with replacing(target, folder=folder) as first:
        (first / "one" if folder else first).write_text("first")
        with pytest.raises(KeyboardInterrupt):
            write_half(target, folder=folder)
        assert (first / "one" if folder else first).read_text() == "first"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_takes_the_place_of_an_older_one_when_it_is_whole(tmp_path):
    target = tmp_path / "a"
    for number in ("1", "2"):
        with replacing_folder(target) as temporary:
            (temporary / number).write_text(number)
            assert number == "1" or (target / "1").exists()
    assert [path.name for path in target.iterdir()] == ["2"]
    with pytest.raises(KeyboardInterrupt), replacing_folder(target) as temporary:
        raise KeyboardInterrupt
    assert [path.name for path in target.iterdir()] == ["2"]
    assert list(tmp_path.iterdir()) == [target]


def test_an_older_folder_comes_back_if_its_successor_never_got_its_name(tmp_path):
    target = tmp_path / "a"
    (tmp_path / ".a.kept.tmp").mkdir()
    (tmp_path / ".a.kept.tmp" / "1").touch()
    (tmp_path / ".a.tmp").mkdir()
    restore_folder(target)
    assert [path.name for path in target.iterdir()] == ["1"]
    with replacing_folder(target) as temporary:
        (temporary / "2").touch()
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert [path.name for path in target.iterdir()] == ["2"]


def test_content_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    target, order = tmp_path / "a", []
    sync, rename = os.fsync, Path.replace
    monkeypatch.setattr(
        os, "fsync", lambda file: (order.append(str(Path(f"/proc/self/fd/{file}").readlink())), sync(file))[1]
    )
    monkeypatch.setattr(Path, "replace", lambda path, to: (order.append("rename"), rename(path, to))[1])
    with replacing(target, folder=True) as temporary:
        (temporary / "one").write_text("1")
    assert order == [str(temporary / "one"), str(temporary), "rename", str(tmp_path)]


@pytest.mark.parametrize("folder", [False, True])
def test_what_the_disk_does_not_keep_never_takes_its_place(tmp_path, monkeypatch, folder):
    def full(_file):
        raise OSError(errno.ENOSPC, "No space left on device")

    target = tmp_path / "a"
    if not folder:
        target.write_text("old")
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left") as caught, replacing(target, folder=folder) as temporary:
        (temporary / "one" if folder else temporary).write_text("new")
    if folder:
        assert list(tmp_path.iterdir()) == []
    else:
        assert caught.value.filename == str(target)
        assert target.read_text() == "old"
        assert list(tmp_path.iterdir()) == [target]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_disk_without_room_is_told_with_the_file(tmp_path):
    target = tmp_path / "a"
    with (
        pytest.raises(OSError, match="No space left") as caught,
        replacing(target),
        Path("/dev/full").open("wb") as file,
    ):
        file.write(b"1")
    assert caught.value.filename == str(target)
    with pytest.raises(OSError, match="a socket") as caught, replacing(target):
        raise OSError(errno.EPIPE, "a socket")
    assert caught.value.filename is None


def test_all_of_a_folder_is_on_the_disk_before_it_takes_its_place(tmp_path, monkeypatch):
    kept = []
    keep = os.fsync

    def watch(file):
        if Path(f"/proc/self/fd/{file}").is_file() and not (tmp_path / "a").exists():
            kept.append(os.fstat(file).st_size)
        keep(file)

    monkeypatch.setattr("os.fsync", watch)
    with replacing(tmp_path / "a", folder=True) as temporary:
        (temporary / "deep").mkdir()
        for number in range(1, 30):
            (temporary / "deep" / str(number)).write_bytes(bytes(number))
    assert sorted(kept) == list(range(1, 30))


@pytest.mark.parametrize(
    ("call", "folder"),
    [("os.mkdir", True), *((call, folder) for call in ("os.open", "fcntl.flock", "os.fstat") for folder in (0, 1))],
)
def test_a_signal_just_after_a_temporary_is_made_leaves_none(tmp_path, monkeypatch, call, folder):
    made, stopped = resolve_name(call), []

    def make(*arguments, **more):
        result = made(*arguments, **more)
        if not stopped:
            stopped.append(arguments)
            raise KeyboardInterrupt
        return result

    monkeypatch.setattr(call, make)
    with pytest.raises(KeyboardInterrupt), replacing(tmp_path / "a", folder=folder):
        raise AssertionError("it was not stopped")
    assert stopped
    assert list(tmp_path.iterdir()) == []
