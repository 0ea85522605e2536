"""Scores of a system's videos against their references, frame by frame."""

import copy
from collections.abc import Iterable, Sequence

from signdiff_eval.metrics import FID, VideoMetric
from signdiff_eval.metrics.hands import HandMetric
from signdiff_eval.metrics.image import update_together
from signdiff_eval.provenance import marked_place
from signdiff_eval.readers import Pair, open_video
from signdiff_eval.readers.poses import same_rate
from signdiff_eval.scoring.report import Protocol, Report, report_of
from signdiff_eval.scoring.suites import video_metrics


def score_videos(
    pairs: Iterable[Pair], *, protocol: Protocol = "free", metrics: Sequence[VideoMetric] | None = None
) -> Report:
    """Score videos frame by frame: those of `video_metrics`, or what is asked for.

    Args:
        pairs: videos of the same size, length and frame rate.
        protocol: how the hypotheses were made; it goes into the signature.
        metrics: fresh ones.

    Raises:
        ValueError: files that can't be read or don't fit each other, or no pair.
    """
    system = video_metrics() if metrics is None else list(metrics)
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
    return report_of(
        *(names, system, ceilings, settings),
        marked=tuple(marked),
        without_hand=tuple(
            (metric.name, metric.frames_without_hand, metric.frames)
            for metric in system
            if isinstance(metric, HandMetric)
        ),
    )
