import importlib
import json
import re
import subprocess
import sys
from dataclasses import dataclass, fields
from pathlib import Path

import pytest

import signdiff_core
from signdiff_core.demo.make_base import BaseConfig
from signdiff_core.training import ControlNetConfig, VAEConfig
from signdiff_core.training.kit.arguments import option, parse, run


@dataclass(frozen=True)
class Job:
    name: str = option(help="Who.")
    rate: float = option(0.5, help="How fast.")
    sides: tuple[int, ...] = option((1, 2), help="Which.")
    fast: bool = option(True, help="Hurry 100%.")
    limit: int | None = option(None, help="At most.")
    shares: tuple[float, float] = option((0.1, 0.2), help="Of each.")

    def __post_init__(self):
        if self.rate < 0:
            raise ValueError(f"rate must be positive, but is {self.rate}.")


def test_all_kinds_of_fields():
    job = parse(Job, ["--name", "a", "--rate", "2", "--sides", "3", "4", "--no-fast", "--limit", "7"])
    assert job == Job("a", 2.0, (3, 4), False, 7)
    assert parse(Job, ["--name", "a"]) == Job("a")


@pytest.mark.parametrize("arguments", [[], ["--name", "a", "--rate", "-1"], ["--name", "a", "--rat", "1"]])
def test_wrong_use_exits_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as exit_:
        parse(Job, arguments)
    assert exit_.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert ": error: " in line
    assert line.endswith(" --help)")


def test_help_begins_with_what_must_be_given_and_tells_whole_numbers_from_others(capsys):
    with pytest.raises(SystemExit):
        parse(Job, ["--help"])
    shown = capsys.readouterr().out
    assert re.match(r"usage: .* --name NAME \[--OPTION \.\.\.\]\n", shown)
    assert "--sides N [N ...]" in shown
    assert "--shares X [X ...]" in shown


def test_the_program_is_called_as_it_can_be_run():
    module = "signdiff_core.training.train_vae"
    ended = subprocess.run([sys.executable, "-m", module], capture_output=True, text=True, check=False)
    needed = "--output_dir, --pretrained_model_name_or_path, --train_data_dir"
    assert ended.stderr == (
        f"python -m {module}: error: the following arguments are required: {needed} (see python -m {module} --help)\n"
    )


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e999", "fast"])
def test_a_number_is_finite(value, capsys):
    with pytest.raises(SystemExit) as exit_:
        parse(Job, ["--name", "a", f"--rate={value}"])
    assert exit_.value.code == 2
    assert f"argument --rate: must be a finite number, but is {value!r}" in capsys.readouterr().err


def test_failures_exit_with_1_and_one_line(capsys):
    def fail():
        raise FileNotFoundError("there is no\nsuch thing")

    with pytest.raises(SystemExit) as exit_:
        run(fail)
    assert exit_.value.code == 1
    assert capsys.readouterr().err == "error: there is no such thing\n"


def test_what_is_not_installed_is_named_with_what_brings_it(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "signdiff_core.training.kit.run", raising=False)
    with pytest.raises(SystemExit):
        run(lambda: importlib.import_module("signdiff_core.training.kit.run"))
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(': python -m pip install "signdiff-core[train]"')


@pytest.mark.parametrize("script", ["demo.make_base", "training.train_vae", "training.train_controlnet"])
def test_help_needs_no_torch(script):
    code = (
        "import sys, runpy; sys.argv = ['x', '--help']\n"
        f"try: runpy.run_module('signdiff_core.{script}', run_name='__main__')\n"
        "except SystemExit: assert 'torch' not in sys.modules"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "--train_data_dir" in result.stdout


def test_numbers_outside_their_range_are_refused():
    common = {"pretrained_model_name_or_path": "b", "train_data_dir": "f", "output_dir": "o"}
    with pytest.raises(ValueError, match="crop_probability"):
        ControlNetConfig(**common, crop_probability=1.5)
    with pytest.raises(ValueError, match="add up"):
        ControlNetConfig(**common, proportion_no_fr=0.6, proportion_neutral_fr=0.6)
    with pytest.raises(ValueError, match="crop_sizes"):
        VAEConfig(**common, crop_sizes=(100,))
    with pytest.raises(ValueError, match="resolution must be a multiple of 32"):
        BaseConfig(train_data_dir="f", output_dir="o", resolution=100)
    with pytest.raises(ValueError, match="text_width"):
        BaseConfig(train_data_dir="f", output_dir="o", text_width=96)


def test_the_bytes_of_kept_conditions_are_those_of_the_autoencoders():
    bundled = Path(signdiff_core.__file__).parent / "diffusion" / "bundled" / "vae" / "config.json"
    config = json.loads(bundled.read_text())
    told = next(field for field in fields(ControlNetConfig) if field.name == "cache_conditions").metadata["help"]
    # A pixel's drawing, two maps of a bit, and means and variances in halves.
    for channels, levels in ((4, 4), (config["latent_channels"], len(config["block_out_channels"]))):
        assert f" {3 + 2 / 8 + 2 * 2 * channels / 4 ** (levels - 1):g} " in told


def test_sigterm_ends_a_script_in_one_line(capsys):
    import os
    import signal

    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(SystemExit) as ended:
            run(lambda: os.kill(os.getpid(), signal.SIGTERM))
    finally:
        signal.signal(signal.SIGTERM, before)
    assert ended.value.code == 143
    assert capsys.readouterr().err == "terminated; nothing half-written was left.\n"
