import json
import shutil
import struct
import zlib

import cv2
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from signdiff_core.camera import Camera
from signdiff_core.prepare.pictures import read_image
from signdiff_core.prepare.reader import FrameFolder, open_frames
from signdiff_core.training.kit.batches import batch_indices
from signdiff_core.training.regions import box_mask, crop_around, hand_boxes, head_box


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


def test_captions_are_asked_for_where_they_are_needed(frames, tmp_path):
    (tmp_path / "metadata.jsonl").write_text(json.dumps({"file_name": "a.png", "joints": 3}) + "\n")
    (tmp_path / "joints.safetensors").write_bytes((frames / "joints.safetensors").read_bytes())
    with pytest.raises(ValueError, match="line 1: text must be given"):
        open_frames(tmp_path)
    assert [(row.text, row.joints) for row in open_frames(tmp_path, captions=False).rows] == [("a.png", 3)]


@pytest.mark.parametrize("key", ["file_name", "fr_file_name", "neutral_file_name"])
@pytest.mark.parametrize("name", ["../secret.png", "/etc/secret.png", "a\\..\\b.png", 3])
def test_files_of_other_folders_are_refused(frames, tmp_path, key, name):
    row = {"file_name": "a.png", "text": "a", "joints": 0, key: name}
    (tmp_path / "metadata.jsonl").write_text(json.dumps(row) + "\n")
    (tmp_path / "joints.safetensors").write_bytes((frames / "joints.safetensors").read_bytes())
    with pytest.raises(ValueError, match=rf"metadata\.jsonl, line 1: {key} must be a path inside a folder"):
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


def test_joints_that_are_absent_do_not_count():
    joints = np.full((50, 3), np.nan)
    assert hand_boxes(joints, 100, margin=0) == []
    joints[10] = (0, 0, 0)
    assert hand_boxes(joints, 100, margin=0) == [], "one joint is no hand"
    joints[20] = (0.1, -0.1, 0)
    assert hand_boxes(joints, 100, margin=0) == [(54, 35, 66, 48)]
    assert head_box(joints, 100) is None


def test_maps_that_rows_name_are_read(frames, tmp_path):
    fr_map = np.where(np.random.default_rng(0).random((64, 64)) < 0.5, np.uint8(0), np.uint8(255))
    cv2.imwrite(str(tmp_path / "map.png"), fr_map)
    rows = [json.loads(line) for line in (frames / "metadata.jsonl").read_text().splitlines()[:2]]
    rows[1]["fr_file_name"] = "map.png"
    (tmp_path / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "joints.safetensors").write_bytes((frames / "joints.safetensors").read_bytes())
    folder = FrameFolder(tmp_path)
    assert folder.fr_map(0, 64) is None
    assert np.array_equal(folder.fr_map(1, 64), fr_map)
    assert np.array_equal(folder.fr_map(1, 32), fr_map[::2, ::2])
    assert folder.frnet is None
    (tmp_path / "frnet.json").write_text('{"offset": 4.0}')
    assert open_frames(tmp_path).frnet == {"offset": 4.0}
    (tmp_path / "frnet.json").write_text("[4.0]")
    with pytest.raises(ValueError, match=r"frnet\.json must hold a JSON object, but holds a list"):
        open_frames(tmp_path)
    (tmp_path / "map.png").write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"map\.png must be an image"):
        folder.fr_map(1, 64)


def test_absent_and_distant_hands_have_no_box():
    joints = np.zeros((50, 3))
    assert hand_boxes(joints, 64) == []
    joints[8:29] = np.random.default_rng(0).normal(size=(21, 3)) * 0.05 + (5, 5, 0)
    assert hand_boxes(joints, 64) == []


def test_the_mask_is_the_boxes(frames):
    mask = box_mask([(1, 2, 4, 5), (3, 4, 6, 6)], 8)
    assert {(x, y) for y, x in np.argwhere(mask)} == {
        *((x, y) for x in (1, 2, 3) for y in (2, 3, 4)),
        *((x, y) for x in (3, 4, 5) for y in (4, 5)),
    }


def test_the_head_is_all_there_is_above_the_nose():
    pytest.importorskip("warp")
    from signdiff_core.avatar import Signer, render_frames
    from signdiff_core.avatar.body import Motion

    signer = Signer.neutral()
    body = signer.avatar()
    motion = Motion(body=body, turns=np.tile(np.eye(3, dtype=np.float32), (1, len(body.heads), 1, 1)))
    picture = next(render_frames(signer, motion, size=256)).astype(float)
    left, top, right, bottom = head_box(motion.joints[0], 256)
    nose = int(Camera().project(motion.joints[0, 0], 256)[1])
    somebody = np.argwhere(np.abs(picture[:nose] - picture[:nose, :1]).max(axis=2) > 20)
    assert len(somebody) > 500
    assert (somebody >= (top, left)).all()
    assert (somebody < (bottom, right)).all()
    assert len(somebody) > 0.3 * (nose - top) * (right - left)


def test_a_head_outside_the_frame_has_no_box():
    joints = np.zeros((50, 3))
    joints[:2] = (9, 0, 0), (9, 0.2, 0)
    assert head_box(joints, 64) is None
    joints[0] = np.nan
    assert head_box(joints, 64) is None


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


@pytest.mark.parametrize("side", [9_000, 20_000])
def test_a_header_of_too_many_pixels_is_refused_before_room_is_made(tmp_path, side):
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    path = tmp_path / "frame.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")))
    with pytest.raises(ValueError, match=r"frame\.png must have at most 67108864 pixels, but"):
        read_image(path, 64)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[" * 100_000, "a JSON object is expected"),
        ("[1]", "a JSON object is expected, but found list"),
        ('{"file_name": "0.png", "text": "x", "joints": -1}', "joints must be an integer of at least 0, but is -1"),
        ('{"file_name": "0.png", "text": "x", "joints": true}', "joints must be an integer"),
        ('{"file_name": "0.png", "text": 7, "joints": 0}', "text must be a text, but is int"),
    ],
)
def test_a_damaged_row_is_named_by_its_line(frames, tmp_path, line, message):
    first = (frames / "metadata.jsonl").read_text().splitlines()[0]
    (tmp_path / "metadata.jsonl").write_text(f"{first}\n{line}\n")
    (tmp_path / "joints.safetensors").write_bytes((frames / "joints.safetensors").read_bytes())
    with pytest.raises(ValueError, match=rf"metadata\.jsonl, line 2: .*{message}"):
        FrameFolder(tmp_path)


def test_damaged_joints_are_named(frames, tmp_path):
    (tmp_path / "metadata.jsonl").write_bytes((frames / "metadata.jsonl").read_bytes())
    path = tmp_path / "joints.safetensors"
    joints = load_file(frames / "joints.safetensors")["joints"]
    for wrong, message in ((1e30, "joint 4 of row 2"), (-np.inf, "joint 4 of row 2")):
        changed = joints.copy()
        changed[2, 4, 1] = wrong
        save_file({"joints": changed}, path)
        with pytest.raises(ValueError, match=rf"joints\.safetensors: joints must be below 1,000,000, but {message}"):
            FrameFolder(tmp_path)
    save_file({"joints": joints.astype(np.int32)}, path)
    with pytest.raises(ValueError, match=r"joints\.safetensors must hold floats 'joints'"):
        FrameFolder(tmp_path)
    path.write_bytes((frames / "joints.safetensors").read_bytes()[:-10])
    with pytest.raises(ValueError, match=r"joints\.safetensors must be a whole safetensors file, but is truncated"):
        FrameFolder(tmp_path)
    joints[2, 4, 1] = np.nan  # an absent one
    save_file({"joints": joints}, path)
    assert np.isnan(FrameFolder(tmp_path).joints(2)[4, 1])


def test_a_chunk_longer_than_its_file_is_refused_before_room_is_made(tmp_path):
    path = tmp_path / "frame.png"
    cv2.imwrite(str(path), np.zeros((64, 64, 3), np.uint8))
    content = bytearray(path.read_bytes())
    content[content.index(b"IDAT") - 4] = 0x60  # 1.5 GB
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"frame\.png must be an image, but cannot be read as one"):
        read_image(path, 64)


@pytest.mark.sibling
@pytest.mark.parametrize("content", [b"", b"noise", b"\x93NUMPY\x01\x00\x10\x00{'descr': [[[[[\n"])
def test_a_damaged_cache_of_conditions_is_named(base, frames, tmp_path, content):
    pytest.importorskip("signdiff_frnet")
    diffusers = pytest.importorskip("diffusers")
    from signdiff_core.diffusion import FRMapper
    from signdiff_core.training.conditions import ConditionCache

    folder = shutil.copytree(frames, tmp_path / "set", ignore=shutil.ignore_patterns("cache-*"))
    vae = diffusers.AutoencoderKL.from_pretrained(base, subfolder="vae").eval()
    ConditionCache(FrameFolder(folder), vae=vae, mapper=FRMapper(), resolution=64)
    (cache,) = folder.glob("cache-*")
    ConditionCache(FrameFolder(folder), vae=vae, mapper=FRMapper(), resolution=64)
    (cache / "maps.npy").write_bytes(content)
    with pytest.raises(ValueError, match=r"maps\.npy must be an array of NumPy's, but is damaged: remove .*cache-"):
        ConditionCache(FrameFolder(folder), vae=vae, mapper=FRMapper(), resolution=64)
