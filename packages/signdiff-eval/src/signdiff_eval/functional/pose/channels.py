"""Dynamic time warping of the body and of each hand on its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from signdiff_eval import _checks
from signdiff_eval.functional.pose.counter import with_counter
from signdiff_eval.functional.pose.dtw import DTWVariant, dtw

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike


def dtw_channels(
    reference: ArrayLike, hypothesis: ArrayLike, channels: Mapping[str, Sequence[int]], variant: DTWVariant = "mje"
) -> dict[str, float]:
    """Measure each part of the body as if there were nothing else, and all of it together.

    Args:
        reference: (T, J, C) joints; for ``pt``, the counter t / T is added.
        hypothesis: (U, J, C).
        channels: name to indices of joints, as `signdiff_eval.readers.channels_of` finds them.
        variant: as for `dtw`.

    Returns:
        The name of each channel, and ``all``, to its distance. The alignments are the channels' own.

    Raises:
        ValueError: a channel called ``all``, without joints or with one that isn't there, or as for `dtw`.

    Example:
        >>> import numpy as np
        >>> reference = np.zeros((4, 3, 2))
        >>> hypothesis = reference + [[0.0, 0.0], [0.0, 1.0], [0.0, 1.0]]
        >>> dtw_channels(reference, hypothesis, {"body": [0], "right_hand": [1, 2]})["right_hand"]
        1.0
    """
    reference = _checks.sequence("reference", reference, ndim=3, axes="(T, J, C)")
    hypothesis = _checks.sequence("hypothesis", hypothesis, ndim=3, axes="(T, J, C)")
    _checks.same_frame_shape(reference, hypothesis)
    count = reference.shape[1]
    for name, joints in channels.items():
        if name == "all" or not joints or min(joints) < 0 or max(joints) >= count:
            raise ValueError(
                f"channels must hold indices from 0 to {count - 1} under other names than 'all', "
                f"but hold {name!r}: {list(joints)}."
            )
    scores = {}
    for name, joints in {**channels, "all": range(count)}.items():
        true, made = reference[:, list(joints)], hypothesis[:, list(joints)]
        scores[name] = (
            dtw(with_counter(true), with_counter(made), "pt") if variant == "pt" else dtw(true, made, variant)
        )
    return scores
