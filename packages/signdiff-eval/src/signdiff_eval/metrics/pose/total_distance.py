"""Accumulates `signdiff_eval.functional.total_distance`."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from signdiff_eval.functional.pose.total_distance import total_distance_statistics
from signdiff_eval.metrics.metric import Metric

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike


class TotalDistance(Metric):
    """Path length that all hypotheses travel, relative to that of all references.

    Args:
        joints: indices of the joints to follow; all of them if not given.

    Example:
        >>> import numpy as np
        >>> reference = np.linspace(0, 1, 8).reshape(8, 1, 1) * np.ones((1, 50, 3))
        >>> metric = TotalDistance()
        >>> metric.update(reference, np.zeros((8, 50, 3)))
        >>> metric.compute()
        0.0
    """

    ideal: ClassVar[float] = 1.0

    def __init__(self, joints: Sequence[int] | None = None) -> None:
        super().__init__()
        self.joints = None if joints is None else tuple(joints)

    @property
    def name(self) -> str:
        """``total_distance``."""
        return "total_distance"

    @property
    def settings(self) -> tuple[tuple[str, str], ...]:
        """The joints, and that path lengths are summed over the corpus before they are divided."""
        joints = "all" if self.joints is None else ",".join(map(str, self.joints))
        return ("joints", joints), ("mean", "corpus")

    def update(self, reference: ArrayLike, hypothesis: ArrayLike) -> None:
        """Take in one pair: shapes and errors as for `signdiff_eval.functional.total_distance`.

        A reference that doesn't move is no error as long as another one does.
        """
        self._rows.append(total_distance_statistics(reference, hypothesis, joints=self.joints))
