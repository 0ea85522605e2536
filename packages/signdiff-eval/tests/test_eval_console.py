"""SIGTERM and Ctrl-C end the command in one line, and leave nothing."""

import subprocess
import sys

import pytest

STOPPED = """
import os, signal, sys, time
import signdiff_eval.audit as a
a.audit = lambda *_: (os.kill(os.getpid(), signal.{0}), time.sleep(60))
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell takes from what runs in the background
sys.argv = ["signdiff-eval", "audit", {1!r}]
from signdiff_eval.cli import main
main()
"""


@pytest.mark.parametrize(("number", "word", "status"), [("SIGTERM", "terminated", 143), ("SIGINT", "interrupted", 130)])
def test_a_signal_ends_the_command_in_one_line(tmp_path, number, word, status):
    line = [sys.executable, "-c", STOPPED.format(number, str(tmp_path))]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr == f"signdiff-eval: {word}; nothing half-written was left.\n"


def test_what_a_killed_process_left_goes_with_the_next_that_makes_the_same(tmp_path):
    from signdiff_eval.atomic import replacing, replacing_folder

    (tmp_path / ".a.html.tmp").write_text("half")
    with replacing(tmp_path / "a.html") as temporary:
        temporary.write_text("whole")
    (tmp_path / ".b.tmp").mkdir()
    (tmp_path / ".b.tmp" / "half").touch()
    (tmp_path / ".b.kept.tmp").mkdir()
    with replacing_folder(tmp_path / "b") as temporary:
        assert (tmp_path / "b").is_dir(), "the older one is back"
        (temporary / "whole").touch()
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")) == ["a.html", "b", "b/whole"]


DELETES = """
import os, signal, sys, time
from signdiff_eval.console import unwind_on_sigterm

class Deleted:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.1)

unwind_on_sigterm()
try:
    Deleted()
    time.sleep(20)
except KeyboardInterrupt as stop:
    sys.exit(f"ended by {type(stop).__name__}")
"""


def test_sigterm_is_not_lost_where_python_drops_exceptions():
    ended = subprocess.run([sys.executable, "-c", DELETES], capture_output=True, text=True, timeout=15)
    assert ended.stderr == "ended by Terminated\n"
