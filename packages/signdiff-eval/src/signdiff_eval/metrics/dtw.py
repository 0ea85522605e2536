"""Accumulates `signdiff_eval.functional.dtw`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from numpy.typing import ArrayLike

from signdiff_eval.functional.dtw import VARIANTS, DTWVariant, dtw_rows, dtw_statistics
from signdiff_eval.metrics.metric import Metric


class DTW(Metric):
    """Dynamic time warping distance over a corpus.

    ``pt`` averages the pairs' distances; ``mje`` and ``pjpe`` average over the aligned frames of all pairs, as the
    SLRTP 2025 challenge does, so long sequences weigh more.

    Args:
        variant: as for `signdiff_eval.functional.dtw`.
        drop_bos: likewise.
        channel: what part of the body the pairs show, such as ``left_hand``; it goes into the name. All of it if empty.

    Raises:
        ValueError: an unknown variant, or ``drop_bos`` with another one than ``pt``.

    Example:
        >>> import numpy as np
        >>> metric = DTW("mje")
        >>> metric.update(np.zeros((5, 50, 3)), np.zeros((4, 50, 3)))
        >>> metric.compute()
        0.0
        >>> print(metric.signature)  # doctest: +ELLIPSIS
        dtw_mje|align:exact|cost:l2-frame|mean:path|version:...
    """

    ideal: ClassVar[float] = 0.0

    def __init__(self, variant: DTWVariant = "mje", *, drop_bos: bool = False, channel: str = "") -> None:
        if variant not in VARIANTS:
            raise ValueError(f"variant must be one of {', '.join(VARIANTS)}, but is {variant!r}.")
        if drop_bos and variant != "pt":
            raise ValueError(f"drop_bos must be False with variant {variant!r}, whose sequences carry no begin frame.")
        super().__init__()
        self.variant = variant
        self.drop_bos = drop_bos
        self.channel = channel

    @property
    def name(self) -> str:
        """``dtw_pt``, ``dtw_mje`` or ``dtw_pjpe``, with the channel behind it if there is one."""
        return f"dtw_{self.variant}" + (f"_{self.channel}" if self.channel else "")

    @property
    def settings(self) -> tuple[tuple[str, str], ...]:
        """The alignment, its cost, what is averaged, and whether a begin frame is dropped."""
        if self.variant == "pt":
            return ("align", "exact"), ("cost", "l1"), ("mean", "pair"), ("bos", "drop" if self.drop_bos else "none")
        return ("align", "exact"), ("cost", "l2-frame" if self.variant == "mje" else "l2-joint"), ("mean", "path")

    def update(self, hypothesis: ArrayLike, reference: ArrayLike) -> None:
        """Take in one pair: shapes and errors as for `signdiff_eval.functional.dtw`."""
        self._rows.append(dtw_statistics(hypothesis, reference, self.variant, self.drop_bos))

    def update_batch(
        self, hypotheses: Sequence[ArrayLike], references: Sequence[ArrayLike], *, workers: int | None = None
    ) -> None:
        """Take in many pairs, on all cores: arguments and errors as for `signdiff_eval.functional.dtw_batch`."""
        self._rows += dtw_rows(hypotheses, references, self.variant, self.drop_bos, workers=workers)
