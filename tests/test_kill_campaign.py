"""The kill campaign finds what it is there to find: each command here has one fault, or none."""

import signal
import sys

import pytest
from kill.command import Command
from kill.harness import Bench
from kill.moments import Moment, moments
from kill.outcome import table

WHOLE = """
import os, signal, sys, time

def end(*_):
    {at_the_end}
    sys.exit(143)

signal.signal(signal.SIGTERM, end)
target, temporary = sys.argv[1], {temporary}
with open(temporary, {mode!r}) as file:
    file.write("one,")
    file.flush()
    time.sleep(0.6)
    file.write("two")
os.replace(temporary, target)
"""
SAYS = 'print("terminated; run it again", file=sys.stderr)'
RIGHT = {"at_the_end": f"os.unlink(temporary); {SAYS}", "temporary": '"out/.a.txt.tmp"', "mode": "w"}
FAULTS = {
    "none": ({}, signal.SIGTERM, None),
    "none, killed": ({}, signal.SIGKILL, None),
    "leaves": ({"at_the_end": SAYS}, signal.SIGTERM, "SIGTERM left ['.a.txt.tmp']"),
    "silent": ({"at_the_end": "os.unlink(temporary)"}, signal.SIGTERM, "expected one line"),
    "torn": ({"temporary": "sys.argv[1]"}, signal.SIGKILL, "neither the older one nor the new one"),
    "appends": ({"mode": "a"}, signal.SIGKILL, "the result differs in ['a.txt']"),
    "succeeds": ({"at_the_end": "os._exit(0)"}, signal.SIGTERM, "status 0 before all was done"),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_a_kill_finds(kind, tmp_path):
    change, number, expected = FAULTS[kind]
    (tmp_path / "it.py").write_text(WHOLE.format(**RIGHT | change))
    command = Command(
        name=kind, line=lambda home, out: [sys.executable, "-SE", home / "it.py", out / "a.txt"], older="a.txt"
    )
    bench = Bench(command, tmp_path, tmp_path / "bench")
    bench.measure()
    assert not bench.is_broken, bench.outcome.faults
    bench.kill(Moment(0.3, of_writing=True, number=number, group=True))
    assert (dict(bench.outcome.signals), dict(bench.outcome.moments)) == ({number.name: 1}, {"while": 1})
    if expected is None:
        assert bench.outcome.faults == []
    else:
        (fault,) = bench.outcome.faults
        assert expected in fault
    assert f"{kind:<28}" in table([bench.outcome])


def test_a_command_that_fails_is_not_killed(tmp_path):
    bench = Bench(Command(name="fails", line=lambda home, out: [sys.executable, "-c", "1/0"]), tmp_path, tmp_path / "b")
    bench.measure()
    assert bench.is_broken
    assert "ZeroDivisionError" in bench.outcome.faults[0]


def test_a_seed_draws_the_same_moments():
    drawn = moments(20, "0 a command")
    assert drawn == moments(20, "0 a command") != moments(20, "1 a command")
    assert [moment.number for moment in drawn].count(signal.SIGKILL) == 10
