"""Cross-fading the latents of the frames that two chunks share, after every denoising step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from signdiff_core.diffusion.steady.chunks import Chunk


class Blending:
    """Remembers how the last frames of a chunk were denoised, and leads the first frames of the next chunk along.

    Args:
        overlap: frames that neighbouring chunks share.
    """

    def __init__(self, overlap: int) -> None:
        self.overlap = overlap
        self._before: list[torch.Tensor] = []
        self._now: list[torch.Tensor] = []
        self._rows, self._shared = slice(0, 0), slice(0, 0)

    def begin(self, chunk: Chunk) -> None:
        """Turn to the next chunk."""
        self._before, self._now = self._now, []
        self._shared = slice(chunk.lead, chunk.lead + chunk.shared)
        last = chunk.frames.stop
        self._rows = slice(max(last - self.overlap, chunk.lead), last)

    def __call__(self, step: int, latents: torch.Tensor) -> torch.Tensor:
        """Blend after a step: the weight of the new chunk rises in equal parts over the shared frames.

        Args:
            step: of the denoising, from 0.
            latents: (B, C, h, w) of the chunk's rows.
        """
        count = self._shared.stop - self._shared.start
        if count:
            rising = torch.arange(1, count + 1, device=latents.device, dtype=latents.dtype)
            weight = (rising / (count + 1)).view(-1, 1, 1, 1)
            blended = torch.lerp(self._before[step], latents[self._shared], weight)
            latents = torch.cat([latents[: self._shared.start], blended, latents[self._shared.stop :]])
        self._now.append(latents[self._rows].clone())
        return latents
