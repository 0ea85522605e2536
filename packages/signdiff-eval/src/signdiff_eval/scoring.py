"""Scores of a system's files against their references, with the ceiling of each."""

from __future__ import annotations

import copy
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from signdiff_eval.functional.pose.counter import with_counter
from signdiff_eval.metrics import (
    BLEU,
    CER,
    CHRF,
    DTW,
    FID,
    ROUGE,
    SSIM,
    WER,
    Duration,
    Flicker,
    Metric,
    TotalDistance,
    WristDistance,
)
from signdiff_eval.metrics.image import update_together
from signdiff_eval.metrics.image.hands import HandMetric
from signdiff_eval.metrics.text.lines import TextMetric
from signdiff_eval.readers import PoseFormats, channels_of, open_video, wrists_of
from signdiff_eval.readers.named_texts import read_texts
from signdiff_eval.score import Score

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from signdiff_eval.backtranslation.plugin import Translator
    from signdiff_eval.metrics.image import VideoMetric
    from signdiff_eval.readers import Pair, PoseSequence

Protocol = Literal["free", "gt-timing"]
"""Whether the system decided on the timing itself, or was told the reference's."""


@dataclass(frozen=True, slots=True)
class Report:
    """The scores of one system.

    Attributes:
        scores: in the order in which they are printed.
        pairs: sequences or videos compared.
        absent: how many joints the files lacked, (reference, hypothesis), summed over frames; filled in between the
            frames that have them. (0, 0) for videos.
        names: of the sequences compared.
        system: the metrics of the scores, with a row for each sequence.
        texts: what was translated back of each sequence, (reference, hypothesis, what should be said).
        without_hand: for each metric of hands its name, frames in which it found none to compare, and frames in all.
    """

    scores: tuple[Score, ...]
    pairs: int
    absent: tuple[int, int] = (0, 0)
    names: tuple[str, ...] = ()
    system: tuple[Metric, ...] = ()
    texts: tuple[tuple[str, str, str], ...] = ()
    without_hand: tuple[tuple[str, int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """Back translation of poses.

    Attributes:
        texts: file with what the references say: lines ``name<TAB>text``, or one a line in the order of the sequences.
        translator: from sequences to texts.
        settings: what signatures say of the translator.
    """

    texts: Path
    translator: Translator
    settings: tuple[tuple[str, str], ...]


def score_poses(
    pairs: Iterable[Pair],
    *,
    fps: float | None = None,
    hypothesis_fps: float | None = None,
    protocol: Protocol = "free",
    formats: PoseFormats | None = None,
    metrics: Callable[[], Sequence[Metric]] | None = None,
    reading: Reading | None = None,
    derive: Callable[[list[PoseSequence]], list[PoseSequence]] | None = None,
) -> Report:
    """Score pose files: those of `pose_metrics`, and what can be read from the poses.

    Joints that a reference lacks throughout are left out of its pair.

    Args:
        pairs: files of any known format; if they hold several sequences, these are paired in order,
            and must have the same names where both have names.
        fps: the frame rate at which to compare; that of the files, which then must agree, if not given.
        hypothesis_fps: the frame rate of the hypotheses, where their files state another or none.
        protocol: how the hypotheses were made; it goes into the signature.
        formats: the known formats; those installed if not given.
        metrics: makes the metrics; by default those above, and with ``reading`` those of `text_metrics`.
        reading: how poses are translated back to text; needed for metrics of texts.
        derive: changes the sequences of each hypothesis before they are scored, for controls.

    Raises:
        ValueError: files that can't be read or don't fit each other, or no pair.
    """
    formats = formats or PoseFormats()
    make = metrics or (lambda: [*pose_metrics(), *(text_metrics() if reading else [])])
    system, ceiling = list(make()), list(make())
    if reading is None and any(isinstance(metric, TextMetric) for metric in system):
        raise ValueError("reading must be given for metrics of texts, but is not.")
    absent, rate = [0, 0], fps
    names: list[str] = []
    waiting: list[tuple[PoseSequence, PoseSequence]] = []
    read: list[tuple[str, str]] = []
    for pair in pairs:
        references, hypotheses = formats.read(pair.reference), formats.read(pair.hypothesis)
        if hypothesis_fps is not None:
            hypotheses = [replace(sequence, fps=hypothesis_fps) for sequence in hypotheses]
        if derive is None:
            _check_clips(pair, references, hypotheses)
        else:
            hypotheses = derive(hypotheses)[: len(references)]
        for reference, hypothesis in zip(references, hypotheses, strict=True):
            if rate is None:
                rate = reference.fps
            if fps is None:
                _check_rate(rate, reference, hypothesis)
            true, made, skeleton = _fitted(reference.resampled(rate), hypothesis.resampled(rate))
            _update_both(system, ceiling, true, made, skeleton)
            absent[0] += reference.absent
            absent[1] += hypothesis.absent
            names.append(reference.clip or pair.name)
            if reading:
                waiting.append((reference, hypothesis))
                if len(waiting) == _CHUNK:
                    read += _translated(reading, waiting)
                    waiting.clear()
    if rate is None:
        raise ValueError("pairs must hold at least one pair, but holds none.")
    settings = {"n": str(len(names)), "fps": f"{rate:g}", "units": "file", "absent": "linear", "protocol": protocol}
    texts: list[tuple[str, str, str]] = []
    if reading:
        read += _translated(reading, waiting)
        wanted = read_texts(reading.texts, names)
        texts = [(true, made, said) for (true, made), said in zip(read, wanted, strict=True)]
        for metric, best in zip(system, ceiling, strict=True):
            if isinstance(metric, TextMetric) and isinstance(best, TextMetric):
                for translated, produced, said in texts:
                    metric.update(said, produced)
                    best.update(said, translated)
    # Parts of the body that the skeletons lack have added up to nothing.
    system, ceiling = (
        [metric for metric in side if not isinstance(metric, DTW) or metric.statistics.any()]
        for side in (system, ceiling)
    )
    scores = scores_of(system, ceiling, settings, dict(reading.settings) if reading else {})
    return Report(scores, len(names), (absent[0], absent[1]), tuple(names), tuple(system), tuple(texts))


def score_videos(
    pairs: Iterable[Pair], *, protocol: Protocol = "free", metrics: Sequence[VideoMetric] | None = None
) -> Report:
    """Score videos frame by frame: ``ssim`` and ``flicker``, or what is asked for.

    Args:
        pairs: videos of the same size, length and frame rate.
        protocol: how the hypotheses were made; it goes into the signature.
        metrics: fresh metrics, such as those of `signdiff_eval.video_metrics.video_metrics`.

    Raises:
        ValueError: files that can't be read or don't fit each other, or no pair.
    """
    system: list[VideoMetric] = [SSIM(), Flicker()] if metrics is None else list(metrics)
    # A metric of features makes its ceiling of those that it has, and not of every frame a second time.
    ceiling = [copy.copy(metric) for metric in system if not isinstance(metric, FID)]
    for metric in ceiling:
        metric.reset()
    names, rates = [], set()
    for pair in pairs:
        with open_video(pair.reference) as (rate, reference), open_video(pair.hypothesis) as (other, hypothesis):
            rates |= {rate, other}
            if len(rates) > 1:
                raise ValueError(f"videos must share their frame rate, but {pair.name} brings {_rates(rates)}.")
            try:
                update_together(system, reference, hypothesis, ceilings=ceiling)
            except ValueError as error:
                raise ValueError(f"{pair.name}: {error}") from error
        names.append(pair.name)
    if not names:
        raise ValueError("pairs must hold at least one pair, but holds none.")
    best = iter(ceiling)
    ceilings = [metric.against_itself() if isinstance(metric, FID) else next(best) for metric in system]
    settings = {"n": str(len(names)), "fps": _rates(rates), "protocol": protocol}
    return Report(
        scores_of(system, ceilings, settings),
        len(names),
        names=tuple(names),
        system=tuple(system),
        without_hand=tuple(
            (metric.name, metric.frames_without_hand, metric.frames)
            for metric in system
            if isinstance(metric, HandMetric)
        ),
    )


_CHUNK: Final = 64
"""Pairs that are translated together."""


def pose_metrics() -> list[Metric]:
    """Make the metrics of poses."""
    channels = [DTW("mje", channel=channel) for channel in ("body", "left_hand", "right_hand")]
    return [DTW("mje"), *channels, DTW("pjpe"), DTW("pt"), TotalDistance(), Duration()]


def slrtp_metrics(*, texts: bool = False) -> list[Metric]:
    """Make the metrics of the SLRTP 2025 challenge, in its order.

    Args:
        texts: those of what is read from poses, too.
    """
    orders = [BLEU(order) for order in (1, 2, 3, 4)]
    read = [*orders, CHRF(), ROUGE(), WER(normalize="slrtp2025")] if texts else []
    return [*read, DTW("mje"), WristDistance(), Duration()]


def text_metrics() -> list[Metric]:
    """Make the metrics of what is read from poses."""
    return [*(BLEU(order) for order in (1, 2, 3, 4)), CHRF(), ROUGE(), WER(), CER()]


def _translated(reading: Reading, pairs: list[tuple[PoseSequence, PoseSequence]]) -> list[tuple[str, str]]:
    if not pairs:
        return []
    true, made = (list(reading.translator(list(side))) for side in zip(*pairs, strict=True))
    if (len(true), len(made)) != (len(pairs), len(pairs)):
        raise ValueError(f"the translator must give a text for each pose, but gave {len(made)} for {len(pairs)}.")
    return list(zip(true, made, strict=True))


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor()


def _update_both(
    system: Sequence[Metric],
    ceiling: Sequence[Metric],
    reference: NDArray[np.float64],
    hypothesis: NDArray[np.float64],
    skeleton: tuple[str, ...],
) -> None:
    tasks = [(metric, hypothesis) for metric in system] + [(metric, reference) for metric in ceiling]
    # Alignments run outside of Python's lock, so threads spread them over the cores.
    list(_pool().map(lambda task: _update(task[0], reference, task[1], skeleton), tasks))


def _update(
    metric: Metric, reference: NDArray[np.float64], hypothesis: NDArray[np.float64], skeleton: tuple[str, ...]
) -> None:
    if isinstance(metric, TextMetric):
        return
    if isinstance(metric, WristDistance):
        wrists = list(wrists_of(skeleton))
        metric.update(reference[:, wrists], hypothesis[:, wrists])
    elif isinstance(metric, DTW) and metric.channel:
        channels = channels_of(skeleton)
        joints = channels.get(metric.channel, []) if len(channels) > 1 else []
        if joints:
            metric.update(reference[:, joints], hypothesis[:, joints])
        else:  # nothing to add up, but a row, so that the metrics' rows stay those of the same pairs
            metric.absorb(np.zeros((1, 2)))
    elif isinstance(metric, DTW) and metric.variant == "pt":
        metric.update(with_counter(reference), with_counter(hypothesis))
    else:
        metric.update(reference, hypothesis)


def _check_clips(pair: Pair, references: list[PoseSequence], hypotheses: list[PoseSequence]) -> None:
    where = f"{pair.reference.name} and {pair.hypothesis.name}"
    if len(references) != len(hypotheses):
        raise ValueError(f"{where} must hold as many sequences, but hold {len(references)} and {len(hypotheses)}.")
    for index, clips in enumerate(zip(references, hypotheses, strict=True)):
        named = {sequence.clip for sequence in clips} - {"", str(index)}
        if len(named) > 1:
            raise ValueError(f"{where} must hold the same sequences in order, but number {index} is {sorted(named)}.")


def _check_rate(rate: float, *sequences: PoseSequence) -> None:
    for sequence in sequences:
        if not math.isclose(sequence.fps, rate, rel_tol=1e-5):
            raise ValueError(
                f"poses must share their frame rate, or fps must be given, but the first reference has {rate:g} "
                f"frames per second and {sequence.name} {sequence.fps:g}."
            )


def _fitted(
    reference: PoseSequence, hypothesis: PoseSequence
) -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[str, ...]]:
    if reference.skeleton != hypothesis.skeleton or reference.joints.shape[2] != hypothesis.joints.shape[2]:
        (_, joints, axes), (_, others, other_axes) = reference.joints.shape, hypothesis.joints.shape
        raise ValueError(
            f"reference and hypothesis must have the same skeleton, but {reference.name} has {joints} joints with "
            f"{axes} axes and its hypothesis {others} with {other_axes}"
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
    return reference.joints[:, known], hypothesis.joints[:, known], skeleton


def _rates(rates: set[float]) -> str:
    return " and ".join(f"{rate:g}" for rate in sorted(rates))


def scores_of(
    system: Sequence[Metric],
    ceiling: Sequence[Metric],
    settings: dict[str, str],
    reading: dict[str, str] | None = None,
) -> tuple[Score, ...]:
    """Compute scores beside their ceilings.

    Args:
        system: metrics that have seen the system's output.
        ceiling: the same, having seen the references in its place.
        settings: what else the signatures say.
        reading: what those of texts say of the translator.
    """
    scores = []
    for metric, best in zip(system, ceiling, strict=True):
        signature = metric.signature.extended(**settings)
        if isinstance(metric, TextMetric):
            signature = signature.extended(**(reading or {}))
        scores.append(Score(metric.compute(), best.compute(), metric.ideal, signature))
    return tuple(scores)
