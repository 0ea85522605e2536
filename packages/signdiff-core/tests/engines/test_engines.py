"""Shards of a job are done once, whatever dies; a toy job stands for preparing clips."""

import importlib
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from signdiff_core import engines

WORK = '''
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from signdiff_core.engines import Work


def word_of(shard):
    return next(iter(shard.items.values()))


@dataclass(frozen=True)
class Letters(Work):
    """Writes the letters of a word to a file; the letter x kills, and z in company with y."""

    folder: Path

    def begin(self):
        os.environ["BEGUN"] = "yes"

    def process(self, shard, lethal=()):
        if self.is_stored(shard):
            return
        word = word_of(shard)
        if os.environ.get("BEGUN") != "yes" and not lethal:
            raise RuntimeError("begin was not called")
        (self.folder / f"{word}.tries").open("a").write(".")
        if word == "sleepy":
            time.sleep(60)
        if word == "full":
            raise OSError(28, "No space left on device")
        letters = [letter for letter in word if letter not in lethal]
        for letter in letters:
            self.attempt(shard, letter)
        if {"y", "z"} <= set(letters):
            os.kill(os.getpid(), signal.SIGKILL)
        (self.folder / f"{word}.part").write_text("".join(letters))
        (self.folder / f"{word}.part").rename(self.folder / word)

    def attempt(self, shard, letter):
        if letter == "x":
            os.kill(os.getpid(), signal.SIGKILL)

    def is_stored(self, shard):
        return (self.folder / word_of(shard)).exists()
'''


@pytest.fixture
def work(tmp_path, monkeypatch):
    """A job in a module that other processes can import."""
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "letters_of_words.py").write_text(WORK)
    monkeypatch.syspath_prepend(tmp_path / "modules")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "modules"), prepend=os.pathsep)
    module = importlib.import_module("letters_of_words")
    (tmp_path / "out").mkdir()
    yield module.Letters(tmp_path / "out")
    del sys.modules["letters_of_words"]


def shards_of(words):
    """A shard of its letters for every word."""
    return [engines.Shard(number=n, items=dict.fromkeys(word, word), keys={}) for n, word in enumerate(words)]


def word_of(shard):
    return next(iter(shard.items.values()))


def run_local(words, work, *, workers):
    """The words that are done."""
    for shard in engines.run_local(shards_of(words), work, workers=workers):
        yield word_of(shard)


def written(work):
    return {path.name: path.read_text() for path in work.folder.iterdir() if not path.suffix}


@pytest.mark.parametrize("workers", [1, 2])
def test_every_part_is_done_and_told(work, workers):
    words = ["one", "two", "four", "five"]
    assert sorted(run_local(words, work, workers=workers)) == sorted(words)
    assert written(work) == {word: word for word in words}


def test_nothing_to_do(work):
    assert list(run_local([], work, workers=2)) == []


def test_items_that_kill_are_left_out_and_all_else_is_done(work):
    words = ["one", "box", "two", "exit", "four"]
    assert sorted(run_local(words, work, workers=2)) == sorted(words)
    assert written(work) == {"one": "one", "box": "bo", "two": "two", "exit": "eit", "four": "four"}


def test_if_all_items_together_kill_none_is_left(work):
    assert list(run_local(["hazy", "one"], work, workers=1)) == ["hazy", "one"]
    assert written(work) == {"hazy": "", "one": "one"}


def test_an_error_of_storing_ends_the_job(work):
    with pytest.raises(OSError, match="No space left"):
        list(run_local(["one", "full", *(f"word{n}" for n in range(200))], work, workers=1))
    assert "one" in written(work)
    assert len(written(work)) < 150
    assert not multiprocessing.active_children()


def test_who_stops_listening_waits_for_nobody(work):
    words = run_local(["one", *["sleepy"] * 3], work, workers=1)
    assert next(words) == "one"
    began = time.monotonic()
    words.close()
    assert time.monotonic() - began < 20
    assert written(work) == {"one": "one"}
    assert not multiprocessing.active_children()


@pytest.mark.slow
def test_ray_does_the_same(work):
    pytest.importorskip("ray")
    words, told, before = ["one", "box", "two", "four"], [], signal.getsignal(signal.SIGTERM)
    for shard in engines.run_ray(shards_of(words), work, workers=2, extra="some[extra]"):
        told.append(word_of(shard))
        assert signal.getsignal(signal.SIGTERM) is before, "the command ends in its own way"
    assert sorted(told) == sorted(words)
    assert written(work) == {"one": "one", "box": "bo", "two": "two", "four": "four"}


def test_without_ray_it_says_how_to_get_it(work, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)  # which is how Python marks what is not to be found
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'some\[extra\]'"):
        list(engines.run_ray(shards_of(["one"]), work, workers=1, extra="some[extra]"))


def test_the_death_of_a_worker_loses_nothing(work):
    words, killed, told = [f"word{n}" for n in range(40)], [], []
    for word in run_local(words, work, workers=2):
        told.append(word)
        if not killed:
            killed.append(multiprocessing.active_children()[0])
            os.kill(killed[0].pid, signal.SIGKILL)
    assert sorted(told) == sorted(words)
    assert written(work) == {word: word for word in words}


def test_a_worker_may_die_before_all_parts_are_handed_over(work):
    class Slow(list):
        def __iter__(self):
            for shard in super().__iter__():
                time.sleep(0.2)
                yield shard

    words = ["x", *(f"word{n}" for n in range(19))]
    done = engines.run_local(Slow(shards_of(words)), work, workers=1)
    assert sorted(map(word_of, done)) == sorted(words)
    assert written(work) == {**{word: word for word in words}, "x": ""}


PARENT = """
import sys
from pathlib import Path

import letters_of_words

from signdiff_core import engines
from signdiff_core.interruption import unwind_on_sigterm

if __name__ == "__main__":
    unwind_on_sigterm()
    work = letters_of_words.Letters(Path(sys.argv[1]))
    words = ["one", "sleepy", "sleepy"]
    shards = [engines.Shard(number=n, items=dict.fromkeys(word, word), keys={}) for n, word in enumerate(words)]
    for shard in engines.run_local(shards, work, workers=2):
        print(shard.number, flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_workers_end_with_the_process_that_made_them_and_say_nothing(work, tmp_path, number):
    (tmp_path / "parent.py").write_text(PARENT)
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "parent.py"), str(work.folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        while not (work.folder / "sleepy.tries").exists():
            assert process.poll() is None
            time.sleep(0.02)
        if number == signal.SIGINT:  # a terminal sends it to all
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        _, err = process.communicate(timeout=30)
        deadline = time.monotonic() + 20
        while _is_alive(process.pid) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not _is_alive(process.pid)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    lines = err.strip().splitlines()
    expected = {signal.SIGTERM: "signdiff_core.interruption.Terminated", signal.SIGINT: "KeyboardInterrupt"}
    if number != signal.SIGKILL:  # after which Python tells of semaphores
        assert lines[-1] == expected[number]
    assert err.count("Traceback") == (number != signal.SIGKILL), "the workers are silent"


def _is_alive(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
