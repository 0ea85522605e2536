"""A score that cannot be had without its ceiling and its signature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from signdiff_eval.signature import Signature


@dataclass(frozen=True, slots=True)
class Score:
    """What a report prints for one metric.

    Attributes:
        value: the system's score.
        ceiling: the same score, computed in the same way, with the reference in the hypothesis' place.
        ideal: the best possible value (0 for errors, 1 for ratios and similarities).
        signature: the settings that fix both.

    Example:
        >>> from signdiff_eval.signature import Signature
        >>> print(Score(0.25, 0.0, 0.0, Signature("dtw_mje", version="0.1.0")))
        dtw_mje|version:0.1.0 = 0.2500 (ceiling 0.0000)
    """

    value: float
    ceiling: float
    ideal: float
    signature: Signature

    def __str__(self) -> str:
        return f"{self.signature} = {self.value:.4f} (ceiling {self.ceiling:.4f})"
