import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from signdiff_frnet import FRNetParameters
from signdiff_frnet.study import Quality, add_sensor_noise, assess, choose, compress, main

ROOT = Path(__file__).parents[3]
REAL = os.environ.get("SIGNDIFF_REALDATA")


def test_noise_has_the_spread_that_was_asked_for():
    noise = add_sensor_noise(np.full((400, 400), 128, np.uint8), sigma=3.0).astype(float) - 128
    assert abs(noise.mean()) < 0.05
    assert abs(noise.std() - np.sqrt(9 + 1 / 12)) < 0.05  # rounding adds the variance of its own step


def test_compression_is_jpeg():
    grey = np.random.default_rng(0).integers(0, 256, (32, 32), dtype=np.uint8)
    assert (
        np.abs(compress(grey, quality=95).astype(int) - grey).max()
        < np.abs(compress(grey, quality=10).astype(int) - grey).max()
    )
    assert compress(grey).shape == grey.shape


def test_a_sharp_figure_is_stable_and_on_its_edges():
    frame = np.full((96, 96, 3), 220, np.uint8)
    frame[22:75, 22:75] = 20
    frame[25:72, 25:72] = 220
    (quality,) = assess([frame], [FRNetParameters()])
    assert quality.noise_same > 0.95
    assert quality.on_edges > 0.95
    # a square of 53 pixels, its line 3 wide and widened by 2 on each side
    assert (1 - quality.white) * 96**2 == pytest.approx(57**2 - 43**2)


def test_a_blank_frame_has_no_edges_to_find():
    (quality,) = assess([np.full((64, 64, 3), 90, np.uint8)], [FRNetParameters(offset=20)])
    assert (quality.white, quality.noise_flips, quality.noise_same) == (1.0, 0.0, 1.0)
    assert quality.on_edges == 1.0


def test_frames_are_averaged():
    black_dot, blank = np.full((64, 64, 3), 200, np.uint8), np.full((64, 64, 3), 200, np.uint8)
    black_dot[32, 32] = 0
    (both,) = assess([black_dot, blank], [FRNetParameters()])
    assert both.white == pytest.approx(1 - 25 / 64**2 / 2)
    with pytest.raises(ValueError, match="frames must hold at least one"):
        assess([], [FRNetParameters()])


def test_choice_is_the_smallest_offset_that_holds_then_the_most_edges():
    def quality(noise_same, jpeg_same, on_edges):
        return Quality(
            white=0, noise_flips=0, jpeg_flips=0, noise_same=noise_same, jpeg_same=jpeg_same, on_edges=on_edges
        )

    settings = [FRNetParameters(offset=offset, block_size=block) for offset, block in ((3, 7), (5, 7), (5, 11), (9, 7))]
    results = {
        512: [quality(0.9, 0.9, 1.0), quality(0.9, 0.86, 0.7), quality(0.9, 0.9, 0.8), quality(1, 1, 1)],
        256: [quality(0.84, 0.9, 1.0), quality(0.9, 0.9, 0.9), quality(0.9, 0.9, 0.8), quality(1, 1, 1)],
    }
    assert choose(settings, results) == settings[2]
    assert choose(settings[:1], {256: results[256][:1]}) is None


def test_command_prints_a_table_or_json(tmp_path, capsys):
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (70, 90, 3), dtype=np.uint8)).save(tmp_path / "a.png")
    assert main([str(tmp_path / "a.png"), "--resolution", "64"]) == 0
    table = capsys.readouterr().out.splitlines()
    assert table[0].startswith("1 frames")
    assert sum(line.split()[:1] == ["64"] for line in table) == 2 * 4 * 11
    assert main([str(tmp_path / "a.png"), "--resolution", "64", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {row["offset"] for row in found["settings"]} == set(range(2, 13))
    assert {row["threshold_method"] for row in found["settings"]} == {"gaussian", "mean"}
    assert main([str(tmp_path / "absent.png")]) == 2
    assert main([str(tmp_path / "a.png"), "--frames", "0"]) == 2
    assert main([str(tmp_path / "a.txt")]) == 1


@pytest.mark.realdata
def test_the_defaults_hold_on_real_signing_where_the_tutorials_offset_does_not():
    if not REAL:
        pytest.skip("SIGNDIFF_REALDATA names no folder with samples of real corpora")
    clips = sorted(Path(REAL, "how2sign-clips", "mp4").glob("*.mp4"))
    frames = []
    for clip in clips[:4]:
        found, frame = cv2.VideoCapture(str(clip)).read()
        assert found
        frames.append(cv2.resize(frame[..., ::-1], (896, 512), interpolation=cv2.INTER_AREA))
    chosen, tutorial = assess(frames, [FRNetParameters(), FRNetParameters(offset=2)])
    assert min(chosen.noise_same, chosen.jpeg_same) > 0.8
    assert chosen.on_edges > 0.9
    assert tutorial.noise_same < 0.5
