"""``signdiff-eval score``."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from signdiff_eval.commands.options import Asked, check_files, existing, frame_rate, shared_options, warn, watched

if TYPE_CHECKING:  # which load numpy
    from signdiff_eval.reports.reproduce import OldReport
    from signdiff_eval.scoring import Report


@click.command()
@click.option("--ref", "reference", type=existing, required=True, help="Folder (or file) of reference poses or videos.")
@click.option("--hyp", "hypothesis", type=existing, required=True, help="The system's output, files named alike.")
@click.option(
    "--slrtp", is_flag=True, help="Score and print as the SLRTP 2025 challenge: 12.5 fps, its metrics and keys."
)
@click.option(
    "--hyp-fps",
    type=float,
    callback=frame_rate,
    help="Frame rate of the hypotheses, where their files state none (.pt) or a wrong one.",
)
@shared_options
def score(
    *, hypothesis: Path, reference: Path, slrtp: bool, hyp_fps: float | None, as_json: bool, debug: bool, **given: Any
) -> None:
    """Compare a system's poses, videos or texts with their references.

    Poses get dtw_mje (of all joints, of the body, of each hand), dtw_pjpe, dtw_pt, total_distance and avg_duration;
    with --texts, they are translated back to text and get bleu1..4, chrf, rouge, wer and cer, too. Videos get ssim and
    flicker, with --hands hand_ssim and hand_pose, with --fid fid. Texts get the scores of texts. Metrics of other
    packages take part. The ceiling is the same score on the reference itself.
    """
    asked = Asked(**given)
    asked.check(slrtp=slrtp, hyp_fps=hyp_fps)
    old = asked.old_report()
    if old is not None:
        asked = replace(asked, fps=old.fps, protocol=old.protocol)
    if asked.as_text:
        report = _texts(hypothesis, reference, asked)
    elif asked.video:
        report = _videos(hypothesis, reference, asked, old)
    else:
        report = _poses(hypothesis, reference, asked, old, slrtp=slrtp, hyp_fps=hyp_fps)
    if old is not None:
        old.check(report)
    _print(report, as_json=as_json, slrtp=slrtp)


def _texts(hypothesis: Path, reference: Path, asked: Asked) -> Report:
    from signdiff_eval.readers import read_lines
    from signdiff_eval.readers.texts import read_as_many
    from signdiff_eval.scoring import score_texts

    check_files(ref=reference, hyp=hypothesis)
    true = read_lines(reference)
    made = read_as_many(hypothesis, reference, len(true))
    best = None if asked.ceiling is None else read_as_many(asked.ceiling, reference, len(true))
    return score_texts(made, true, ceiling=best, tokenize=asked.tokenize, protocol=asked.protocol or "free")


def _videos(hypothesis: Path, reference: Path, asked: Asked, old: OldReport | None) -> Report:
    from signdiff_eval.readers import is_video, pair_up
    from signdiff_eval.scoring import score_videos

    pairs = pair_up(hypothesis, reference, is_video)
    metrics: Any = old.metrics() if old else asked.video_metrics()()
    return score_videos(watched("scoring", pairs), protocol=asked.protocol or "free", metrics=metrics)


def _poses(
    hypothesis: Path, reference: Path, asked: Asked, old: OldReport | None, *, slrtp: bool, hyp_fps: float | None
) -> Report:
    from signdiff_eval.readers import PoseFormats, pair_up
    from signdiff_eval.scoring import score_poses, slrtp_metrics

    back_translation, formats, fps = asked.back_translation(), PoseFormats(), asked.fps
    metrics = old.metrics if old else None
    if slrtp:
        metrics, fps = partial(slrtp_metrics, texts=back_translation is not None), fps or 12.5
    return score_poses(
        watched("scoring", pair_up(hypothesis, reference, formats.matches)),
        fps=fps,
        hypothesis_fps=hyp_fps,
        protocol=asked.protocol,
        formats=formats,
        metrics=metrics,
        back_translation=back_translation,
    )


def _print(report: Report, *, as_json: bool, slrtp: bool) -> None:
    from rich.console import Console

    from signdiff_eval.provenance import marks_warning
    from signdiff_eval.reports.tables import print_table, to_dict, to_slrtp

    if warning := marks_warning(report.marked):
        warn(f"{warning}.")
    if as_json:
        content = {"slrtp2025": to_slrtp(report)} | to_dict(report) if slrtp else to_dict(report)
        click.echo(json.dumps(content, indent=2, allow_nan=False))
    else:
        print_table(report, Console())
