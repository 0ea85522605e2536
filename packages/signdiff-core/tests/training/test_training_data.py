import json

import numpy as np
import pytest

from signdiff_core.camera import Camera
from signdiff_core.training.frames import FrameFolder
from signdiff_core.training.hands import crop_around, hand_boxes, hand_mask
from signdiff_core.training.sampling import batch_indices


def test_rows_images_and_joints(frames):
    folder = FrameFolder(frames)
    assert len(folder) == 12
    assert folder.rows[5].text == "a person in a blue shirt"
    assert folder.image(0, 64).shape == (64, 64, 3)
    assert folder.image(0, 32).shape == (32, 32, 3)
    assert folder.joints(3).shape == (50, 3)
    assert (folder.neutral(0, 64) != folder.image(0, 64)).any()
    assert folder.image(0, 64)[0, 0].tolist() == [220, 220, 220]


def test_images_are_rgb(frames):
    image = FrameFolder(frames).image(0, 64).reshape(-1, 3)
    assert (image == (200, 40, 40)).all(axis=1).any()


def test_broken_folders_are_refused(frames, tmp_path):
    with pytest.raises(FileNotFoundError):
        FrameFolder(tmp_path)
    (tmp_path / "metadata.jsonl").write_text(json.dumps({"text": "a"}) + "\n")
    with pytest.raises(ValueError, match="line 1: file_name, joints"):
        FrameFolder(tmp_path)
    row = {"file_name": "a.png", "text": "a", "joints": 12}
    (tmp_path / "metadata.jsonl").write_text(json.dumps(row) + "\n")
    (tmp_path / "joints.safetensors").write_bytes((frames / "joints.safetensors").read_bytes())
    with pytest.raises(ValueError, match="beyond the 12"):
        FrameFolder(tmp_path)


def test_hand_boxes_hold_all_joints_in_the_frame(frames):
    folder = FrameFolder(frames)
    joints = folder.joints(0)
    boxes = hand_boxes(joints, 64, margin=0.02)
    assert len(boxes) == 2
    points = Camera().project(joints[8:29], 64)
    left, top, right, bottom = boxes[0]
    inside = (points >= 0).all(axis=1) & (points < 64).all(axis=1)
    assert inside.any()
    assert (points[inside] >= (left, top)).all()
    assert (points[inside] < (right, bottom)).all()


def test_absent_and_distant_hands_have_no_box():
    joints = np.zeros((50, 3))
    assert hand_boxes(joints, 64) == []
    joints[8:29] = np.random.default_rng(0).normal(size=(21, 3)) * 0.05 + (5, 5, 0)
    assert hand_boxes(joints, 64) == []


def test_the_mask_is_the_boxes(frames):
    joints = FrameFolder(frames).joints(0)
    mask = hand_mask(joints, 32)
    assert mask.any()
    assert not mask.all()
    assert mask.shape == (32, 32)


def test_crops_stay_inside_and_on_the_grid():
    rng = np.random.default_rng(0)
    for _ in range(200):
        x, y = crop_around(tuple(rng.uniform(-20, 280, 2)), 128, 256, step=32, jitter=tuple(rng.uniform(-1, 1, 2)))
        assert 0 <= x <= 128
        assert 0 <= y <= 128
        assert x % 32 == y % 32 == 0


def test_epochs_visit_every_frame_once_in_another_order():
    epochs = [
        [i for b in range(e * 4, e * 4 + 4) for i in batch_indices(seed=3, batch=b, batch_size=5, length=20)]
        for e in range(2)
    ]
    assert sorted(epochs[0]) == sorted(epochs[1]) == list(range(20))
    assert epochs[0] != epochs[1]
