"""When the frames of a video are shown, and how far a constant frame rate is from that."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Timing:
    """The frame rate of a video, and how well it fits."""

    fps: float
    """Frames per second."""

    count: int
    """Number of frames; a guess, 0 where unknown."""

    drift: float = 0.0
    """Largest distance in seconds between when a frame is shown and when it would be at ``fps``."""

    @property
    def is_variable(self) -> bool:
        """Whether some frame would be shown a whole frame too early or too late."""
        return self.drift > 1 / self.fps


def constant_rate(times: Sequence[float], stated: float) -> Timing:
    """Choose the constant frame rate for frames.

    Args:
        times: when each is shown, in seconds, in any order.
        stated: frames per second that the file states; taken where it fits, or where times are missing.

    Returns:
        The rate: the stated one, or the average where that fits better and some frame would be a frame away.

    Example:
        >>> constant_rate([0.0, 0.5, 1.0, 1.5], 2).drift
        0.0
        >>> constant_rate([0.0, 0.125, 0.25, 1.5], 8)
        Timing(fps=2.0, count=4, drift=0.75)
    """
    shown = np.sort(np.asarray(times, float))
    if len(shown) < 2 or not np.isfinite(shown).all() or any(a == b for a, b in pairwise(shown)):
        return Timing(fps=stated, count=len(times))
    options = [
        Timing(fps=fps, count=len(times), drift=float(np.abs(shown - shown[0] - np.arange(len(shown)) / fps).max()))
        for fps in (stated, (len(shown) - 1) / float(shown[-1] - shown[0]))
    ]
    return min(options, key=lambda option: option.drift) if options[0].is_variable else options[0]
