"""Scores of a system's pose files against their references, with the ceiling of each."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from signdiff_eval.metrics import DTW, Metric, PoseMetric, TextMetric
from signdiff_eval.provenance import marked_place, protocol_of
from signdiff_eval.readers import Pair, PoseFormats, PoseSequence
from signdiff_eval.readers.pairs import order_of
from signdiff_eval.readers.poses import same_rate
from signdiff_eval.scoring.report import Protocol, Report, report_of
from signdiff_eval.scoring.suites import pose_metrics, text_metrics
from signdiff_eval.scoring.texts import BackTranslation, Translations


def score_poses(
    pairs: Iterable[Pair],
    *,
    fps: float | None = None,
    hypothesis_fps: float | None = None,
    protocol: Protocol | None = None,
    formats: PoseFormats | None = None,
    metrics: Callable[[], Sequence[Metric]] | None = None,
    back_translation: BackTranslation | None = None,
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
        metrics: makes the metrics; by default those above, and with ``back_translation`` those of `text_metrics`.
        back_translation: how poses are translated back to text; needed for metrics of texts.
        derive: changes the sequences of each hypothesis before they are scored, for controls.

    Raises:
        ValueError: files that can't be read or don't fit each other, no pair, or another protocol than that of
            the hypotheses' marks.
    """
    formats = formats or PoseFormats()
    make = metrics or (lambda: [*pose_metrics(), *(text_metrics() if back_translation else [])])
    system, ceiling = list(make()), list(make())
    if back_translation is None and any(isinstance(metric, TextMetric) for metric in system):
        raise ValueError("back_translation must be given for metrics of texts, but is not.")
    absent, rate = [0, 0], fps
    names: list[str] = []
    protocols: set[str] = set()
    marked: dict[tuple[str, str], None] = {}
    translations = Translations(back_translation) if back_translation else None
    for pair in pairs:
        hypotheses, references = formats.read(pair.hypothesis), formats.read(pair.reference)
        protocols.add(protocol_of(pair.hypothesis) or protocol or "free")
        if found := marked_place(pair.reference):
            marked[found] = None
        if hypothesis_fps is not None:
            hypotheses = [replace(sequence, fps=hypothesis_fps) for sequence in hypotheses]
        hypotheses = partners(pair, hypotheses, references) if derive is None else derive(hypotheses)[: len(references)]
        for hypothesis, reference in zip(hypotheses, references, strict=True):
            if rate is None:
                rate = reference.fps
            if fps is None:
                check_rate(rate, reference, hypothesis)
            update_both(system, ceiling, *fitted(hypothesis.resampled(rate), reference.resampled(rate)))
            absent[0] += hypothesis.absent
            absent[1] += reference.absent
            names.append(reference.clip or pair.name)
            if translations:
                translations.add(hypothesis, reference)
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
    return report_of(
        *(names, system, ceiling, settings),
        translator=back_translation.settings if back_translation else (),
        absent=(absent[0], absent[1]),
        texts=texts,
        marked=tuple(marked),
    )


def _listed(protocols: Iterable[str]) -> str:
    return " and ".join(sorted(protocols))


def partners(pair: Pair, hypotheses: list[PoseSequence], references: list[PoseSequence]) -> list[PoseSequence]:
    """Bring the sequences of a hypothesis' file into the order of those of its reference, by their names."""
    try:
        order = order_of([sequence.clip for sequence in hypotheses], [sequence.clip for sequence in references])
    except ValueError as error:
        raise ValueError(f"{pair.reference} and {pair.hypothesis} {error}.") from error
    return [hypotheses[place] for place in order]


def check_rate(rate: float, *sequences: PoseSequence) -> None:
    """Make sure that sequences have a frame rate."""
    for sequence in sequences:
        if not same_rate(sequence.fps, rate):
            raise ValueError(
                f"poses must share their frame rate, or fps must be given, but the first reference has {rate:.7g} "
                f"frames per second and {sequence.name} {sequence.fps:.7g}."
            )


def fitted(
    hypothesis: PoseSequence, reference: PoseSequence
) -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[str, ...]]:
    """Take the joints of a pair that its reference shows, and their names; the hypothesis must show them all."""
    if reference.skeleton != hypothesis.skeleton or reference.joints.shape[2] != hypothesis.joints.shape[2]:
        (_, joints, axes), (_, others, other_axes) = reference.joints.shape, hypothesis.joints.shape
        raise ValueError(
            f"reference and hypothesis must have the same skeleton, but {reference.name} has {joints} joints with "
            f"{axes} axes and {hypothesis.name} {others} with {other_axes}"
            + ("." if (joints, axes) != (others, other_axes) else ", under other names.")
        )
    known = ~np.isnan(reference.joints).any(axis=(0, 2))
    if not known.any():
        raise ValueError(f"reference {reference.name} must show at least one joint, but shows none.")
    missing = np.flatnonzero(known & np.isnan(hypothesis.joints).any(axis=(0, 2)))
    if len(missing):
        raise ValueError(
            f"hypothesis {hypothesis.name} must show every joint that its reference shows, "
            f"but lacks {len(missing)}, among them {hypothesis.skeleton[missing[0]]}."
        )
    skeleton = tuple(reference.skeleton[joint] for joint in np.flatnonzero(known))
    return hypothesis.joints[:, known], reference.joints[:, known], skeleton


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor()


def update_both(
    system: Sequence[Metric],
    ceiling: Sequence[Metric],
    hypothesis: NDArray[np.float64],
    reference: NDArray[np.float64],
    skeleton: tuple[str, ...],
) -> None:
    """Update the system's metrics with a pair, and the ceiling's with the reference beside itself."""
    tasks = [(metric, hypothesis) for metric in system] + [(metric, reference) for metric in ceiling]
    # Alignments run outside of Python's lock, so threads spread them over the cores.
    list(_pool().map(lambda task: _update(task[0], task[1], reference, skeleton), tasks))


def _update(
    metric: Metric, hypothesis: NDArray[np.float64], reference: NDArray[np.float64], skeleton: tuple[str, ...]
) -> None:
    if isinstance(metric, PoseMetric):
        metric.take_in(metric.update_named, hypothesis, reference, skeleton)
    elif not isinstance(metric, TextMetric):
        metric.take_in(metric.update, hypothesis, reference)
