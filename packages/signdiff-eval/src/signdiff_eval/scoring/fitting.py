"""What a pair must have in common, and the joints that are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from signdiff_eval.readers.pairs import order_of
from signdiff_eval.readers.rates import same_rate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from signdiff_eval.readers import Pair, PoseSequence


def partners(pair: Pair, references: list[PoseSequence], hypotheses: list[PoseSequence]) -> list[PoseSequence]:
    """Bring the sequences of a hypothesis' file into the order of those of its reference, by their names.

    Raises:
        ValueError: the files don't hold the same sequences.
    """
    try:
        order = order_of([sequence.clip for sequence in references], [sequence.clip for sequence in hypotheses])
    except ValueError as error:
        raise ValueError(f"{pair.reference} and {pair.hypothesis} {error}.") from error
    return [hypotheses[place] for place in order]


def check_rate(rate: float, *sequences: PoseSequence) -> None:
    """Make sure that sequences have a frame rate.

    Raises:
        ValueError: one has another.
    """
    for sequence in sequences:
        if not same_rate(sequence.fps, rate):
            raise ValueError(
                f"poses must share their frame rate, or fps must be given, but the first reference has {rate:.7g} "
                f"frames per second and {sequence.name} {sequence.fps:.7g}."
            )


def fitted(
    reference: PoseSequence, hypothesis: PoseSequence
) -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[str, ...]]:
    """Take the joints of a pair that its reference shows.

    Returns:
        The joints of the reference (T, J, C) and of the hypothesis (U, J, C), and their names.

    Raises:
        ValueError: the skeletons differ, the reference shows no joint, or the hypothesis lacks one of its joints.
    """
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
    return reference.joints[:, known], hypothesis.joints[:, known], skeleton
