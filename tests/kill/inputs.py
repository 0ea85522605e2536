"""The small files that the killed commands work on, made once for all of them."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
from attack.cases.tokenizers import published, vocabulary
from safetensors.numpy import save_file

from signdiff_core import formats, skeleton
from signdiff_core.camera import Camera
from signdiff_core.video import write_video

CLIPS = ("one", "two", "three", "four")


def joints(frames: int, seed: int = 0) -> np.ndarray:
    """A signer whose arms move: (T, 50, 3) normalised."""
    rng = np.random.default_rng(seed)
    body = {
        skeleton.NOSE: (0, -0.18, 0),
        skeleton.RIGHT_SHOULDER: (-1 / 6, 0, 0),
        skeleton.LEFT_SHOULDER: (1 / 6, 0, 0),
        skeleton.RIGHT_ELBOW: (-0.2, 0.28, 0),
        skeleton.LEFT_ELBOW: (0.2, 0.28, 0),
        skeleton.RIGHT_WRIST: (-0.18, 0.3, -0.2),
        skeleton.LEFT_WRIST: (0.18, 0.4, -0.1),
    }
    made = np.zeros((frames, 50, 3), dtype=np.float32)
    for joint, place in body.items():
        made[:, joint] = place
    for wrist in (skeleton.RIGHT_WRIST, skeleton.LEFT_WRIST):
        made[:, wrist, 1] -= 0.3 * np.sin(np.linspace(0, np.pi * rng.uniform(1, 3), frames))
    for hand, wrist in ((skeleton.RIGHT_HAND, skeleton.RIGHT_WRIST), (skeleton.LEFT_HAND, skeleton.LEFT_WRIST)):
        for place, joint in enumerate(range(hand.start, hand.stop)):
            finger, knuckle = divmod(place - 1, 4) if place else (2, -1)
            made[:, joint] = made[:, wrist] + [0.02 * (finger - 2), -0.03 * (knuckle + 1), 0]
    return made


def make(home: Path) -> None:
    """Write all inputs.

    Args:
        home: an empty folder.
    """
    for name in ("poses", "pixels", "videos", "other", "openpose", "images", "skels", "published"):
        (home / name).mkdir(parents=True)
    texts = {name: f"the word {name}" for name in CLIPS}
    for seed, name in enumerate(CLIPS):
        moves = joints(12 + 4 * seed, seed)
        pose = skeleton.make_pose(moves, 25)
        formats.write(pose, home / "poses" / f"{name}.pose")
        formats.write(skeleton.make_pose(moves + 0.01, 25), home / "other" / f"{name}.pose")
        _clip(home, name, moves)
    formats.write(skeleton.make_pose(joints(150), 25), home / "long.pose")
    formats.write(skeleton.make_pose(joints(4), 25), home / "short.pose")
    (home / "texts.tsv").write_text("".join(f"{name}\t{text}\n" for name, text in texts.items()))
    (home / "split.tsv").write_text("".join(f"{name}\t{text}\ttrain\n" for name, text in texts.items()))
    formats.write_skels(
        [formats.read(home / "poses" / f"{name}.pose") for name in CLIPS], home / "skels" / "train.skels"
    )
    (home / "skels" / "train.text").write_text("".join(f"{text}\n" for text in texts.values()))
    _frames(home / "frames")
    _pairs(home / "pairs")
    _corpus(home / "corpus")
    published(home / "published")
    vocabulary(home / "published")


def _clip(home: Path, name: str, moves: np.ndarray) -> None:
    """A clip as video, as OpenPose JSON and as a pose in its pixels."""
    side = 96
    points = Camera().project(moves, side)
    pictures = []
    for frame in points:
        picture = np.full((side, side, 3), 90, np.uint8)
        for a, b in skeleton.LIMBS:
            cv2.line(picture, frame[a].astype(int).tolist(), frame[b].astype(int).tolist(), (210, 180, 160), 3)
        pictures.append(picture)
    write_video(home / "videos" / f"{name}.mp4", pictures, 25)
    cv2.imwrite(str(home / "images" / f"{name}.png"), pictures[0])
    pixels = np.concatenate([points, np.zeros_like(points[..., :1])], axis=-1)
    pose = skeleton.make_pose(pixels, 25)
    pose.header.dimensions = type(pose.header.dimensions)(side, side, 0)
    formats.write(pose, home / "pixels" / f"{name}.pose")
    formats.write(skeleton.make_pose(moves, 25), home / "openpose" / name, format="openpose")


def _frames(root: Path) -> None:
    """Training frames with joints and captions."""
    root.mkdir()
    rows, places = [], joints(12, 3)
    for number, place in enumerate(places):
        picture = np.full((64, 64, 3), 220, np.uint8)
        points = Camera().project(place, 64).astype(int)
        for a, b in skeleton.LIMBS:
            cv2.line(picture, points[a].tolist(), points[b].tolist(), (40, 40, 200), 3)
        for name in (f"{number}.png", f"{number}n.png"):
            cv2.imwrite(str(root / name), picture)
        row = {"file_name": f"{number}.png", "neutral_file_name": f"{number}n.png", "text": "a person in red"}
        rows.append({**row, "joints": number, "pose_id": str(number // 4), "frame": number % 4, "body": "person"})
    save_file({"joints": places}, str(root / "joints.safetensors"))
    (root / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def _pairs(root: Path) -> None:
    """Drawings and the frames that they decide, of three signers."""
    rng = np.random.default_rng(0)
    for signer in range(3):
        for kind in ("drawings", "frames"):
            (root / kind / f"signer{signer}").mkdir(parents=True)
        for number in range(4):
            x, y = rng.integers(16, 48, size=2).tolist()
            drawing, frame = np.zeros((64, 64, 3), np.uint8), np.full((64, 64, 3), 40 + 40 * signer, np.uint8)
            cv2.circle(drawing, (x, y), 4, (0, 0, 255), -1)
            cv2.rectangle(frame, (x - 8, y - 8), (x + 8, y + 8), (230, 230, 230), -1)
            for kind, picture in (("drawings", drawing), ("frames", frame)):
                cv2.imwrite(str(root / kind / f"signer{signer}" / f"{number}.png"), picture)


def _corpus(root: Path) -> None:
    """A corpus of made-up words, for recipes and back translators."""
    rng = np.random.default_rng(0)
    root.mkdir()
    for split, size in {"train": 24, "dev": 4, "test": 4}.items():
        rows, poses, start = [], [], 0
        for number in range(size):
            text = "".join(rng.choice(list("abcd"), rng.integers(1, 5)))
            moves = joints(8 + 2 * len(text), number) + rng.normal(scale=0.01, size=(8 + 2 * len(text), 50, 3))
            rows.append(f"{split}-word-{number:04d}\t{start}\t{len(moves)}\t{text}\n")
            poses.append(moves.reshape(len(moves), -1).astype(np.float32))
            start += len(moves)
        (root / f"{split}.tsv").write_text("".join(rows))
        np.save(root / f"{split}.poses.npy", np.concatenate(poses))
        if split == "train":
            values = np.concatenate(poses)
            save_file({"mean": values.mean(0), "std": values.std(0) + 1e-3}, str(root / "statistics.safetensors"))
