"""Accumulates `signdiff_eval.functional.total_distance` and `signdiff_eval.functional.duration`."""

import re
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from signdiff_eval import _checks
from signdiff_eval.functional.movement import duration, total_distance_statistics
from signdiff_eval.metrics.metric import PoseMetric
from signdiff_eval.readers.poses import wrists_of
from signdiff_eval.signature import Signature


class TotalDistance(PoseMetric):
    """Path length that all hypotheses travel, relative to that of all references.

    Args:
        joints: indices of the joints to follow; all of them if not given.

    Example:
        >>> import numpy as np
        >>> reference = np.linspace(0, 1, 8).reshape(8, 1, 1) * np.ones((1, 50, 3))
        >>> metric = TotalDistance()
        >>> metric.update(np.zeros((8, 50, 3)), reference)
        >>> metric.compute()
        0.0
    """

    ideal: ClassVar[float] = 1.0
    name = "total_distance"

    def __init__(self, joints: Sequence[int] | None = None) -> None:
        super().__init__()
        self.joints = None if joints is None else tuple(joints)

    @classmethod
    def of_signature(cls, signature: Signature) -> Self | None:
        """Take the joints from the settings; a ValueError if they aren't numbers."""
        joints = dict(signature.settings).get("joints", "all")
        if signature.name != "total_distance" or joints == "wrists":
            return None
        if joints != "all" and not re.fullmatch(r"\d{1,6}(,\d{1,6})*", joints):
            raise ValueError(f"signature must name joints by their numbers, but names {joints!r}.")
        return cls(None if joints == "all" else [int(joint) for joint in joints.split(",")])

    @property
    def settings(self) -> tuple[tuple[str, str], ...]:
        """The joints, and that path lengths are summed over the corpus before they are divided."""
        joints = "all" if self.joints is None else ",".join(map(str, self.joints))
        return ("joints", joints), ("mean", "corpus")

    def row_of(self, hypothesis: ArrayLike, reference: ArrayLike) -> tuple[float, ...]:
        """Measure both paths, as `signdiff_eval.functional.total_distance` does; here a reference may stand still."""
        return total_distance_statistics(hypothesis, reference, joints=self.joints)


class WristDistance(PoseMetric):
    """Path length of each wrist relative to the reference's, summed over the corpus, then the mean of the two wrists.

    It is `TotalDistance` of one wrist at a time. The challenge calls it ``total_distance``.

    Example:
        >>> import numpy as np
        >>> reference = np.linspace(0, 1, 8).reshape(8, 1, 1) * np.ones((1, 2, 3))
        >>> metric = WristDistance()
        >>> metric.update(reference * [[1.0], [0.5]], reference)
        >>> round(metric.compute(), 6)
        0.75
    """

    ideal: ClassVar[float] = 1.0
    name = "total_distance"
    settings = (("joints", "wrists"), ("mean", "corpus,wrists"))
    columns: ClassVar[int] = 4

    @classmethod
    def suite(cls, **options: Any) -> list[Self]:
        """None: it is the challenge's, and has the name of `TotalDistance`."""
        return []

    @classmethod
    def of_signature(cls, signature: Signature) -> Self | None:
        """Know the signature by its joints."""
        wrists = ("joints", "wrists") in signature.settings
        return cls() if wrists and signature.name == "total_distance" else None

    def row_of(self, hypothesis: ArrayLike, reference: ArrayLike) -> tuple[float, ...]:
        """Measure the paths of one wrist, then of the other, in (U, 2, C) and (T, 2, C); a ValueError for others."""
        reference = _checks.sequence("reference", reference, ndim=3, axes="(T, 2, C)")
        if reference.shape[1] != 2:
            raise ValueError(f"reference must have the shape (T, 2, C), but has {reference.shape}.")
        left, right = (total_distance_statistics(hypothesis, reference, joints=[wrist]) for wrist in (0, 1))
        return *left, *right

    def update_named(
        self, hypothesis: NDArray[np.float64], reference: NDArray[np.float64], skeleton: Sequence[str]
    ) -> None:
        """Take in the wrists of one pair."""
        wrists = list(wrists_of(skeleton))
        self.update(hypothesis[:, wrists], reference[:, wrists])

    def score_of(self, statistics: NDArray[np.float64]) -> float:
        """Average the ratios of both wrists, two columns each; a ValueError if one of the references never moves."""
        return (super().score_of(statistics[:, :2]) + super().score_of(statistics[:, 2:])) / 2


class Duration(PoseMetric):
    """Mean over pairs of the hypothesis' length relative to the reference's.

    Example:
        >>> import numpy as np
        >>> metric = Duration()
        >>> for frames in (3, 5):
        ...     metric.update(np.zeros((frames, 50, 3)), np.zeros((4, 50, 3)))
        >>> metric.compute()
        1.0
    """

    ideal: ClassVar[float] = 1.0
    name = "avg_duration"
    settings = (("mean", "pair"),)

    def row_of(self, hypothesis: ArrayLike, reference: ArrayLike) -> tuple[float, ...]:
        """Divide the lengths: shapes and errors as for `signdiff_eval.functional.duration`; the 1 counts pairs."""
        return duration(hypothesis, reference), 1.0
