"""Where the signer stands in a training sample: drawing and frame, moved and scaled together."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Self

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from signdiff_frnet.contract import UInt8Image


class Framing(NamedTuple):
    """A change of scale about the middle, and a shift.

    Frames of one source are framed alike; other people's are not, and a predictor that saw one framing only would
    know no other.
    """

    matrix: NDArray[np.float64]
    """(2, 3), from pixels of the source to pixels of the sample."""

    @classmethod
    def draw(
        cls, rng: np.random.Generator, side: int, *, scale: tuple[float, float], translate: tuple[float, float]
    ) -> Self:
        """Draw one at random; the ranges mean what they mean to torchvision's ``RandomAffine``.

        Args:
            rng: the source of randomness.
            side: of the square image, in pixels.
            scale: least and largest factor, all ratios alike.
            translate: largest shift to either side, horizontal and vertical, as a share of the side.
        """
        factor = float(np.exp(rng.uniform(*np.log(scale))))
        shift = rng.uniform(-1, 1, size=2) * translate * side
        middle = (side - 1) / 2
        return cls(
            np.array([[factor, 0, middle * (1 - factor) + shift[0]], [0, factor, middle * (1 - factor) + shift[1]]])
        )

    def of_frame(self, frame: UInt8Image) -> UInt8Image:
        """Move a frame (S, S, 3); what comes in from outside repeats its border."""
        return self._warp(frame, cv2.BORDER_REPLICATE)

    def of_drawing(self, drawing: UInt8Image) -> UInt8Image:
        """Move a drawing (S, S, 3) on black."""
        return self._warp(drawing, cv2.BORDER_CONSTANT)

    def _warp(self, image: UInt8Image, border: int) -> UInt8Image:
        warped: UInt8Image = cv2.warpAffine(
            image, self.matrix, (image.shape[1], image.shape[0]), flags=cv2.INTER_LINEAR, borderMode=border
        )
        return warped
