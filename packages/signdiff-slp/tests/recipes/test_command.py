import subprocess
import sys

import pytest

from signdiff_slp.recipes.command import preset_names, preset_path, run_command


@pytest.mark.parametrize("recipe", ["train", "generate", "evaluate"])
def test_help_is_quick_and_loads_no_fairseq2(recipe):
    program = (
        "import runpy, sys; sys.argv = ['x', '--help']\n"
        f"try: runpy.run_module('signdiff_slp.recipes.{recipe}', run_name='__main__')\n"
        "except SystemExit as stop: assert not stop.code\n"
        "assert not {'torch', 'fairseq2', 'numpy'} & set(sys.modules), 'heavy'\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "--preset" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "output_dir is missing"),
        (["out", "--preset", "x"], "invalid choice"),
        (["out", "--preset", "fingerspelling", "--config-file", "f"], "not both"),
        (["out"], "signdiff_slp.recipes.train: --corpus is missing (see"),
        (["out", "--preset", "fingerspelling", "--config", "trainer.seed=3"], "--corpus is missing"),
    ],
)
def test_wrong_use(arguments, message, tmp_path):
    command = [sys.executable, "-m", "signdiff_slp.recipes.train", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert not list(tmp_path.iterdir())


def test_presets():
    assert "fingerspelling" in preset_names()
    assert preset_path("fingerspelling").read_text().startswith("#")
    with pytest.raises(ValueError, match="preset must be one of"):
        preset_path("nothing")


@pytest.mark.parametrize("given", [["--preset", "fingerspelling"], ["--preset=fingerspelling"]])
def test_a_preset_is_a_sound_configuration(given, capsys, monkeypatch):
    from signdiff_slp.recipes.train.recipe import TextToPoseTrainRecipe

    monkeypatch.setattr(sys, "argv", ["anything"])
    run_command("train", "", TextToPoseTrainRecipe, [*given, "--dump-config", "--config", "loss.beta=0.25"])
    printed = capsys.readouterr().out
    assert "arch: fingerspelling" in printed
    assert "kind: smooth_l1" in printed
    assert "beta: 0.25" in printed


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_is_one(name, capsys, monkeypatch):
    from signdiff_slp.recipes.train.recipe import TextToPoseTrainRecipe

    monkeypatch.setattr(sys, "argv", ["anything"])
    run_command("train", "", TextToPoseTrainRecipe, ["--preset", name, "--dump-config"])
    printed = capsys.readouterr().out
    assert "family: slp_progressive" in printed
    wanted = preset_path(name).read_text()
    for line in ("residual_noise: 5.0", "lv_lambda: 0.01", "bucket: false", "count_padding: true"):
        assert (line in wanted) == (line in printed), line
