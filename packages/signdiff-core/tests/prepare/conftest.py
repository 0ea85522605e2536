"""Small videos of a drawn figure whose joints are known, and an annotator that needs no other package."""

import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from signdiff_core import formats
from signdiff_core.drawing import draw_pixels
from signdiff_core.prepare import FrameWork, Settings, assemble, gather, plan
from signdiff_core.skeleton import HAND_LIMBS, make_pose
from signdiff_core.video import write_video

WIDTH, HEIGHT, FPS, FRAMES = 192, 160, 25, 12
UNIT = 120  # pixels of a normalised unit: shoulders are 40 pixels apart, so that the square's side is 100
NECK = (98, 76)

ANNOTATOR = '''
import cv2
import numpy as np


class Threshold:
    """Marks what is darker than a level: stands where FR-Net does."""

    def __call__(
        self,
        input_image=None,
        threshold_method="level",
        block_size=3,
        offset=100.0,
        kernel_size=1,
        detect_resolution=512,
        image_resolution=512,
        output_type=None,
    ):
        grey = cv2.cvtColor(input_image, cv2.COLOR_RGB2GRAY) if input_image.ndim == 3 else input_image
        grey = cv2.resize(grey, (image_resolution, image_resolution), interpolation=cv2.INTER_NEAREST)
        return np.repeat(np.where(grey < offset, np.uint8(0), np.uint8(255))[..., None], 3, axis=2)
'''


@pytest.fixture
def annotator(site, installed):
    """An annotator ``frnet``, found before any other; its folder."""
    entry_point = "[signdiff.annotators]\nfrnet = threshold_annotator:Threshold\n"
    installed(site, "threshold_annotator", "1.0", entry_point, {"threshold_annotator": ANNOTATOR})
    return site


@pytest.fixture
def environment(annotator):
    """Variables with which a process of its own finds the annotator."""
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return {**kept, "PYTHONPATH": str(annotator)}


def figure(frames=FRAMES, sway=0.0):
    """Joints (T, 50, 3), normalised, of a signer whose right hand moves; the whole signer sways from side to side."""
    joints = np.zeros((frames, 50, 3), dtype=np.float32)
    joints[:, 0] = (0, -0.2, 0)
    joints[:, 2:5] = (-1 / 6, 0, 0), (-0.22, 0.25, 0), (-0.12, 0.1, 0)
    joints[:, 5:8] = (1 / 6, 0, 0), (0.22, 0.25, 0), (0.12, 0.2, 0)
    joints[:, 4, 1] -= np.linspace(0, 0.15, frames)
    for start, wrist in ((8, 7), (29, 4)):
        joints[:, start] = joints[:, wrist]
        for a, b in HAND_LIMBS:
            joints[:, start + b] = joints[:, start + a] + (0.02 * ((b - 1) // 4 - 2), -0.03, 0)
    joints[..., 0] += sway * np.sin(np.arange(frames))[:, None]
    return joints


def in_pixels(joints):
    return joints[..., :2] * UNIT + NECK


def pixel_pose(joints, fps=FPS, confidence=None, size=(WIDTH, HEIGHT)):
    """A pose in pixels of the videos here."""
    points = np.concatenate([in_pixels(joints), np.zeros_like(joints[..., :1])], axis=-1)
    pose = make_pose(points.astype(np.float32), fps, confidence=confidence)
    pose.header.dimensions = type(pose.header.dimensions)(*size, 0)
    return pose


def write_figure(path, joints, fps=FPS):
    def pictures():
        for points in in_pixels(joints):
            drawn = draw_pixels(points, size=(HEIGHT, WIDTH), line_scale=0.5)
            yield np.where(drawn.any(axis=2, keepdims=True), drawn, np.uint8(200))

    write_video(path, pictures(), fps)


@pytest.fixture
def studio():
    """What makes videos and poses."""
    return SimpleNamespace(
        figure=figure, in_pixels=in_pixels, pixel_pose=pixel_pose, write=write_figure, fps=FPS, size=(WIDTH, HEIGHT)
    )


@pytest.fixture
def files_of():
    """Gives the content of all files of a folder, by their names."""

    def read(folder):
        return {
            str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
        }

    return read


@pytest.fixture
def corpus(tmp_path):
    """Three clips: one with a ``.pose``, two with OpenPose JSON, one of them in a folder ``json``; and captions."""
    home = tmp_path / "corpus"
    (home / "videos" / "deep").mkdir(parents=True)
    (home / "poses" / "c").mkdir(parents=True)
    for number, (name, folder) in enumerate((("a", ""), ("b", ""), ("c", "deep"))):
        joints = figure(FRAMES + number, sway=0.01)
        write_figure(home / "videos" / folder / f"{name}.mp4", joints)
        target = {"a": "a.pose", "b": "b", "c": "c/json"}[name]
        formats.write(pixel_pose(joints), home / "poses" / target, format="pose" if name == "a" else "openpose")
    rows = "".join(f"{name},signer {name}\n" for name in "abc")
    (home / "captions.csv").write_text(f"id,text\n{rows}")
    return home


@pytest.fixture
def prepare(annotator):
    """Prepare two folders in this process: ``prepare(videos, poses, output, captions=..., shard=..., **settings)``."""

    def run(videos, poses, output, captions="a signer", shard=2, **settings):
        from signdiff_core.diffusion.frmap import FRMapper

        frnet = tuple(FRMapper().parameters.items())
        chosen = Settings(**{"size": 64, "image_format": "png", "frnet": frnet, **settings})
        gathered = gather(Path(videos), Path(poses), captions)
        shards = plan(gathered.clips, chosen, shard=shard)
        work = FrameWork(chosen, Path(output).with_name(f"{Path(output).name}.work"))
        work.make_folders()
        for part in shards:
            work.process(part)
        return assemble(shards, work, Path(output), left_out=gathered.left_out)

    return run
