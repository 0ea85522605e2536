"""Single sequences of a comparison, read again to be shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from signdiff_eval.functional import align
from signdiff_eval.readers import PoseFormats
from signdiff_eval.reports.controls import NAMES, derivation
from signdiff_eval.scoring.fitting import partners

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from signdiff_eval.reports.compare import Comparison

MAX_FRAMES = 400
"""Longer sequences are shown with fewer frames."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A reference and a hypothesis, and how their frames are aligned.

    Attributes:
        reference: (T, J, C) joints.
        hypothesis: (U, J, C) joints.
        limbs: pairs of joints that a drawing connects.
        costs: (T, U) Euclidean distances of whole frames.
        path: (P, 2) aligned frames.
    """

    reference: NDArray[np.float64]
    hypothesis: NDArray[np.float64]
    limbs: tuple[tuple[int, int], ...]
    costs: NDArray[np.float64]
    path: NDArray[np.intp]


def show(comparison: Comparison, system: str, index: int, formats: PoseFormats | None = None) -> Shown:
    """Read a sequence again.

    Args:
        comparison: what was compared.
        system: one of its systems.
        index: of the sequence, as in the report's ``names``.
        formats: the known formats; those installed if not given.
    """
    from scipy.spatial.distance import cdist

    formats = formats or PoseFormats()
    seen = 0
    for pair in comparison.pairs[system]:
        references = formats.read(pair.reference)
        if index >= seen + len(references):
            seen += len(references)
            continue
        hypotheses = formats.read(pair.hypothesis)
        hypotheses = derivation(system)(hypotheses) if system in NAMES else partners(pair, references, hypotheses)
        reference, hypothesis = (
            references[index - seen],
            hypotheses[index - seen].resampled(references[index - seen].fps),
        )
        joints = [np.nan_to_num(_thinned(sequence.joints)) for sequence in (reference, hypothesis)]
        costs = cdist(*(part.reshape(len(part), -1) for part in joints))
        return Shown(joints[0], joints[1], reference.limbs, costs, align(costs)[1])
    raise IndexError(f"index must be one of {seen} sequences, but is {index}.")


def _thinned(joints: NDArray[np.float64]) -> NDArray[np.float64]:
    return joints[:: -(-len(joints) // MAX_FRAMES)]
