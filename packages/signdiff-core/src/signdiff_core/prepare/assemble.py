"""From prepared shards to a set that training reads.

A set has its frames in ``frames/CLIP/`` or in ``shards/000000.tar``, and

- ``metadata.jsonl``: a row per frame, in the layout ``folder``; `datasets` reads it as an ``imagefolder``,
- ``joints.safetensors``: ``joints`` (N, 50, 3) float32, normalised, NaN where absent; (N, 124, 3) with eyes, ears and
  face where the settings ask for them,
- ``index.safetensors``: ``rows`` (N, 2 or 6) int64: the clip's line in ``clips.jsonl``, the frame's number, and in
  archives the places and sizes of image and map,
- ``clips.jsonl``: a line per clip: caption, square, what was left out of it, archive,
- ``frnet.json``: FR-Net's settings,
- ``preview.png``: some frames, with their joints drawn over them, and their maps,
- ``generator.json``, which marks the set, where a system made some of the videos or poses,
- ``report.json``, ``manifest.json`` (settings, versions, the hash of every input) and, if clips failed,
  ``failures.log`` with their tracebacks.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from signdiff_core.atomic import flush_to_disk, move_folder
from signdiff_core.diffusion.frmap import CONFIG_NAME
from signdiff_core.drawing import draw
from signdiff_core.engines import Shard
from signdiff_core.prepare import reader, writer
from signdiff_core.prepare.clip import REASONS
from signdiff_core.prepare.gather import Clip
from signdiff_core.prepare.plan import manifest_of
from signdiff_core.prepare.shards import COLUMNS, FrameWork, Part
from signdiff_core.provenance import mark_generated
from signdiff_core.skeleton import find_skeleton
from signdiff_core.wording import by_cause

Shards = Sequence[Shard[Clip]]

_SIDE: Final = 256
_COLUMNS: Final = 6
"""Frames of the preview, and their side in pixels."""


@dataclass(kw_only=True)
class Report:
    """What came of a preparation: clips, their frames and those left out by reason, and the clips left out.

    `generated` counts by system the clips that carry a mark.
    """

    clips: int = 0
    frames: int = 0
    video_frames: int = 0
    left_out_frames: dict[str, int] = field(default_factory=lambda: dict.fromkeys(REASONS, 0))
    left_out: list[tuple[str, str]] = field(default_factory=list)
    generated: dict[str, int] = field(default_factory=dict)


def assemble(shards: Shards, work: FrameWork, output: Path, *, left_out: Sequence[tuple[str, str]] = ()) -> Report:
    """Make the set of shards that are all stored, and remove what is not part of it.

    Args:
        shards: all of them.
        work: what stored them.
        output: the set's folder, new or empty; it appears when it is whole.
        left_out: videos and poses that were never prepared, and why.

    Raises:
        ValueError: no frame is left.
        OSError: something cannot be written; there is no set then.
    """
    home, settings = work.output, work.settings
    report = Report(left_out=list(left_out))
    hashes: dict[str, Any] = {}
    traces = []
    ours: set[str] = set()
    with (home / reader.CLIPS).open("w", encoding="utf-8") as lines:
        for shard in shards:
            for part in work.parts(shard):
                facts = dict(part.facts)
                if "reason" in facts:
                    report.left_out.append((facts["name"], facts["reason"]))
                    traces.append(f"{facts['name']}: {facts['reason']}\n{facts['trace']}")
                    continue
                _count(report, facts)
                if (maker := shard.items[facts["name"]].generator) is not None:
                    report.generated[maker] = report.generated.get(maker, 0) + 1
                hashes[facts["name"]] = facts.pop("hashes")
                archive = {} if settings.layout == "folder" else {"archive": _archive_name(shard)}
                ours.add(archive.get("archive", f"frames/{facts['name']}"))
                lines.write(json.dumps({**facts, **archive}, ensure_ascii=False) + "\n")
    if not report.frames:
        causes = "; ".join(map(str, by_cause(report.left_out)))
        raise ValueError(
            f"some frame of some clip must be left, but all {len(report.left_out):,} are left out: {causes}."
        )
    report.left_out.sort()
    if settings.layout == "folder":
        _write_metadata(shards, work)
    _write_tensors(shards, work, report.frames)
    _write_json(home / CONFIG_NAME, dict(settings.frnet))
    _write_json(home / writer.REPORT, asdict(report))
    clips = (clip for shard in shards for clip in shard.items.values())
    replace(manifest_of(clips, settings), inputs=hashes).write(home)
    if traces:
        (home / writer.FAILURES).write_text("\n".join(traces), encoding="utf-8")
    _write_preview(home)
    _remove_others(home, ours)
    if report.generated:
        mark_generated(home, ", ".join(report.generated))
    for path in home.iterdir():
        if path.is_file():  # frames are on the disk since they were prepared
            flush_to_disk(path)
    move_folder(home, output)
    shutil.rmtree(work.home)
    return report


def _archive_name(shard: Shard[Clip]) -> str:
    return f"shards/{shard.number:06d}.tar"


def _parts(shards: Shards, work: FrameWork) -> Iterator[tuple[Shard[Clip], Part]]:
    """All clips with frames, with places that count from the start of the shard's archive."""
    for shard in shards:
        start = 0
        for part in work.parts(shard):
            if work.settings.layout == "webdataset":
                part.rows[:, [1, 3]] += start
                start += part.facts["bytes"]
            if len(part.rows):
                yield shard, part


def _count(report: Report, facts: dict[str, Any]) -> None:
    report.clips += 1
    report.frames += facts["frames"]
    report.video_frames += facts["video_frames"]
    counts = Counter(report.left_out_frames)
    counts.update(facts["left_out"])
    report.left_out_frames = dict(counts)


def _write_tensors(shards: Shards, work: FrameWork, frames: int) -> None:
    shape: tuple[int, ...] = (frames, find_skeleton(work.settings.skeleton).num_joints, 3)
    joints = (part.joints for _, part in _parts(shards, work))
    writer.write_tensor(work.output / reader.JOINTS, "joints", joints, dtype="float32", shape=shape)
    rows = (np.insert(part.rows, 0, clip, axis=1) for clip, (_, part) in enumerate(_parts(shards, work)))
    shape = (frames, 1 + COLUMNS[work.settings.layout])
    # By its length the reader knows that nobody edited the other file, which holds the same.
    metadata = work.output / reader.METADATA
    length = {"metadata_bytes": str(metadata.stat().st_size)} if metadata.exists() else None
    writer.write_tensor(work.output / reader.INDEX, "rows", rows, dtype="int64", shape=shape, metadata=length)


def _write_metadata(shards: Shards, work: FrameWork) -> None:
    suffix, number = work.settings.suffix, 0
    with (work.output / reader.METADATA).open("w", encoding="utf-8") as lines:
        for _, part in _parts(shards, work):
            clip = part.facts["name"]
            for (frame,) in part.rows.tolist():
                name = f"frames/{reader.frame_name(clip, frame)}"
                files = {"file_name": name + suffix, "fr_file_name": name + reader.MAP_SUFFIX}
                row = {**files, "text": part.facts["text"], "joints": number, "pose_id": clip, "frame": frame}
                lines.write(json.dumps(row, ensure_ascii=False) + "\n")
                number += 1


def _remove_others(home: Path, ours: set[str]) -> None:
    """Remove frames of clips that failed or are no longer among the inputs, and of another layout."""
    for folder in [path for path in home.iterdir() if path.is_dir()]:
        for path in folder.iterdir():
            if f"{folder.name}/{path.name}" not in ours:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        if not any(folder.iterdir()):
            folder.rmdir()


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _write_preview(root: Path) -> None:
    """Draw six frames, spread over the set. From the top: the frame, the frame under the drawing, the map."""
    frames = reader.open_frames(root)
    count = min(_COLUMNS, len(frames))
    columns = []
    for index in ((2 * column + 1) * len(frames) // (2 * count) for column in range(count)):
        image = frames.image(index, _SIDE)
        fr_map = np.repeat(np.asarray(frames.fr_map(index, _SIDE))[..., None], 3, axis=2)
        columns.append(np.concatenate([image, overlay(image, frames.points(index)), fr_map]))
    sheet = np.ascontiguousarray(np.concatenate(columns, axis=1)[..., ::-1])
    (root / writer.PREVIEW).write_bytes(cv2.imencode(".png", sheet)[1].tobytes())


def overlay(image: NDArray[np.uint8], joints: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Lay the drawing of joints (50 or 124, 3), normalised, NaN where absent, over a frame (S, S, 3) uint8."""
    present = np.asarray(np.isfinite(joints).all(axis=1), dtype=np.float32)
    drawing = draw(joints, present, size=len(image))
    shown = drawing.any(axis=2, keepdims=True)
    return np.where(shown, image // 3 + drawing // 3 * 2, image)
