"""What a call gives once for a video, or once for each of its frames: embeddings, latents, generators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch


@dataclass(frozen=True)
class Rows:
    """One row for all frames, or one for each."""

    name: str
    """The argument, for errors."""

    count: int
    """How many rows were given."""

    def check(self, frames: int) -> None:
        """Make sure that a video of so many frames can be made of them.

        Raises:
            ValueError: there are several, and more or fewer than frames.
        """
        if self.count not in (1, frames):
            raise ValueError(f"{self._rule}, but {self.count} came for {frames} frame{'s' * (frames != 1)}.")

    def of(self, frame: int) -> int:
        """Tell a frame's row.

        Args:
            frame: number of the frame in the video; negative for a picture that is none.

        Raises:
            ValueError: there are fewer rows than frames.
        """
        if self.count != 1 and frame >= self.count:
            raise ValueError(f"{self._rule}, but {self.count} came for more frames.")
        return 0 if self.count == 1 else max(frame, 0)

    @property
    def _rule(self) -> str:
        return f"{self.name} must be one for all frames or one for each"


@dataclass(frozen=True)
class Embedding:
    """An encoded text or picture for all frames, or one for each."""

    values: torch.Tensor
    """(U, ...): every embedding once."""

    rows: Rows
    """For which frames they are."""

    chosen: Sequence[int]
    """For each row, which of the values it is."""

    def of(self, frames: Sequence[int]) -> torch.Tensor:
        """Give the embeddings of frames, (len(frames), ...).

        Raises:
            ValueError: there are fewer embeddings than frames.
        """
        places = [self.chosen[self.rows.of(frame)] for frame in frames]
        if self.rows.count == 1:
            return self.values[places[0]].expand(len(frames), *self.values.shape[1:])
        return self.values[places]
