"""Two streams out of one, without keeping more than their readers are apart."""

from __future__ import annotations

from itertools import tee
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from signdiff_core.diffusion.conditions import Conditions


def split(conditions: Iterable[Conditions]) -> tuple[Iterator[NDArray[np.uint8]], Iterator[NDArray[np.uint8]]]:
    """Separate drawings from FR maps.

    Args:
        conditions: frame by frame.

    Returns:
        The drawings and the maps. Read in step, as by `zip`, they hold one frame at a time.
    """
    left, right = tee(conditions)
    return (each.drawing for each in left), (each.fr_map for each in right)
