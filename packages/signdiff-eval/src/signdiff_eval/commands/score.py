"""``signdiff-eval score``."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from signdiff_eval.commands.settings import (
    check_files,
    check_kinds,
    existing,
    frame_rate,
    fresh_video_metrics,
    from_signatures,
    protocol_option,
    reading_of,
    reading_options,
    signature_option,
    text_options,
    video_options,
    warn,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from signdiff_eval.reports.reproduce import OldReport
    from signdiff_eval.scoring import Protocol, Reading, Report


@click.command()
@click.option("--ref", "reference", type=existing, required=True, help="Folder (or file) of reference poses or videos.")
@click.option("--hyp", "hypothesis", type=existing, required=True, help="The system's output, files named alike.")
@video_options
@text_options
@click.option(
    "--slrtp", is_flag=True, help="Score and print as the SLRTP 2025 challenge: 12.5 fps, its metrics and keys."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--fps",
    type=float,
    callback=frame_rate,
    help="Frame rate at which poses are compared, by linear interpolation; SLRTP 2025 compares 25 fps at 12.5.",
)
@click.option(
    "--hyp-fps",
    type=float,
    callback=frame_rate,
    help="Frame rate of the hypotheses, where their files state none, as .pt files do, or another.",
)
@protocol_option
@reading_options
@signature_option
@click.option("--debug", is_flag=True, help="Show where an error comes from.")
def score(
    *,
    hypothesis: Path,
    reference: Path,
    video: bool,
    hands: bool,
    fid: bool,
    fid_weights: Path | None,
    as_text: bool,
    ceiling: Path | None,
    tokenize: str,
    slrtp: bool,
    as_json: bool,
    fps: float | None,
    hyp_fps: float | None,
    protocol: Protocol | None,
    texts: Path | None,
    translator: str | None,
    signatures: tuple[str, ...],
    debug: bool,
) -> None:
    """Compare a system's poses, videos or texts with their references.

    Poses get dtw_mje (of all joints, of the body, of each hand), dtw_pjpe, dtw_pt, total_distance and avg_duration;
    with --texts, they are translated back to text and get bleu1..4, chrf, rouge, wer and cer, too. Videos get ssim and
    flicker, with --hands hand_ssim and hand_pose, with --fid fid. Texts get the scores of texts. The ceiling is the
    same score on the reference itself.
    """
    del debug  # read by main(), before the command line is parsed
    check_kinds(
        {"--video": video, "--text": as_text, "--slrtp": slrtp},
        (
            *(("--hands", hands, "--video"), ("--fid", fid, "--video"), ("--fid-weights", fid_weights, "--video")),
            *(("--ceiling", ceiling, "--text"), ("--tokenize", tokenize != "none", "--text")),
            *(("--fps", fps, ""), ("--hyp-fps", hyp_fps, ""), ("--texts", texts, ""), ("--translator", translator, "")),
        ),
    )
    if signatures and (as_text or slrtp):
        raise click.UsageError("--signature is of poses or videos.")
    if as_text:
        report = _texts(hypothesis, reference, ceiling=ceiling, tokenize=tokenize, protocol=protocol or "free")
    else:
        old = from_signatures(signatures, fps=fps, texts=texts, video=video)
        if old is not None:
            fps, protocol = old.fps, old.protocol
        stated = protocol or "free"
        if video:
            report = _videos(hypothesis, reference, old, hands=hands, fid=fid, weights=fid_weights, protocol=stated)
        else:
            report = _poses(
                *(hypothesis, reference, old),
                slrtp=slrtp,
                reading=reading_of(texts, translator),
                fps=fps,
                hyp_fps=hyp_fps,
                protocol=protocol,
            )
        if old is not None:
            old.check(report)
    _print(report, as_json=as_json, slrtp=slrtp)


def _texts(hypothesis: Path, reference: Path, *, ceiling: Path | None, tokenize: str, protocol: Protocol) -> Report:
    from signdiff_eval.readers import read_lines
    from signdiff_eval.readers.texts import read_as_many
    from signdiff_eval.scoring import score_texts

    check_files(ref=reference, hyp=hypothesis)
    true = read_lines(reference)
    made = read_as_many(hypothesis, reference, len(true))
    best = None if ceiling is None else read_as_many(ceiling, reference, len(true))
    return score_texts(made, true, ceiling=best, tokenize=tokenize, protocol=protocol)


def _videos(
    hypothesis: Path,
    reference: Path,
    old: OldReport | None,
    *,
    hands: bool,
    fid: bool,
    weights: Path | None,
    protocol: Protocol,
) -> Report:
    from signdiff_eval.readers import is_video, pair_up
    from signdiff_eval.scoring import score_videos

    pairs = pair_up(hypothesis, reference, is_video)
    metrics: Any = old.metrics() if old else None
    if metrics is None:
        metrics = fresh_video_metrics(hands=hands, fid=fid, weights=weights)()
    return score_videos(_watched(pairs), protocol=protocol, metrics=metrics)


def _poses(
    hypothesis: Path,
    reference: Path,
    old: OldReport | None,
    *,
    slrtp: bool,
    reading: Reading | None,
    fps: float | None,
    hyp_fps: float | None,
    protocol: Protocol | None,
) -> Report:
    from signdiff_eval.readers import PoseFormats, pair_up
    from signdiff_eval.scoring import score_poses, slrtp_metrics

    formats = PoseFormats()
    metrics = old.metrics if old else None
    if slrtp:
        metrics, fps = partial(slrtp_metrics, texts=reading is not None), fps or 12.5
    return score_poses(
        _watched(pair_up(hypothesis, reference, formats.matches)),
        fps=fps,
        hypothesis_fps=hyp_fps,
        protocol=protocol,
        formats=formats,
        metrics=metrics,
        reading=reading,
    )


def _print(report: Report, *, as_json: bool, slrtp: bool) -> None:
    from signdiff_eval.provenance import told_marks
    from signdiff_eval.reports.tables import print_table, to_dict, to_slrtp

    if warning := told_marks(report.marked):
        warn(f"{warning}.")
    if as_json:
        content = {"slrtp2025": to_slrtp(report)} | to_dict(report) if slrtp else to_dict(report)
        click.echo(json.dumps(content, indent=2, allow_nan=False))
        return
    from rich.console import Console

    print_table(report, Console())


def _watched(pairs: Sequence[Any]) -> Iterable[Any]:
    if not sys.stderr.isatty():
        return pairs
    from rich.console import Console
    from rich.progress import track

    return track(pairs, description="scoring", console=Console(stderr=True), transient=True)
