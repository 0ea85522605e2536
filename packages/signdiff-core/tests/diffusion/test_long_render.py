"""Memory of a long render, by the real command in processes of its own."""

import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("diffusers")

from signdiff_core import formats
from signdiff_core.diffusion import SignDiffPipeline, superimposed
from signdiff_core.diffusion.folder import RendererSettings
from signdiff_core.skeleton import make_pose
from signdiff_core.video import probe

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="systems count peak memory in other units"),
]

# In a process between, because a child's peak counts what its parent held when it was started.
PEAK = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
sys.exit("failed") if status else print(usage.ru_maxrss)
"""


def peak(*arguments):
    """Peak memory of the command, in KiB."""
    command = [sys.executable, "-m", "signdiff_core.cli", *map(str, arguments)]
    done = subprocess.run([sys.executable, "-c", PEAK, *command], stdout=subprocess.PIPE, text=True, check=True)
    return int(done.stdout)


@pytest.fixture
def model(parts, one_net, other_net, tmp_path):
    """A random pipeline with frames of 16 pixels a side, so that 3,000 take minutes."""
    parts["unet"].register_to_config(sample_size=8)
    SignDiffPipeline(**parts, controlnet=superimposed(one_net, other_net)).save_pretrained(tmp_path / "model")
    RendererSettings(prompt="a person", steps=1, guidance_scale=1.0, retarget=True).write(tmp_path / "model")
    return tmp_path / "model"


def wave(frames):
    joints = np.random.default_rng(0).normal(size=(frames, 50, 3)).astype(np.float32) * 0.1
    joints[:, 1] = 0
    joints[:, 2], joints[:, 5] = (-1 / 6, 0, 0), (1 / 6, 0, 0)
    return make_pose(joints, 25)


def peaks(tmp_path, counts, *options):
    """Peak memory of the command for some numbers of frames, in KiB."""
    found = []
    for frames in counts:
        formats.write(wave(frames), tmp_path / f"{frames}.pose")
        found.append(peak("render", tmp_path / f"{frames}.pose", "-o", tmp_path / f"{frames}.mp4", *options))
        assert probe(tmp_path / f"{frames}.mp4").frames == frames
    return found


def test_memory_does_not_grow_with_the_video(model, tmp_path):
    pytest.importorskip("warp")
    short, long = peaks(tmp_path, (300, 3000), "--model", model, "--frnet-source", "none")
    assert long < 1.05 * short


def test_lines_take_no_more_memory_in_a_long_video(tmp_path):
    short, long = peaks(tmp_path, (300, 3000), "--renderer", "skeleton", "--size", "64")
    pictures = 2700 * 64 * 64 * 3 / 1024
    # On a busy machine one and the same command's peak differs by 5 MB.
    assert long - short < 0.25 * pictures


def test_an_avatar_remembers_how_it_moves_and_no_pictures(tmp_path):
    pytest.importorskip("warp")
    short, long = peaks(tmp_path, (300, 3000), "--renderer", "avatar", "--size", "128")
    assert long < 1.05 * short
