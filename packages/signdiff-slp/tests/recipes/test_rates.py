"""A model of one frame rate and a corpus of another."""

import json
import os
import shutil
import subprocess
import sys

import pytest

import signdiff_slp  # noqa: F401

pytest.importorskip("torch")
from fairseq2.recipe.error import RecipeError

from signdiff_slp.datasets.files import CorpusError
from signdiff_slp.datasets.text_pose import TextPoseDataset
from signdiff_slp.models.progressive import ProgressiveConfig
from signdiff_slp.recipes.corpus import check_rate

# The recipes one after another in one process: most of a command's time goes into importing fairseq2.
PROGRAM = """
import importlib, sys
for recipe, *arguments in [line.split() for line in sys.argv[1:]]:
    sys.argv = ["command", *arguments]
    try:
        importlib.import_module(f"signdiff_slp.recipes.{recipe}.__main__").main()
    except SystemExit as stop:
        print("STATUS", recipe, stop.code)
"""


@pytest.fixture
def quick(corpus, tmp_path):
    """A corpus of 50 frames per second."""
    shutil.copytree(corpus, tmp_path / "quick")
    (tmp_path / "quick" / "report.json").write_text(json.dumps({"fps": 50.0}))
    return tmp_path / "quick"


def test_each_recipe_tells_the_setting_that_mends_it(quick, tmp_path):
    common = f"--corpus {quick} --no-rich"
    small = "model.config_overrides.model_dim=16 model.config_overrides.num_encoder_layers=1"
    commands = [f"train {tmp_path / 'run'} {common} --config {small}"]
    commands += [f"{recipe} {tmp_path / recipe} {common}" for recipe in ("generate", "evaluate")]
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, *commands],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    for recipe in ("train", "generate", "evaluate"):
        assert f"STATUS {recipe} 2" in result.stdout
    errors = [line for line in (result.stdout + result.stderr).splitlines() if "ERROR" in line]
    assert len(errors) == 3
    for line in errors:
        assert "frame rate of the corpus, 50, but has 25" in line
        assert "set model.config_overrides.fps=50" in line
    assert "Deprecat" not in result.stdout + result.stderr  # of fairseq2, on which nobody can act


def test_the_right_rate_passes_and_an_unknown_one_is_not_held_to(quick):
    check_rate(ProgressiveConfig(fps=50.01), TextPoseDataset(quick))
    (quick / "report.json").unlink()
    check_rate(ProgressiveConfig(fps=25.0), TextPoseDataset(quick))


def test_a_run_of_before_goes_on_and_is_told(quick, caplog):
    with pytest.raises(RecipeError, match="would last 2 times as long"):
        check_rate(ProgressiveConfig(fps=25.0), TextPoseDataset(quick))
    check_rate(ProgressiveConfig(fps=25.0), TextPoseDataset(quick), resumed=True)
    assert "model.config_overrides.fps=50" in caplog.text


def test_a_broken_report_is_a_fault_of_the_corpus(quick):
    (quick / "report.json").write_text("{")
    with pytest.raises(CorpusError, match=r"report\.json must be JSON"):
        check_rate(ProgressiveConfig(), TextPoseDataset(quick))
