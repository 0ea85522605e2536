"""Scores of a system's pose files against their references, with the ceiling of each."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from signdiff_eval.metrics import DTW
from signdiff_eval.metrics.text.lines import TextMetric
from signdiff_eval.provenance import marked_place, protocol_of
from signdiff_eval.readers import PoseFormats
from signdiff_eval.scoring.fitting import check_rate, fitted, partners
from signdiff_eval.scoring.reading import Translations
from signdiff_eval.scoring.report import Report, scores_of
from signdiff_eval.scoring.suites import pose_metrics, text_metrics
from signdiff_eval.scoring.updating import update_both

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from signdiff_eval.metrics import Metric
    from signdiff_eval.readers import Pair, PoseSequence
    from signdiff_eval.scoring.reading import Reading
    from signdiff_eval.scoring.report import Protocol


def score_poses(
    pairs: Iterable[Pair],
    *,
    fps: float | None = None,
    hypothesis_fps: float | None = None,
    protocol: Protocol | None = None,
    formats: PoseFormats | None = None,
    metrics: Callable[[], Sequence[Metric]] | None = None,
    reading: Reading | None = None,
    derive: Callable[[list[PoseSequence]], list[PoseSequence]] | None = None,
) -> Report:
    """Score pose files: those of `pose_metrics`, and what can be read from the poses.

    Joints that a reference lacks throughout are left out of its pair.

    Args:
        pairs: files of any known format; if they hold several sequences, these are paired by their names, in whatever
            order, and one after the other where a file has no names.
        fps: the frame rate at which to compare; that of the files, which then must agree, if not given.
        hypothesis_fps: the frame rate of the hypotheses, where their files state another or none.
        protocol: how the hypotheses were made; it goes into the signature. If not given, what the mark of generated
            poses says of them, and ``free`` where they have none.
        formats: the known formats; those installed if not given.
        metrics: makes the metrics; by default those above, and with ``reading`` those of `text_metrics`.
        reading: how poses are translated back to text; needed for metrics of texts.
        derive: changes the sequences of each hypothesis before they are scored, for controls.

    Raises:
        ValueError: files that can't be read or don't fit each other, no pair, or another protocol than that of
            the hypotheses' marks.
    """
    formats = formats or PoseFormats()
    make = metrics or (lambda: [*pose_metrics(), *(text_metrics() if reading else [])])
    system, ceiling = list(make()), list(make())
    if reading is None and any(isinstance(metric, TextMetric) for metric in system):
        raise ValueError("reading must be given for metrics of texts, but is not.")
    absent, rate = [0, 0], fps
    names: list[str] = []
    protocols: set[str] = set()
    marked: dict[tuple[str, str], None] = {}
    translations = Translations(reading) if reading else None
    for pair in pairs:
        references, hypotheses = formats.read(pair.reference), formats.read(pair.hypothesis)
        protocols.add(protocol_of(pair.hypothesis) or protocol or "free")
        if found := marked_place(pair.reference):
            marked[found] = None
        if hypothesis_fps is not None:
            hypotheses = [replace(sequence, fps=hypothesis_fps) for sequence in hypotheses]
        hypotheses = partners(pair, references, hypotheses) if derive is None else derive(hypotheses)[: len(references)]
        for reference, hypothesis in zip(references, hypotheses, strict=True):
            if rate is None:
                rate = reference.fps
            if fps is None:
                check_rate(rate, reference, hypothesis)
            update_both(system, ceiling, *fitted(reference.resampled(rate), hypothesis.resampled(rate)))
            absent[0] += reference.absent
            absent[1] += hypothesis.absent
            names.append(reference.clip or pair.name)
            if translations:
                translations.add(reference, hypothesis)
    if rate is None:
        raise ValueError("pairs must hold at least one pair, but holds none.")
    if protocol is not None and protocols != {protocol}:
        raise ValueError(f"protocol must be what the hypotheses' marks tell, {_listed(protocols)}, but is {protocol}.")
    if len(protocols) > 1:
        raise ValueError(f"hypotheses must be made by one protocol, but their marks tell {_listed(protocols)}.")
    settings = {
        **{"n": str(len(names)), "fps": f"{rate:g}", "units": "file", "absent": "linear"},
        "protocol": protocols.pop(),
    }
    texts = translations.finish(names, system, ceiling) if translations else ()
    # Parts of the body that the skeletons lack have added up to nothing.
    system, ceiling = (
        [metric for metric in side if not isinstance(metric, DTW) or metric.statistics.any()]
        for side in (system, ceiling)
    )
    scored = scores_of(system, ceiling, settings, dict(reading.settings) if reading else {})
    return Report(
        *(scored.scores, len(names), (absent[0], absent[1]), tuple(names), scored.system, texts),
        unscored=scored.unscored,
        marked=tuple(marked),
    )


def _listed(protocols: Iterable[str]) -> str:
    return " and ".join(sorted(protocols))
