"""The bundled predictor of FR maps against its baselines, by the project's own benchmarks."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from signdiff_core import formats

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def rows(script, *arguments):
    line = [sys.executable, str(BENCHMARKS / script), *map(str, arguments), "--json"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=600, check=True)
    return {row["name"]: row for row in json.loads(done.stdout)["rows"]}


def surely_better(one, other, column):
    """Whether the interval of one score lies above that of the other."""
    return one[f"{column}_interval"][0] > other[f"{column}_interval"][1]


def test_it_beats_its_baselines_on_unseen_signers_and_poses(wave, tmp_path):
    (tmp_path / "poses").mkdir()
    formats.write(wave, tmp_path / "poses" / "wave.pose")
    line = [sys.executable, "-m", "signdiff_core.avatar.frames", "--poses", tmp_path / "poses", "-o", tmp_path / "test"]
    options = ["--frames", "64", "--size", "256", "--seed", "11", "--free-arms", "1"]
    subprocess.run([*line, *options], check=True, capture_output=True, timeout=600)
    table = rows("frnet_predictor.py", "--test_data_dir", tmp_path / "test")
    for column in ("iou", "boundary_f"):
        for name in ("predictor", "predictor with a reference"):
            assert surely_better(table[name], table["dilated drawing"], column)
            assert surely_better(table[name], table["blank map"], column)
        assert table["FR-Net of the true frame"][column] == 1
        assert table["blank map"][column] == 0


@pytest.mark.realdata
def test_it_says_something_of_real_people():
    if not os.environ.get("SIGNDIFF_REALDATA"):
        pytest.skip("SIGNDIFF_REALDATA names no folder")
    clips = Path(os.environ["SIGNDIFF_REALDATA"]) / "how2sign-clips"
    table = rows("frnet_real.py", clips, "--frame_step", "20")
    for name in ("predictor", "predictor with a reference"):
        assert surely_better(table[name], table["dilated drawing"], "iou")
        assert surely_better(table[name], table["dilated drawing"], "boundary_f")
