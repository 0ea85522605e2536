"""How `SignDiffPipeline.stream` renders a video, beside what diffusers' pipeline is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from signdiff_core.diffusion.steady.chunks import Chunking

if TYPE_CHECKING:
    from signdiff_core.diffusion.frmap import FRMapper
    from signdiff_core.diffusion.images import Frame


@dataclass(frozen=True, kw_only=True)
class StreamOptions:
    """Options of `SignDiffPipeline.stream`, where they are described.

    Raises:
        ValueError: a number is out of range.
    """

    chunk_size: int = 8
    anchor: bool | Frame = False
    overlap: int = 0
    pad_chunks: bool = False
    cache_interval: int = 1
    cache_depth: int = 1
    start: int = 0
    condition_weights: tuple[float, ...] | None = None
    """Weights of c and d where one ControlNet takes both."""

    frnet: FRMapper | None = None

    def __post_init__(self) -> None:
        if self.chunk_size < 1:
            raise ValueError(f"chunk_size must be at least 1, but is {self.chunk_size}.")
        if self.start < 0:
            raise ValueError(f"start must be at least 0, but is {self.start}.")

    @property
    def has_picture(self) -> bool:
        """Whether the anchor is a picture from outside the video."""
        return not isinstance(self.anchor, bool)

    @property
    def chunking(self) -> Chunking:
        """How the video is cut."""
        return Chunking(
            size=self.chunk_size,
            overlap=self.overlap,
            anchored=self.anchor is True,
            reference=self.has_picture,
            pad=self.pad_chunks,
        )

    @property
    def beginning(self) -> int:
        """The first frame that is rendered."""
        return self.chunking.beginning(self.start)

    @property
    def keeps_first(self) -> bool:
        """Whether the video's first frame is needed although rendering begins later."""
        return self.anchor is True and self.beginning > 0
