"""From stored shards to a corpus: what keeps to the limits, and all there is to know about the rest.

Beside what every corpus holds (`corpora.writer`), the folder has ``quality.tsv``, the scores of every prepared clip;
``preview.png``, a sheet of random ones; ``manifest.json``, settings, versions and the hash of every input, by which
the same command knows the corpus again; and, where clips failed, ``failures.log`` with their tracebacks. Equal inputs
and settings make equal bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from pose_format import Pose

from signdiff_core.drawing import draw
from signdiff_core.engines.work import Shard
from signdiff_core.formats.skels import write_skels
from signdiff_core.provenance import read_mark
from signdiff_core.skeleton import NUM_JOINTS, find_skeleton, make_pose
from signdiff_slp.corpora.writer import CorpusWriter, Report
from signdiff_slp.prepare.checks.check import find_in_clips
from signdiff_slp.prepare.checks.findings import Finding
from signdiff_slp.prepare.plan import Gathered, Options, Task, finite, manifest_of
from signdiff_slp.prepare.quality import Quality, bone_deviations
from signdiff_slp.prepare.shards import Failure, Prepared, ShardWork, load, load_summary

Shards = Sequence[Shard[Task]]

PREVIEWED: Final = 12
"""Clips on the preview sheet."""

MOMENTS: Final = 8
"""Frames of a clip that a sheet shows."""

_SIDE: Final = 144
_CAPTION: Final = 18


@dataclass(frozen=True, kw_only=True)
class Written:
    """What came of a preparation: the corpus's report, the clips that failed, and all that is odd about clips."""

    report: Report
    failures: list[Failure]
    findings: list[Finding]


def assemble(shards: Shards, work: ShardWork, output: Path, gathered: Gathered, options: Options) -> Written:
    """Write a corpus of shards that are all stored: new or empty ``output`` appears whole, or not at all.

    What is found in the clips joins the findings of ``gathered`` in ``report.json``. Raises a ``FileExistsError`` if
    ``output`` holds something, a ``ValueError`` if no clip is left, an ``OSError`` if something cannot be written.
    """
    settings = work.settings
    tasks = {name: task for shard in shards for name, task in shard.items.items()}
    facts, scores, failures = _summarise(shards, work)
    verdicts = {name: options.limits.broken(quality) for name, quality in scores.items()}
    kept = [name for name, verdict in verdicts.items() if not verdict]
    shown = set(np.random.default_rng(options.seed).permutation(kept)[:PREVIEWED].tolist())
    durations = {name: task.seconds for name, task in tasks.items()}
    known = [each.clip for each in gathered.findings]
    found = [*gathered.findings, *find_in_clips(facts, durations, options.tolerance, known)]
    origin = {
        "format": "keypoints",
        "settings": asdict(settings),
        "limits": finite(asdict(options.limits)),
        "findings": [asdict(finding) for finding in found],
    }
    sheet: list[tuple[str, NDArray[np.floating]]] = []
    with CorpusWriter(output, origin, find_skeleton(settings.skeleton)) as writer:
        for name, reason in gathered.dropped:
            writer.leave_out(name, reason)
        for clip in _clips(shards, work):
            name, text = clip.facts["name"], clip.facts["text"]
            if verdicts[name]:
                writer.leave_out(name, verdicts[name])
                continue
            try:
                filled, mark = 1 - clip.facts["observed"], read_mark(tasks[name].source.path)
                writer.add(clip.facts["split"], name, text, clip.joints, filled=filled, mark=mark)
            except ValueError as error:
                writer.leave_out(name, str(error))
                continue
            writer.report.notes += [(name, note) for note in clip.facts["notes"]]
            if name in shown:
                sheet.append((f"{name}: {text}", clip.joints))
        for failure in failures:
            writer.leave_out(failure.name, failure.reason)
        _write_quality(writer.folder / "quality.tsv", facts, scores, durations, found)
        hashes = {clip["name"]: clip["hash"] for clip in facts}
        replace(manifest_of(tasks.values(), settings, options), inputs=hashes).write(writer.folder)
        if failures:
            log = "\n".join(f"{failure.name}: {failure.reason}\n{failure.trace}" for failure in failures)
            (writer.folder / "failures.log").write_text(log, encoding="utf-8")
        if sheet:
            picture = np.ascontiguousarray(preview_sheet(sheet)[..., ::-1])
            (writer.folder / "preview.png").write_bytes(cv2.imencode(".png", picture)[1].tobytes())
        if options.skels:
            left_out = {name for name, _ in writer.report.left_out}
            for split in writer.splits:
                _write_skels(writer.folder, split, shards, work, left_out)
    return Written(report=writer.report, failures=failures, findings=found)


def _clips(shards: Shards, work: ShardWork) -> Iterator[Prepared]:
    for shard in shards:
        yield from load(work.file_of(shard))


def _summarise(shards: Shards, work: ShardWork) -> tuple[list[dict[str, Any]], dict[str, Quality], list[Failure]]:
    """The facts of all clips, their scores by name, and the failures."""
    facts: list[dict[str, Any]] = []
    bones: list[NDArray[np.float64]] = []
    failures: list[Failure] = []
    for shard in shards:
        more, lengths, failed = load_summary(work.file_of(shard))
        facts += more
        bones += list(lengths)
        failures += failed
    scores = {
        clip["name"]: Quality(observed=clip["observed"], bone_deviation=deviation, jitter=clip["jitter"])
        for clip, deviation in zip(facts, bone_deviations(bones), strict=True)
    }
    return facts, scores, failures


def _write_quality(
    path: Path,
    facts: list[dict[str, Any]],
    scores: dict[str, Quality],
    durations: dict[str, float | None],
    findings: Sequence[Finding],
) -> None:
    kinds: dict[str, list[str]] = {}
    for finding in findings:
        kinds.setdefault(finding.clip, []).append(finding.kind)
    with path.open("w", encoding="utf-8", newline="\n") as table:
        table.write("name\tobserved\tbone_deviation\tjitter\tleft_share\tmovement\tseconds\ttable_seconds\tfindings\n")
        for clip in facts:
            name, quality = clip["name"], scores[clip["name"]]
            numbers = (quality.observed, quality.bone_deviation, quality.jitter, clip["left_share"], clip["movement"])
            said = durations[name]
            row = [name, *(f"{number:.6g}" for number in numbers), f"{clip['seconds']:.3f}"]
            row += ["" if said is None else f"{said:.3f}", ", ".join(dict.fromkeys(kinds.get(name, ())))]
            table.write("\t".join(row) + "\n")


def _write_skels(folder: Path, split: str, shards: Shards, work: ShardWork, left_out: set[str]) -> None:
    of_split = [shard for shard in shards if any(task.split == split for task in shard.items.values())]
    texts: dict[str, str] = {}

    def poses() -> Iterator[Pose]:
        for clip in _clips(of_split, work):
            name = clip.facts["name"]
            if clip.facts["split"] == split and name not in left_out:
                texts[name] = " ".join(clip.facts["text"].split())
                yield make_pose(clip.joints[:, :NUM_JOINTS], work.settings.fps)

    # The names are complete when they are asked for, after the last pose.
    write_skels(poses(), folder / f"{split}.skels", names=texts.keys())
    (folder / f"{split}.text").write_text("".join(f"{text}\n" for text in texts.values()), encoding="utf-8")


def preview_sheet(clips: Sequence[tuple[str, NDArray[np.floating]]], *, side: int = _SIDE) -> NDArray[np.uint8]:
    """Draw clips, (T, J, 3) normalised with captions, two rows each: (H, W, 3) uint8 RGB, ``side`` pixels a drawing.

    The first row is as the camera sees the signer, the second from the signer's left, which shows depth: hands before
    the body are to the right of it. A ``ValueError`` says if there is no clip.
    """
    if not clips:
        raise ValueError("clips must hold at least one, but hold none.")
    return np.concatenate([_clip(caption, joints, side) for caption, joints in clips])


def _clip(caption: str, joints: NDArray[np.floating], side: int) -> NDArray[np.uint8]:
    moments = joints[np.linspace(0, len(joints) - 1, MOMENTS).round().astype(int)]
    rows = [
        np.concatenate([draw(frame, size=side) for frame in turned], axis=1) for turned in (moments, _side(moments))
    ]
    title = np.zeros((_CAPTION, rows[0].shape[1], 3), dtype=np.uint8)
    # OpenCV's letters are those of ASCII.
    shown = caption.encode("ascii", "replace").decode()
    cv2.putText(title, shown, (4, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255, 255, 255), 1, cv2.LINE_AA)
    return np.concatenate([title, *rows])


def _side(joints: NDArray[np.floating]) -> NDArray[np.floating]:
    """Turn by a quarter: what was towards the viewer, at negative z, is to the right."""
    return np.stack([-joints[..., 2], joints[..., 1], joints[..., 0]], axis=-1)
