"""A folder of small synthetic frames: a moving hand-like figure, with captions and joints."""

import json

import cv2
import numpy as np
import pytest
from safetensors.numpy import save_file

from signdiff_core.camera import Camera
from signdiff_core.skeleton import LIMBS

SIZE = 64
COLOURS = {"red": (200, 40, 40), "blue": (40, 60, 200)}


def make_joints(rng):
    joints = np.zeros((50, 3), dtype=np.float32)
    joints[0], joints[2], joints[5] = (0, -0.22, 0), (-1 / 6, 0, 0), (1 / 6, 0, 0)
    for shoulder, start in ((2, 29), (5, 8)):
        elbow, wrist = shoulder + 1, shoulder + 2
        joints[elbow] = joints[shoulder] + (rng.uniform(-0.05, 0.05), 0.25, 0)
        joints[wrist] = joints[elbow] + (0, rng.uniform(-0.3, -0.1), 0)
        joints[start] = joints[wrist]
        for finger in range(5):
            for bone in range(4):
                joints[start + 1 + 4 * finger + bone] = joints[wrist] + (0.03 * (finger - 2), -0.04 * (bone + 1), 0)
    return joints


@pytest.fixture(scope="session")
def frames(tmp_path_factory):
    root = tmp_path_factory.mktemp("frames")
    rng = np.random.default_rng(0)
    rows, joints = [], []
    for index in range(12):
        joints.append(make_joints(rng))
        colour = list(COLOURS)[index % 2]
        points = Camera().project(joints[-1], SIZE).astype(int)
        for name, shade in ((f"{index}.png", COLOURS[colour]), (f"{index}n.png", (120, 120, 120))):
            image = np.full((SIZE, SIZE, 3), 220, dtype=np.uint8)
            for a, b in LIMBS:
                cv2.line(image, points[a].tolist(), points[b].tolist(), shade[::-1], 3)
            cv2.imwrite(str(root / name), image)
        rows.append(
            {
                "file_name": f"{index}.png",
                "neutral_file_name": f"{index}n.png",
                "text": f"a person in a {colour} shirt",
                "joints": index,
                "pose_id": str(index // 4),
                "frame": index % 4,
                "body": "person",
            }
        )
    save_file({"joints": np.stack(joints)}, str(root / "joints.safetensors"))
    (root / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return root


@pytest.fixture(scope="session")
def base(frames, tmp_path_factory):
    pytest.importorskip("diffusers")
    from signdiff_core.demo.make_base import BaseConfig, make_base

    config = BaseConfig(
        train_data_dir=str(frames),
        output_dir=str(tmp_path_factory.mktemp("models") / "base"),
        resolution=SIZE,
        vae_channels=(8, 32, 32),
        latent_channels=12,
        unet_channels=(8, 16),
        text_width=64,
        text_layers=1,
        text_length=16,
    )
    return make_base(config)
