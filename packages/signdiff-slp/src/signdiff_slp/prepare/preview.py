"""A sheet of random clips, to see with one's own eyes what was prepared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from signdiff_core.drawing import draw

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MOMENTS: Final = 8
"""Frames of a clip that a sheet shows."""

_SIDE: Final = 144
_CAPTION: Final = 18


def preview_sheet(clips: Sequence[tuple[str, NDArray[np.floating]]], *, side: int = _SIDE) -> NDArray[np.uint8]:
    """Draw clips, two rows each: as the camera sees the signer, and from the signer's left, the camera on the right.

    The second row shows depth: hands before the body are to the right of it.

    Args:
        clips: captions, and (T, 50, 3) normalised coordinates.
        side: of one drawing, in pixels.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        ValueError: there is no clip.
    """
    if not clips:
        raise ValueError("clips must hold at least one, but hold none.")
    return np.concatenate([_clip(caption, joints, side) for caption, joints in clips])


def _clip(caption: str, joints: NDArray[np.floating], side: int) -> NDArray[np.uint8]:
    moments = joints[np.linspace(0, len(joints) - 1, MOMENTS).round().astype(int)]
    rows = [
        np.concatenate([draw(frame, size=side) for frame in turned], axis=1) for turned in (moments, _side(moments))
    ]
    title = np.zeros((_CAPTION, rows[0].shape[1], 3), dtype=np.uint8)
    # OpenCV's letters are those of ASCII.
    shown = caption.encode("ascii", "replace").decode()
    cv2.putText(title, shown, (4, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255, 255, 255), 1, cv2.LINE_AA)
    return np.concatenate([title, *rows])


def _side(joints: NDArray[np.floating]) -> NDArray[np.floating]:
    """Turn by a quarter: what was towards the viewer, at negative z, is to the right."""
    return np.stack([-joints[..., 2], joints[..., 1], joints[..., 0]], axis=-1)
