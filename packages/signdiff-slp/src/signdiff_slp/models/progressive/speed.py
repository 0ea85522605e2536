"""Another speed for frames that are decoded."""

from __future__ import annotations

import torch
from torch import Tensor


def retimed(frames: Tensor, speed: float) -> Tensor:
    """Interpolate frames linearly in time.

    Args:
        frames: (T, D).
        speed: 2 makes half as many frames, 0.5 twice as many.

    Returns:
        (T / speed, D), rounded, at least one frame. The last frame stays the last; of more than one, the first too.

    >>> retimed(torch.tensor([[0.0], [1.0], [2.0], [3.0], [4.0]]), 2.0).flatten().tolist()
    [0.0, 4.0]
    """
    count = max(1, round(len(frames) / speed))
    if count == 1 or len(frames) == 1:
        return frames[-1:].expand(count, -1)
    places = torch.linspace(0, len(frames) - 1, count, device=frames.device, dtype=frames.dtype)
    left = places.long().clamp(max=len(frames) - 2)
    share = (places - left).unsqueeze(1)
    return torch.lerp(frames[left], frames[left + 1], share)
