"""Scores of a system's files against their references, with the ceiling of each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from signdiff_eval.metrics import DTW, SSIM, Duration, Metric, TotalDistance
from signdiff_eval.readers import PoseFormats, open_video
from signdiff_eval.score import Score

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

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
    """

    scores: tuple[Score, ...]
    pairs: int
    absent: tuple[int, int] = (0, 0)


def with_counter(joints: NDArray[np.float64]) -> NDArray[np.float64]:
    """Flatten frames and add the counter of ``.skels`` files.

    Args:
        joints: (T, J, C).

    Returns:
        (T, J * C + 1), whose last column is t / T.

    Example:
        >>> with_counter(np.ones((2, 1, 3))).tolist()
        [[1.0, 1.0, 1.0, 0.0], [1.0, 1.0, 1.0, 0.5]]
    """
    frames = len(joints)
    return np.concatenate([joints.reshape(frames, -1), np.arange(frames)[:, None] / frames], axis=1)


def score_poses(
    pairs: Iterable[Pair],
    *,
    fps: float | None = None,
    protocol: Protocol = "free",
    formats: PoseFormats | None = None,
) -> Report:
    """Score pose files: ``dtw_mje``, ``dtw_pt``, ``total_distance``, ``avg_duration``.

    Joints that a reference lacks throughout are left out of its pair.

    Args:
        pairs: files of any known format; if they hold several sequences, these are paired in order,
            and must have the same names where both have names.
        fps: the frame rate at which to compare; that of the files, which then must agree, if not given.
        protocol: how the hypotheses were made; it goes into the signature.
        formats: the known formats; those installed if not given.

    Raises:
        ValueError: files that can't be read or don't fit each other, or no pair.
    """
    formats = formats or PoseFormats()
    system, ceiling = _pose_metrics(), _pose_metrics()
    count, absent, rate = 0, [0, 0], fps
    for pair in pairs:
        references, hypotheses = formats.read(pair.reference), formats.read(pair.hypothesis)
        _check_clips(pair, references, hypotheses)
        for reference, hypothesis in zip(references, hypotheses, strict=True):
            if rate is None:
                rate = reference.fps
            if fps is None:
                _check_rate(rate, reference, hypothesis)
            true, made = _fitted(reference.resampled(rate), hypothesis.resampled(rate))
            _update(system, true, made)
            _update(ceiling, true, true)
            absent[0] += reference.absent
            absent[1] += hypothesis.absent
            count += 1
    if rate is None:
        raise ValueError("pairs must hold at least one pair, but holds none.")
    settings = {"n": str(count), "fps": f"{rate:g}", "units": "file", "absent": "linear", "protocol": protocol}
    return Report(_scores(system, ceiling, settings), count, (absent[0], absent[1]))


def score_videos(pairs: Iterable[Pair], *, protocol: Protocol = "free") -> Report:
    """Score videos: ``ssim``, frame by frame.

    Args:
        pairs: videos of the same size, length and frame rate.
        protocol: how the hypotheses were made; it goes into the signature.

    Raises:
        ValueError: files that can't be read or don't fit each other.
    """
    system, ceiling = SSIM(), SSIM()
    count, rates = 0, set()
    for pair in pairs:
        with open_video(pair.reference) as (rate, reference), open_video(pair.hypothesis) as (other, hypothesis):
            rates |= {rate, other}
            if len(rates) > 1:
                raise ValueError(f"videos must share their frame rate, but {pair.name} brings {_rates(rates)}.")
            try:
                system.update(reference, hypothesis)
            except ValueError as error:
                raise ValueError(f"{pair.name}: {error}") from error
        with open_video(pair.reference) as (_, once), open_video(pair.reference) as (_, again):
            ceiling.update(once, again)
        count += 1
    settings = {"n": str(count), "fps": _rates(rates), "protocol": protocol}
    return Report(_scores([system], [ceiling], settings), count)


def _pose_metrics() -> list[Metric]:
    return [DTW("mje"), DTW("pt"), TotalDistance(), Duration()]


def _update(metrics: list[Metric], reference: NDArray[np.float64], hypothesis: NDArray[np.float64]) -> None:
    for metric in metrics:
        if metric.name == "dtw_pt":
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


def _fitted(reference: PoseSequence, hypothesis: PoseSequence) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
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
    return reference.joints[:, known], hypothesis.joints[:, known]


def _rates(rates: set[float]) -> str:
    return " and ".join(f"{rate:g}" for rate in sorted(rates))


def _scores(
    system: list[Metric] | list[SSIM], ceiling: list[Metric] | list[SSIM], settings: dict[str, str]
) -> tuple[Score, ...]:
    return tuple(
        Score(metric.compute(), best.compute(), metric.ideal, metric.signature.extended(**settings))
        for metric, best in zip(system, ceiling, strict=True)
    )
