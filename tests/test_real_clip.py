"""The renderer fitted to a real clip, by the project's own benchmark."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[1] / "benchmarks" / "real_clip.py"


@pytest.mark.slow
@pytest.mark.realdata
def test_training_on_a_real_clip_shows_in_frames_that_it_has_not_seen(tmp_path):
    if not os.environ.get("SIGNDIFF_REALDATA"):
        pytest.skip("SIGNDIFF_REALDATA names no folder")
    clips = Path(os.environ["SIGNDIFF_REALDATA"]) / "how2sign-clips"
    line = [sys.executable, BENCHMARK, clips, "-o", tmp_path / "run", "--steps", "200", "--json"]
    done = subprocess.run([*map(str, line)], stdout=subprocess.PIPE, text=True, timeout=3000, check=True)
    rows = json.loads(done.stdout)["rows"]
    for column in ("SSIM", "hands"):
        before, after, ceiling = (
            rows[name][column] for name in ("before training, no map", "all trained, no map", "autoencoder (ceiling)")
        )
        assert before["high"] < after["low"]
        assert after["high"] < ceiling["low"]
