"""Accumulates `signdiff_eval.functional.dtw`."""

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from signdiff_eval.functional.dtw import VARIANTS, DTWVariant, dtw_rows, dtw_statistics, with_counter
from signdiff_eval.metrics.metric import PoseMetric
from signdiff_eval.readers.poses import channels_of
from signdiff_eval.signature import Signature


class DTW(PoseMetric):
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

    @classmethod
    def suite(cls, **options: Any) -> list[Self]:
        """``mje`` of all joints and of each part of the body, ``pjpe`` and ``pt``."""
        channels = [cls("mje", channel=channel) for channel in ("body", "left_hand", "right_hand", "face")]
        return [cls("mje"), *channels, cls("pjpe"), cls("pt")]

    @classmethod
    def of_signature(cls, signature: Signature) -> Self | None:
        """Take the variant, a ValueError if there is none such, and the channel from the name."""
        if not signature.name.startswith("dtw_"):
            return None
        _, variant, *channel = signature.name.split("_", 2)
        if variant not in VARIANTS:
            raise ValueError(
                f"signature must name a DTW variant of {', '.join(VARIANTS)}, but names {signature.name!r}."
            )
        known: Any = variant
        return cls(known, drop_bos=dict(signature.settings).get("bos") == "drop", channel="".join(channel))

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

    def row_of(self, hypothesis: ArrayLike, reference: ArrayLike) -> tuple[float, ...]:
        """Compute distance and weight: shapes and errors as for `signdiff_eval.functional.dtw`."""
        return dtw_statistics(hypothesis, reference, self.variant, self.drop_bos)

    def update_named(
        self, hypothesis: NDArray[np.float64], reference: NDArray[np.float64], skeleton: Sequence[str]
    ) -> None:
        """Take in one pair: of a channel its joints alone, for ``pt`` with the counter t / T."""
        if self.channel:
            channels = channels_of(skeleton)
            joints = channels.get(self.channel, []) if len(channels) > 1 else []
            if not joints:  # nothing to add up, but a row, so that the metrics' rows stay those of the same pairs
                self._rows.append((0.0, 0.0))
                return
            hypothesis, reference = hypothesis[:, joints], reference[:, joints]
        if self.variant == "pt":
            hypothesis, reference = with_counter(hypothesis), with_counter(reference)
        self.update(hypothesis, reference)

    def update_batch(
        self, hypotheses: Sequence[ArrayLike], references: Sequence[ArrayLike], *, workers: int | None = None
    ) -> None:
        """Take in many pairs, on all cores: arguments and errors as for `signdiff_eval.functional.dtw_batch`."""
        self._rows += dtw_rows(hypotheses, references, self.variant, self.drop_bos, workers=workers)
