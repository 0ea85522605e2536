"""Scores of a system's videos against their references, frame by frame."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from signdiff_eval.metrics import FID, SSIM, Flicker
from signdiff_eval.metrics.hands import HandMetric
from signdiff_eval.metrics.image import update_together
from signdiff_eval.provenance import marked_place
from signdiff_eval.readers import open_video
from signdiff_eval.readers.poses import same_rate
from signdiff_eval.scoring.report import Report, scores_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from signdiff_eval.metrics.image import VideoMetric
    from signdiff_eval.readers import Pair
    from signdiff_eval.scoring.report import Protocol


def score_videos(
    pairs: Iterable[Pair], *, protocol: Protocol = "free", metrics: Sequence[VideoMetric] | None = None
) -> Report:
    """Score videos frame by frame: ``ssim`` and ``flicker``, or what is asked for.

    Args:
        pairs: videos of the same size, length and frame rate.
        protocol: how the hypotheses were made; it goes into the signature.
        metrics: fresh metrics, such as those of `video_metrics`.

    Raises:
        ValueError: files that can't be read or don't fit each other, or no pair.
    """
    system: list[VideoMetric] = [SSIM(), Flicker()] if metrics is None else list(metrics)
    # A metric of features makes its ceiling of those that it has, and not of every frame a second time.
    ceiling = [copy.copy(metric) for metric in system if not isinstance(metric, FID)]
    for metric in ceiling:
        metric.reset()
    names: list[str] = []
    marked: dict[tuple[str, str], None] = {}
    first = 0.0
    for pair in pairs:
        if found := marked_place(pair.reference):
            marked[found] = None
        with open_video(pair.reference) as (rate, reference), open_video(pair.hypothesis) as (other, hypothesis):
            first = first or rate
            for path, own in ((pair.reference, rate), (pair.hypothesis, other)):
                if not same_rate(own, first):
                    raise ValueError(
                        f"videos must share their frame rate, but the first reference has {first:.7g} frames per "
                        f"second and {path} {own:.7g}."
                    )
            try:
                update_together(system, hypothesis, reference, ceilings=ceiling)
            except ValueError as error:
                raise ValueError(f"{pair.reference} and {pair.hypothesis}: {error}") from error
        names.append(pair.name)
    if not names:
        raise ValueError("pairs must hold at least one pair, but holds none.")
    best = iter(ceiling)
    ceilings = [metric.against_itself() if isinstance(metric, FID) else next(best) for metric in system]
    settings = {"n": str(len(names)), "fps": f"{first:g}", "protocol": protocol}
    scored = scores_of(system, ceilings, settings)
    return Report(
        scored.scores,
        len(names),
        names=tuple(names),
        system=scored.system,
        unscored=scored.unscored,
        marked=tuple(marked),
        without_hand=tuple(
            (metric.name, metric.frames_without_hand, metric.frames)
            for metric in system
            if isinstance(metric, HandMetric)
        ),
    )
