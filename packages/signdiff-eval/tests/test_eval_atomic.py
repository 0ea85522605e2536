"""Files that appear whole, and on the disk, or not at all."""

import errno
import os
import resource

import pytest

from signdiff_eval.atomic import replacing, replacing_folder


def full(_file):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_what_the_disk_does_not_keep_never_takes_its_place(tmp_path, monkeypatch):
    target = tmp_path / "report.html"
    target.write_text("older")
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left") as caught, replacing(target) as temporary:
        temporary.write_text("newer")
    assert caught.value.filename == str(target)
    with pytest.raises(OSError, match="No space left"), replacing_folder(tmp_path / "model") as temporary:
        (temporary / "config.json").write_text("{}")
    assert target.read_text() == "older"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(("limit", "fits"), [(99_999, False), (100_000, True)])
def test_a_file_that_does_not_fit_is_no_file(tmp_path, limit, fits):
    target = tmp_path / "report.html"
    target.write_text("older")
    child = os.fork()
    if not child:
        status = 2
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            with replacing(target) as temporary:
                temporary.write_text("x" * 100_000)
            status = 0
        except OSError:
            status = 1
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == (0 if fits else 1)
    assert target.stat().st_size == (100_000 if fits else 5)
    assert list(tmp_path.iterdir()) == [target]


def test_a_signal_just_after_a_temporary_is_made_leaves_none(tmp_path, monkeypatch):
    made, stopped = os.open, []

    def make(path, *rest, **more):
        result = made(path, *rest, **more)
        if str(path).endswith(".tmp") and not stopped:
            stopped.append(path)
            raise KeyboardInterrupt
        return result

    monkeypatch.setattr(os, "open", make)
    with pytest.raises(KeyboardInterrupt), replacing(tmp_path / "a"):
        raise AssertionError("it was not stopped")
    assert stopped
    assert list(tmp_path.iterdir()) == []
