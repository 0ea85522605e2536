"""A rendered signer, whose pose is known, comes back out of a video as the conditions that were rendered."""

import numpy as np
import pytest

pytest.importorskip("warp", reason="the extra avatar brings warp-lang")

from signdiff_core import formats
from signdiff_core.avatar import Signer, fit, render_frames
from signdiff_core.camera import Camera
from signdiff_core.drawing import draw
from signdiff_core.prepare.reader import open_frames
from signdiff_core.skeleton import make_pose
from signdiff_core.video import write_video

SIZE, LEFT, TOP = 256, 90, 40


def test_frames_drawings_and_maps_come_back(pose, prepare, tmp_path):
    from signdiff_core.diffusion.frmap import FRMapper

    signer = Signer.sample(np.random.default_rng(1))
    motion = fit(signer.avatar(), pose.body.data[:, 0].filled(0))
    rendered = list(render_frames(signer, motion, size=SIZE))
    wide = [np.pad(frame, ((TOP, 24), (LEFT, 54), (0, 0)), mode="edge") for frame in rendered]
    (tmp_path / "videos").mkdir()
    (tmp_path / "poses").mkdir()
    write_video(tmp_path / "videos" / "clip.mp4", wide, 25, crf=1)
    pixels = np.zeros((len(rendered), 50, 3), dtype=np.float32)
    pixels[..., :2] = np.add(Camera().project(motion.joints, SIZE), (LEFT, TOP))
    detected = make_pose(pixels, 25)
    detected.header.dimensions = type(detected.header.dimensions)(wide[0].shape[1], wide[0].shape[0], 0)
    formats.write(detected, tmp_path / "poses" / "clip.pose")
    prepare(tmp_path / "videos", tmp_path / "poses", tmp_path / "set", size=SIZE)
    frames = open_frames(tmp_path / "set")
    assert len(frames) == len(rendered)
    for index, picture in enumerate(rendered):
        shown, true = (Camera().project(each, SIZE) for each in (frames.joints(index), motion.joints[index]))
        assert np.abs(shown - true).max() < 0.01
        assert np.array_equal(draw(frames.joints(index), size=SIZE), draw(motion.joints[index], size=SIZE))
        assert np.abs(frames.image(index, SIZE).astype(int) - picture).mean() < 2  # what H.264 changes
        true_map = FRMapper()(picture, size=SIZE)
        assert 0.05 < (true_map == 0).mean() < 0.95
        assert (frames.fr_map(index, SIZE) == true_map).mean() > 0.99
