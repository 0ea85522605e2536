"""SIGTERM unwinds as Ctrl-C does."""

import subprocess
import sys

DELETES = """
import os, signal, sys, time
from signdiff_core.interruption import unwind_on_sigterm

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
