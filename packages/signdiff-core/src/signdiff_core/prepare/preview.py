"""A look at a set: frames with the drawings of their joints laid over them, and FR maps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from signdiff_core.drawing import draw
from signdiff_core.prepare.files import PREVIEW

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_SIDE: Final = 256
_COLUMNS: Final = 6


def write_preview(root: Path) -> None:
    """Write ``preview.png`` of a set: six frames, spread over it.

    From the top: the frame, the frame under the drawing, the map.

    Args:
        root: the set's folder.
    """
    from signdiff_core.training.frames import open_frames

    frames = open_frames(root)
    count = min(_COLUMNS, len(frames))
    columns = []
    for index in ((2 * number + 1) * len(frames) // (2 * count) for number in range(count)):
        image = frames.image(index, _SIDE)
        fr_map = frames.fr_map(index, _SIDE)
        under = overlay(image, frames.joints(index))
        columns.append(np.concatenate([image, under, np.repeat(np.asarray(fr_map)[..., None], 3, axis=2)]))
    sheet = np.concatenate(columns, axis=1)
    (root / PREVIEW).write_bytes(cv2.imencode(".png", np.ascontiguousarray(sheet[..., ::-1]))[1].tobytes())


def overlay(image: NDArray[np.uint8], joints: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Lay the drawing of joints over a frame.

    Args:
        image: (S, S, 3) uint8.
        joints: (50, 3) normalised; NaN where absent.

    Returns:
        (S, S, 3) uint8.
    """
    present = np.asarray(np.isfinite(joints).all(axis=1), dtype=np.float32)
    drawing = draw(joints, present, size=len(image))
    shown = drawing.any(axis=2, keepdims=True)
    return np.where(shown, image // 3 + drawing // 3 * 2, image)
