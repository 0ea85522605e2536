"""Accumulates `signdiff_eval.functional.dtw`."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from signdiff_eval.functional.pose.dtw import VARIANTS, DTWVariant, dtw_statistics
from signdiff_eval.metrics.metric import Metric

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


class DTW(Metric):
    """Dynamic time warping distance over a corpus.

    ``pt`` averages the pairs' distances; ``mje`` averages over the aligned frames of all pairs, as the SLRTP 2025
    challenge does, so long sequences weigh more.

    Args:
        variant: as for `signdiff_eval.functional.dtw`.
        drop_bos: likewise.

    Raises:
        ValueError: an unknown variant, or ``drop_bos`` with another one than ``pt``.

    Example:
        >>> import numpy as np
        >>> metric = DTW("mje")
        >>> metric.update(np.zeros((4, 50, 3)), np.zeros((5, 50, 3)))
        >>> metric.compute()
        0.0
        >>> print(metric.signature)  # doctest: +ELLIPSIS
        dtw_mje|align:exact|cost:l2-frame|mean:path|version:...
    """

    ideal: ClassVar[float] = 0.0

    def __init__(self, variant: DTWVariant = "mje", *, drop_bos: bool = False) -> None:
        if variant not in VARIANTS:
            raise ValueError(f"variant must be one of {', '.join(VARIANTS)}, but is {variant!r}.")
        if drop_bos and variant != "pt":
            raise ValueError("drop_bos must be False with variant 'mje', whose sequences carry no begin frame.")
        super().__init__()
        self.variant = variant
        self.drop_bos = drop_bos

    @property
    def name(self) -> str:
        """``dtw_pt`` or ``dtw_mje``."""
        return f"dtw_{self.variant}"

    @property
    def settings(self) -> tuple[tuple[str, str], ...]:
        """The alignment, its cost, what is averaged, and whether a begin frame is dropped."""
        if self.variant == "pt":
            return ("align", "exact"), ("cost", "l1"), ("mean", "pair"), ("bos", "drop" if self.drop_bos else "none")
        return ("align", "exact"), ("cost", "l2-frame"), ("mean", "path")

    def update(self, reference: ArrayLike, hypothesis: ArrayLike) -> None:
        """Take in one pair: shapes and errors as for `signdiff_eval.functional.dtw`."""
        self._rows.append(dtw_statistics(reference, hypothesis, self.variant, self.drop_bos))
