"""Controls: what a score says of systems whose worth is known."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from signdiff_eval.readers import Pair

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from signdiff_eval.readers import PoseSequence

GROUND_TRUTH: Final = "ground truth"
FROZEN: Final = "frozen mean pose"
SHUFFLED: Final = "shuffled ground truth"

NAMES: Final = (GROUND_TRUTH, FROZEN, SHUFFLED)
"""What is compared with ``--controls``."""


def control_pairs(name: str, pairs: Sequence[Pair]) -> list[Pair]:
    """Pair each reference with what the control makes its hypothesis from."""
    paths = [pair.reference for pair in pairs]
    if name == SHUFFLED:
        paths = paths[1:] + paths[:1]
    return [Pair(pair.name, pair.reference, path) for pair, path in zip(pairs, paths, strict=True)]


def derivation(name: str) -> Callable[[list[PoseSequence]], list[PoseSequence]]:
    """Tell how a control changes the sequences of a file.

    A shuffle by one place is a permutation that leaves nothing where it was; within a file it is done to the sequences
    of the file.
    """
    return {GROUND_TRUTH: _kept, FROZEN: _frozen, SHUFFLED: _rotated}[name]


def _kept(sequences: list[PoseSequence]) -> list[PoseSequence]:
    return sequences


def _frozen(sequences: list[PoseSequence]) -> list[PoseSequence]:
    return [
        replace(sequence, joints=np.repeat(sequence.joints.mean(axis=0, keepdims=True), len(sequence.joints), axis=0))
        for sequence in sequences
    ]


def _rotated(sequences: list[PoseSequence]) -> list[PoseSequence]:
    return [*sequences[1:], *sequences[:1]]
