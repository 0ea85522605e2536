"""From prepared shards to a set that training reads.

A set has its frames in ``frames/CLIP/`` or in ``shards/000000.tar``, and

- ``metadata.jsonl``: a row per frame, in the layout ``folder``; `datasets` reads it as an ``imagefolder``,
- ``joints.safetensors``: ``joints`` (N, 50, 3) float32, normalised, NaN where absent,
- ``index.safetensors``: ``rows`` (N, 2 or 6) int64: the clip's line in ``clips.jsonl``, the frame's number, and in
  archives the places and sizes of image and map,
- ``clips.jsonl``: a line per clip: caption, square, what was left out of it, archive,
- ``frnet.json``: FR-Net's settings,
- ``preview.png``: some frames, with their joints drawn over them, and their maps,
- ``report.json``, ``manifest.json`` (settings, versions, the hash of every input) and, if clips failed,
  ``failures.log`` with their tracebacks.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from signdiff_core.atomic import flush_to_disk
from signdiff_core.diffusion.frmap import CONFIG_NAME
from signdiff_core.prepare.choice import REASONS
from signdiff_core.prepare.files import (
    CLIPS,
    FAILURES,
    INDEX,
    JOINTS,
    MANIFEST,
    MAP_SUFFIX,
    METADATA,
    REPORT,
    frame_name,
)
from signdiff_core.prepare.finished import known_texts
from signdiff_core.prepare.plan import code_version
from signdiff_core.prepare.preview import write_preview
from signdiff_core.prepare.shards import COLUMNS
from signdiff_core.prepare.tensors import write_tensor
from signdiff_core.wording import by_cause

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from signdiff_core.prepare.plan import Shard
    from signdiff_core.prepare.shards import FrameWork, Part


@dataclass(kw_only=True)
class Report:
    """What came of a preparation.

    Attributes:
        clips: that are in the set.
        frames: that are in the set.
        video_frames: of these clips' videos.
        left_out_frames: of these clips, by reason.
        left_out: names of clips that are not in the set, and why.
    """

    clips: int = 0
    frames: int = 0
    video_frames: int = 0
    left_out_frames: dict[str, int] = field(default_factory=lambda: dict.fromkeys(REASONS, 0))
    left_out: list[tuple[str, str]] = field(default_factory=list)


def assemble(
    shards: Sequence[Shard], work: FrameWork, output: Path, *, left_out: Sequence[tuple[str, str]] = ()
) -> Report:
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
    with (home / CLIPS).open("w", encoding="utf-8") as lines:
        for shard in shards:
            for part in work.parts(shard):
                told = dict(part.told)
                if "reason" in told:
                    report.left_out.append((told["name"], told["reason"]))
                    traces.append(f"{told['name']}: {told['reason']}\n{told['trace']}")
                    continue
                _count(report, told)
                hashes[told["name"]] = told.pop("hashes")
                archive = {} if settings.layout == "folder" else {"archive": _archive_name(shard)}
                lines.write(json.dumps({**told, **archive}, ensure_ascii=False) + "\n")
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
    _write_json(home / REPORT, asdict(report))
    known = {**asdict(settings), "frnet": dict(settings.frnet)}
    texts = known_texts(clip for shard in shards for clip in shard.clips)
    _write_json(home / MANIFEST, {"versions": code_version(), "settings": known, "inputs": hashes, "texts": texts})
    if traces:
        (home / FAILURES).write_text("\n".join(traces), encoding="utf-8")
    _remove_strangers(shards, work)
    write_preview(home)
    for path in home.iterdir():
        if path.is_file():  # frames are on the disk since they were prepared
            flush_to_disk(path)
    if output.exists():
        output.rmdir()
    home.rename(output)
    shutil.rmtree(work.home)
    return report


def _archive_name(shard: Shard) -> str:
    return f"shards/{shard.number:06d}.tar"


def _parts(shards: Sequence[Shard], work: FrameWork) -> Iterator[tuple[Shard, Part]]:
    """All clips with frames, with places that count from the start of the shard's archive."""
    for shard in shards:
        start = 0
        for part in work.parts(shard):
            if work.settings.layout == "webdataset":
                part.rows[:, [1, 3]] += start
                start += part.told["bytes"]
            if len(part.rows):
                yield shard, part


def _count(report: Report, told: dict[str, Any]) -> None:
    report.clips += 1
    report.frames += told["frames"]
    report.video_frames += told["video_frames"]
    counts = Counter(report.left_out_frames)
    counts.update(told["left_out"])
    report.left_out_frames = dict(counts)


def _write_tensors(shards: Sequence[Shard], work: FrameWork, frames: int) -> None:
    joints = (part.joints for _, part in _parts(shards, work))
    write_tensor(work.output / JOINTS, "joints", joints, dtype="float32", shape=(frames, 50, 3))

    def rows() -> Iterator[NDArray[np.int64]]:
        for clip, (_, part) in enumerate(_parts(shards, work)):
            yield np.insert(part.rows, 0, clip, axis=1)

    shape = (frames, 1 + COLUMNS[work.settings.layout])
    # By its length the reader knows that nobody edited the other file, which holds the same.
    metadata = work.output / METADATA
    length = {"metadata_bytes": str(metadata.stat().st_size)} if metadata.exists() else None
    write_tensor(work.output / INDEX, "rows", rows(), dtype="int64", shape=shape, metadata=length)


def _write_metadata(shards: Sequence[Shard], work: FrameWork) -> None:
    suffix, number = work.settings.suffix, 0
    with (work.output / METADATA).open("w", encoding="utf-8") as lines:
        for _, part in _parts(shards, work):
            clip = part.told["name"]
            for (frame,) in part.rows.tolist():
                name = f"frames/{frame_name(clip, frame)}"
                files = {"file_name": name + suffix, "fr_file_name": name + MAP_SUFFIX}
                row = {**files, "text": part.told["text"], "joints": number, "pose_id": clip, "frame": frame}
                lines.write(json.dumps(row, ensure_ascii=False) + "\n")
                number += 1


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _remove_strangers(shards: Sequence[Shard], work: FrameWork) -> None:
    """Remove frames of clips that failed or are no longer among the inputs."""
    if work.settings.layout == "folder":
        ours = {part.told["name"] for _, part in _parts(shards, work)}
        for path in (work.output / "frames").iterdir():
            if path.name not in ours:
                shutil.rmtree(path)
    else:
        names = {_archive_name(shard) for shard, _ in _parts(shards, work)}
        for path in (work.output / "shards").iterdir():
            if f"shards/{path.name}" not in names:
                path.unlink()
