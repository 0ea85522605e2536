"""Cutting a video into the batches in which it is rendered."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from signdiff_core.diffusion.conditions import Conditions

if TYPE_CHECKING:
    from collections.abc import Iterator

Row = tuple[int, Conditions]
"""Number and conditions of a frame."""


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """One batch."""

    rows: list[Row]
    """What is rendered; may be replaced in place, and what is carried over to the next chunk is taken from here."""

    lead: int = 0
    """Rows at the front that are no frames of this chunk: the anchor."""

    shared: int = 0
    """Rows after them with which the chunk before ended."""

    padding: int = 0
    """Rows at the end that only fill the batch up."""

    @property
    def frames(self) -> slice:
        """The rows that are frames of the video."""
        return slice(self.lead, len(self.rows) - self.padding)


@dataclass(frozen=True, kw_only=True)
class Chunking:
    """How a video is cut.

    Raises:
        ValueError: nothing new fits into a chunk.
    """

    size: int
    """Rows of a batch, everything counted."""

    overlap: int = 0
    """Frames that a chunk shares with the one before."""

    anchored: bool = False
    """The first row of every chunk but the first is the video's first frame."""

    reference: bool = False
    """The first row of every chunk is a picture from outside the video."""

    pad: bool = False
    """Fill the last chunk up, so that all batches have one shape."""

    def __post_init__(self) -> None:
        if self.overlap < 0:
            raise ValueError(f"overlap must be at least 0, but is {self.overlap}.")
        least = 1 + self.overlap + int(self.anchored or self.reference)
        if self.size < least:
            raise ValueError(
                f"chunk_size must be at least {least}, for a new frame beside overlap and anchor, but is {self.size}."
            )

    def beginning(self, start: int) -> int:
        """Tell where rendering begins for a frame to come out as in a rendering of the whole video.

        Args:
            start: the frame.

        Returns:
            The first frame of its chunk; with an overlap, of the chunk before.

        Example:
            >>> Chunking(size=8).beginning(20), Chunking(size=8, anchored=True).beginning(20)
            (16, 15)
        """
        first = self.size - int(self.reference)
        step = self.size - int(self.reference or self.anchored) - self.overlap
        number = 0 if start < first - self.overlap else 1 + (start - first + self.overlap) // step
        if self.overlap:
            number -= 1
        return 0 if number <= 0 else first + (number - 1) * step - self.overlap

    def cut(self, frames: Iterator[Row], lead: Row | None = None) -> Iterator[Chunk]:
        """Cut a video; never more than one chunk is read.

        Args:
            frames: the video's frames in order.
            lead: the anchor, where it is not the first of ``frames``.
        """
        front: list[Row] = [] if lead is None else [lead]
        tail: list[Row] = []
        while new := list(islice(frames, self.size - len(front) - len(tail))):
            rows = front + tail + new
            padding = self.size - len(rows) if self.pad else 0
            chunk = Chunk(rows=rows + rows[-1:] * padding, lead=len(front), shared=len(tail), padding=padding)
            yield chunk
            frames_of_it = chunk.rows[chunk.frames]
            tail = frames_of_it[len(frames_of_it) - self.overlap :]
            if self.anchored and not front:
                front = frames_of_it[:1]
