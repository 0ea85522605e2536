"""Dynamic time warping of the body and of each hand on its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from signdiff_eval import _checks
from signdiff_eval.functional.pose.counter import with_counter
from signdiff_eval.functional.pose.dtw import DTWVariant, dtw

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    if not isinstance(channels, Mapping):
        raise TypeError(f"channels must map names to indices of joints, but is {type(channels).__name__}.")
    if "all" in channels:
        raise ValueError("channels must have other names than 'all', which is what they are together, but one has it.")
    chosen = {name: _checks.joints(f"channels[{name!r}]", joints, count) for name, joints in channels.items()}
    scores = {}
    for name, joints in {**chosen, "all": list(range(count))}.items():
        true, made = reference[:, joints], hypothesis[:, joints]
        scores[name] = (
            dtw(with_counter(true), with_counter(made), "pt") if variant == "pt" else dtw(true, made, variant)
        )
    return scores
