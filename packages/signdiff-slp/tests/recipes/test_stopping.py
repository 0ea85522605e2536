import signal
import subprocess
import sys
import time

import pytest

from signdiff_slp.recipes.command import Stopped, clear_up, stopping_on_signals


@pytest.fixture
def ctrl_c_heard():
    """As in a terminal: a shell starts what runs in the background with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_signals_become_one_exception_and_go_back_to_what_they_were(ctrl_c_heard):
    before = signal.getsignal(signal.SIGTERM)
    for number, word, status in ((signal.SIGTERM, "terminated", 143), (signal.SIGINT, "interrupted", 130)):
        with pytest.raises(Stopped) as stop, stopping_on_signals():
            signal.raise_signal(number)
        assert (stop.value.word, stop.value.exit_status) == (word, status)
    assert signal.getsignal(signal.SIGTERM) is before


class DeletedByASignal:
    def __del__(self):
        signal.raise_signal(signal.SIGTERM)


def delete_and_wait():
    DeletedByASignal()
    time.sleep(10)


def test_a_signal_is_not_lost_where_python_drops_exceptions():
    before = sys.unraisablehook
    with pytest.raises(Stopped) as stop, stopping_on_signals():
        delete_and_wait()
    assert stop.value.exit_status == 143
    assert sys.unraisablehook is before


def test_half_a_checkpoint_goes(tmp_path):
    for name in ("step_2/model", "step_10/model", "step_12.tmp/model"):
        (tmp_path / "checkpoints" / name).mkdir(parents=True)
    (tmp_path / "checkpoints/model.yaml").write_text("")
    assert clear_up(tmp_path, tmp_path / "checkpoints").startswith("checkpoints up to step_10 are kept")
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == ["model.yaml", "step_10", "step_2"]
    (tmp_path / "poses/a").mkdir(parents=True)
    (tmp_path / "poses/a/b.pose").write_text("")
    assert clear_up(tmp_path, tmp_path / "none").startswith(f"1 poses are kept in {tmp_path}/poses")
    assert clear_up(tmp_path / "x", tmp_path / "none").startswith("there is nothing to keep")


@pytest.mark.parametrize(("number", "word"), [(signal.SIGTERM, "terminated"), (signal.SIGINT, "interrupted")])
def test_a_training_run_ends_in_one_line(corpus, tmp_path, number, word):
    command = [sys.executable, "-m", "signdiff_slp.recipes.train", str(tmp_path / "run"), "--corpus", str(corpus)]
    settings = ["regime.num_steps=100000", "model.arch=tiny", "model.config_overrides.vocab_size=31"]
    every = [f"regime.{name}_every_n_steps=5" for name in ("validate", "checkpoint", "publish_metrics")]
    command += ["--no-rich", "--config", *settings, *every, "validate_free_decoding=false"]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # A shell starts what runs in the background with SIGINT ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        deadline = time.monotonic() + 240
        while not (tmp_path / "run/checkpoints/step_5").is_dir():
            assert process.poll() is None, process.stdout.read()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        process.send_signal(number)
        output = process.communicate(timeout=120)[0]
    assert process.returncode == 128 + number
    last = output.splitlines()[-1]
    assert last.startswith(f"python -m signdiff_slp.recipes.train: {word}; checkpoints up to step_")
    assert last.endswith("are kept, and the same command resumes from there.")
    assert "Traceback" not in output
    assert not [path for path in (tmp_path / "run").rglob("*") if "tmp" in path.name]
