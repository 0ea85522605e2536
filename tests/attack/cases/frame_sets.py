"""Sets of training frames."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image

from attack import samples
from attack.case import Case, check, check_numbers


def plain(folder: Path) -> None:
    """Files, and a table of them."""
    from safetensors.numpy import save_file

    rows = []
    for number in range(3):
        Image.fromarray(samples.picture(16, number)).save(folder / f"{number}.png")
        Image.fromarray(samples.picture(16, number)[..., 0]).save(folder / f"{number}.fr.png")
        names = {"file_name": f"{number}.png", "fr_file_name": f"{number}.fr.png", "pose_id": "one"}
        rows.append({**names, "text": "a signer in red", "joints": number, "frame": number})
    (folder / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    save_file({"joints": samples.joints(3).astype(np.float32)}, folder / "joints.safetensors")
    (folder / "frnet.json").write_text(json.dumps({"block_size": 11, "detect_resolution": 512}))


def prepared(folder: Path) -> None:
    """What ``signdiff prepare-frames`` writes, in folders."""
    (folder / "frames/one").mkdir(parents=True)
    for number in range(3):
        for suffix, content in (("png", _png(number)), ("fr.png", _png(number, flat=True))):
            (folder / f"frames/one/{number:06}.{suffix}").write_bytes(content)
    _tables(folder, np.array([[0, 0], [0, 1], [0, 2]]), {})


def archived(folder: Path) -> None:
    """What ``signdiff prepare-frames`` writes, in archives."""
    (folder / "shards").mkdir()
    rows = []
    with tarfile.open(folder / "shards/000000.tar", "w") as archive:
        for number in range(3):
            places = []
            for suffix, content in (("png", _png(number)), ("fr.png", _png(number, flat=True))):
                member = tarfile.TarInfo(f"one/{number:06}.{suffix}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
                places += [archive.offset - -(-len(content) // 512) * 512, len(content)]
            rows.append([0, number, *places])
    _tables(folder, np.array(rows), {"archive": "shards/000000.tar"})


def read(folder: Path) -> None:
    """Read all of a set with signdiff-core."""
    from signdiff_core.prepare.reader import open_frames

    frames = open_frames(folder)
    check(0 < len(frames) <= 1000, f"{len(frames)} frames")
    frames.fingerprint()
    for index, row in enumerate(frames.rows):
        check(isinstance(row.text, str) and isinstance(row.file_name, str), f"a row {row}")
        check_numbers("joints", frames.joints(index), absent=True)
        check(frames.joints(index).shape == (50, 3), "joints of another shape")
        for picture in (frames.image(index, 16), frames.fr_map(index, 16), frames.neutral(index, 16)):
            check(picture is None or picture.shape[:2] == (16, 16), "a picture of another shape")


def read_training(folder: Path) -> None:
    """Read the plain ones with signdiff-frnet, for its training."""
    from signdiff_frnet.training.folders import JointFolder

    frames = JointFolder(folder)
    for index in range(len(frames)):
        check(
            frames.frame(index, 16).shape == frames.drawing(index, 16).shape == (16, 16, 3), "pictures of other shapes"
        )
        check(index not in frames.companions(index), "a frame that is its own companion")


def _tables(folder: Path, rows: np.ndarray, more: dict[str, str]) -> None:
    from safetensors.numpy import save_file

    clip = {"name": "one", "text": "a signer in red", "frames": 3, **more}
    (folder / "clips.jsonl").write_text(json.dumps(clip) + "\n")
    save_file({"rows": rows.astype(np.int64)}, folder / "index.safetensors")
    save_file({"joints": samples.joints(3).astype(np.float32)}, folder / "joints.safetensors")
    (folder / "manifest.json").write_text(json.dumps({"settings": {"image_format": "png"}, "inputs": {}}))
    (folder / "frnet.json").write_text(json.dumps({"block_size": 11, "detect_resolution": 512}))


def _png(number: int, *, flat: bool = False) -> bytes:
    written = io.BytesIO()
    picture = samples.picture(16, number)
    Image.fromarray(picture[..., 0] if flat else picture).save(written, "png")
    return written.getvalue()


CASES = (
    Case(name="frames", seeds=(plain, prepared, archived), read=read, weight=5),
    Case(name="frnet-frames", seeds=(plain,), read=read_training, weight=1),
)
