"""What a preparation does to every clip."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of a preparation. Two runs with equal settings and inputs write equal bytes.

    Attributes:
        fps: frames per second of the corpus.
        source_fps: of clips whose files do not tell, such as OpenPose JSON; How2Sign's are mostly 24.
        min_confidence: joints below it are taken as absent.
        fill: what absent joints become: "interpolate" in time, or the paper's "median".
        steps: of the lifting.
        smoothness: weight of the lifting's smoothness in time.
        device: a torch device for the lifting.
        mirror: whether clips whose left hand makes the most of the way are mirrored, so that every signer is
            right-handed.

    Raises:
        ValueError: a setting is out of its range.
    """

    fps: float = 25.0
    source_fps: float = 24.0
    min_confidence: float = 0.1
    fill: Literal["interpolate", "median"] = "interpolate"
    steps: int = 200
    smoothness: float = 0.01
    device: str = "cpu"
    mirror: bool = False

    def __post_init__(self) -> None:
        for name in ("fps", "source_fps"):
            rate = getattr(self, name)
            if not (math.isfinite(rate) and rate > 0):
                raise ValueError(f"{name} must be positive, but is {rate}.")
        if not 0 <= self.min_confidence <= 1:
            raise ValueError(f"min_confidence must be from 0 to 1, but is {self.min_confidence}.")
        if self.fill not in ("interpolate", "median"):
            raise ValueError(f"fill must be 'interpolate' or 'median', but is {self.fill!r}.")
        if self.steps < 1:
            raise ValueError(f"steps must be at least 1, but is {self.steps}.")
        if not self.smoothness >= 0:
            raise ValueError(f"smoothness must be at least 0, but is {self.smoothness}.")
