"""Some of a data set's frames, for quick runs."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from signdiff_core.training.frames import Frames

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class SomeFrames(Frames):
    """Frames spread over a data set.

    Args:
        frames: the data set.
        count: how many of its frames, at most.
    """

    def __init__(self, frames: Frames, count: int) -> None:
        self._frames, total = frames, len(frames)
        count = min(count, total)
        self._indices = [number * total // count for number in range(count)]
        self.root, self.frnet = frames.root, frames.frnet
        self.rows = [frames.rows[index] for index in self._indices]

    def joints(self, index: int) -> NDArray[np.float32]:
        """See `Frames.joints`."""
        return self._frames.joints(self._indices[index])

    def image(self, index: int, resolution: int) -> NDArray[np.uint8]:
        """See `Frames.image`."""
        return self._frames.image(self._indices[index], resolution)

    def fr_map(self, index: int, resolution: int) -> NDArray[np.uint8] | None:
        """See `Frames.fr_map`."""
        return self._frames.fr_map(self._indices[index], resolution)

    def neutral(self, index: int, resolution: int) -> NDArray[np.uint8] | None:
        """See `Frames.neutral`."""
        return self._frames.neutral(self._indices[index], resolution)

    def fingerprint(self) -> bytes:
        """See `Frames.fingerprint`."""
        return hashlib.sha256(self._frames.fingerprint() + str(len(self._indices)).encode()).digest()
