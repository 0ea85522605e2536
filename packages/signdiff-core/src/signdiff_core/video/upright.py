"""Which way up a frame is shown: cameras store frames as the sensor saw them, and write a rotation beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def quarter_turns(frame: Any) -> int:
    """Tell how many quarters of a circle a frame is turned, counter-clockwise, to be shown, 0 to 3.

    Other angles are passed over, as OpenCV passes them over.

    Args:
        frame: PyAV's, decoded.
    """
    turns, rest = divmod(int(frame.rotation), 90)
    return 0 if rest else turns % 4


def upright(frame: Any) -> NDArray[np.uint8]:
    """Give a decoded frame of PyAV as it is to be seen, (H, W, 3) uint8 RGB."""
    picture: NDArray[np.uint8] = frame.to_ndarray(format="rgb24")
    turns = quarter_turns(frame)
    return np.ascontiguousarray(np.rot90(picture, turns)) if turns else picture
