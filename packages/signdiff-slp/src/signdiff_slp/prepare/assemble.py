"""From stored shards to a corpus: what keeps to the limits, and all there is to know about the rest.

Beside what every corpus holds (`corpora.writer`), the folder has ``quality.tsv``, the scores of every prepared clip;
``preview.png``, a sheet of random ones; ``manifest.json``, settings, versions and the hash of every input, by which
`finished` knows the corpus again; and, where clips failed, ``failures.log`` with their tracebacks. Equal inputs and
settings make equal bytes.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from signdiff_core.formats import write_skels
from signdiff_core.skeleton import make_pose
from signdiff_slp.corpora.writer import CorpusWriter
from signdiff_slp.prepare.checks import find_in_clips
from signdiff_slp.prepare.manifest import finite, known_options, write_manifest
from signdiff_slp.prepare.preview import preview_sheet
from signdiff_slp.prepare.quality import Limits, Quality, bone_deviations
from signdiff_slp.prepare.shards import load, load_summary

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pose_format import Pose

    from signdiff_slp.corpora.writer import Report
    from signdiff_slp.prepare.checks import Finding
    from signdiff_slp.prepare.plan import Shard, Task
    from signdiff_slp.prepare.settings import Settings
    from signdiff_slp.prepare.shards import Failure
    from signdiff_slp.prepare.steps import Prepared

PREVIEWED: Final = 12
"""Clips on the preview sheet."""


@dataclass(frozen=True, kw_only=True)
class Written:
    """What came of a preparation.

    Attributes:
        report: of the corpus: clips, frames, what was left out and why.
        failures: the clips that could not be prepared.
        findings: what is odd about clips, of tables and of what was prepared.
    """

    report: Report
    failures: list[Failure]
    findings: list[Finding]


def assemble(
    shards: Sequence[Shard],
    work: Path,
    output: Path,
    settings: Settings,
    *,
    limits: Limits | None = None,
    dropped: Sequence[tuple[str, str]] = (),
    findings: Sequence[Finding] = (),
    tolerance: float = 0.5,
    skels: bool = False,
    seed: int = 0,
) -> Written:
    """Write a corpus.

    Args:
        shards: all of them, stored in ``work``.
        work: the folder that they are in.
        output: new or empty.
        settings: what was done to the clips.
        limits: what clips must keep to.
        dropped: clips that were never prepared, and why.
        findings: what the check of tables found; what is found in the clips comes to it in ``report.json``.
        tolerance: seconds by which durations of one clip may differ.
        skels: whether ``{split}.skels``, ``.text`` and ``.files`` are written, too.
        seed: draws the clips of the preview.

    Raises:
        FileExistsError: ``output`` holds something.
        ValueError: no clip is left.
        OSError: something cannot be written; there is no corpus then.
    """
    limits = limits or Limits()
    told, scores, failures = _summarise(shards, work)
    verdicts = {name: limits.broken(quality) for name, quality in scores.items()}
    kept = [name for name, verdict in verdicts.items() if not verdict]
    shown = set(np.random.default_rng(seed).permutation(kept)[:PREVIEWED].tolist())
    tasks = {task.name: task for shard in shards for task in shard.tasks}
    found = [*findings, *find_in_clips(told, tasks, tolerance, [each.clip for each in findings])]
    origin = {
        "format": "keypoints",
        "settings": asdict(settings),
        "limits": finite(asdict(limits)),
        "findings": [asdict(finding) for finding in found],
    }
    sheet: list[tuple[str, np.ndarray]] = []
    with CorpusWriter(output, origin) as writer:
        for name, reason in dropped:
            writer.leave_out(name, reason)
        for clip in _clips(shards, work):
            name, text = clip.told["name"], clip.told["text"]
            if verdicts[name]:
                writer.leave_out(name, verdicts[name])
                continue
            try:
                writer.add(clip.told["split"], name, text, clip.joints, filled=1 - clip.told["observed"])
            except ValueError as error:
                writer.leave_out(name, str(error))
                continue
            writer.report.notes += [(name, note) for note in clip.told["notes"]]
            if name in shown:
                sheet.append((f"{name}: {text}", clip.joints))
        for failure in failures:
            writer.leave_out(failure.name, failure.reason)
        _write_quality(writer.folder / "quality.tsv", told, scores, tasks, found)
        options = known_options(limits, skels=skels, seed=seed, tolerance=tolerance)
        write_manifest(writer.folder, settings, options, shards, {clip["name"]: clip["hash"] for clip in told})
        if failures:
            log = "\n".join(f"{failure.name}: {failure.reason}\n{failure.trace}" for failure in failures)
            (writer.folder / "failures.log").write_text(log, encoding="utf-8")
        if sheet:
            _write_picture(writer.folder / "preview.png", preview_sheet(sheet))
        if skels:
            left_out = {name for name, _ in writer.report.left_out}
            for split in writer.splits:
                _write_skels(writer.folder, split, shards, work, left_out, settings.fps)
    return Written(report=writer.report, failures=failures, findings=found)


def _clips(shards: Sequence[Shard], work: Path) -> Iterator[Prepared]:
    for shard in shards:
        yield from load(work / shard.file)


def _summarise(shards: Sequence[Shard], work: Path) -> tuple[list[dict[str, Any]], dict[str, Quality], list[Failure]]:
    """What is told of all clips, their scores by name, and the failures."""
    told: list[dict[str, Any]] = []
    bones: list[np.ndarray] = []
    failures: list[Failure] = []
    for shard in shards:
        more, lengths, failed = load_summary(work / shard.file)
        told += more
        bones += list(lengths)
        failures += failed
    scores = {
        clip["name"]: Quality(observed=clip["observed"], bone_deviation=deviation, jitter=clip["jitter"])
        for clip, deviation in zip(told, bone_deviations(bones), strict=True)
    }
    return told, scores, failures


def _write_quality(
    path: Path,
    told: list[dict[str, Any]],
    scores: dict[str, Quality],
    tasks: dict[str, Task],
    findings: Sequence[Finding],
) -> None:
    kinds: dict[str, list[str]] = {}
    for finding in findings:
        kinds.setdefault(finding.clip, []).append(finding.kind)
    with path.open("w", encoding="utf-8", newline="\n") as table:
        table.write("name\tobserved\tbone_deviation\tjitter\tleft_share\tmovement\tseconds\ttable_seconds\tfindings\n")
        for clip in told:
            name, quality = clip["name"], scores[clip["name"]]
            numbers = (quality.observed, quality.bone_deviation, quality.jitter, clip["left_share"], clip["movement"])
            said = tasks[name].seconds
            row = [name, *(f"{number:.6g}" for number in numbers), f"{clip['seconds']:.3f}"]
            row += ["" if said is None else f"{said:.3f}", ", ".join(dict.fromkeys(kinds.get(name, ())))]
            table.write("\t".join(row) + "\n")


def _write_skels(folder: Path, split: str, shards: Sequence[Shard], work: Path, left_out: set[str], fps: float) -> None:
    of_split = [shard for shard in shards if any(task.split == split for task in shard.tasks)]
    texts: dict[str, str] = {}

    def poses() -> Iterator[Pose]:
        for clip in _clips(of_split, work):
            name = clip.told["name"]
            if clip.told["split"] == split and name not in left_out:
                texts[name] = " ".join(clip.told["text"].split())
                yield make_pose(clip.joints, fps)

    # The names are complete when they are asked for, after the last pose.
    write_skels(poses(), folder / f"{split}.skels", names=texts.keys())
    (folder / f"{split}.text").write_text("".join(f"{text}\n" for text in texts.values()), encoding="utf-8")


def _write_picture(path: Path, picture: np.ndarray) -> None:
    import cv2

    written, encoded = cv2.imencode(".png", picture[..., ::-1])
    if not written:
        raise OSError(f"{path} cannot be encoded.")
    path.write_bytes(encoded.tobytes())
