"""What lies behind an avatar in place of its own background: nothing, a colour or a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Background = Literal["transparent"] | tuple[int, int, int] | NDArray[np.uint8] | str | Path | None
"""``"transparent"``, (r, g, b) of bytes, a picture (H, W, 3) uint8 RGB or the file of one; a name or ``#rrggbb`` of a
colour; None for the signer's own."""

_MAX_PIXELS: Final = 2**26
"""Pictures with more pixels are refused: they would take memory."""


class Backdrop:
    """A background for frames of a width and height.

    A picture is cut to their shape, from its middle, and resized. Raises ValueError for what is no background, OSError
    where a picture cannot be read.
    """

    def __init__(self, background: Background, *, width: int, height: int) -> None:
        self._is_transparent = isinstance(background, str) and background == "transparent"
        self._picture: NDArray[np.float32] | None = None
        if background is None or self._is_transparent:
            return
        picture = _pixels(background)
        if picture.shape[:2] != (1, 1):
            picture = _cut(picture, width, height)
        self._picture = picture.astype(np.float32)

    def behind(self, frame: NDArray[np.uint8], covered: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Put it behind a body that was drawn on black (on its own background where there is none to put).

        From (H, W, 3) uint8 RGB and the share of each pixel that the body covers, (H, W) uint8, comes (H, W, 3) RGB, or
        (H, W, 4) RGBA where the background is transparent.
        """
        if self._is_transparent:
            opacity = np.maximum(covered, 1).astype(np.float32)[..., None] / 255
            colours = np.minimum(np.rint(frame / opacity), 255).astype(np.uint8)
            return np.concatenate([np.where(covered[..., None] > 0, colours, 0), covered[..., None]], axis=-1)
        if self._picture is None:
            return frame
        free = (255 - covered).astype(np.float32)[..., None] / 255
        return np.minimum(np.rint(frame + free * self._picture), 255).astype(np.uint8)


def _pixels(background: object) -> NDArray[np.uint8]:
    """Read a colour as (1, 1, 3), or a picture as (H, W, 3)."""
    if isinstance(background, np.ndarray):
        if background.ndim != 3 or background.shape[2] != 3 or background.dtype != np.uint8 or not background.size:
            raise ValueError(
                f"background must be a picture (H, W, 3) uint8, but is {background.shape} {background.dtype}."
            )
        return background
    if isinstance(background, tuple | list):
        if len(background) != 3 or not all(isinstance(part, int) and 0 <= part <= 255 for part in background):
            raise ValueError(f"background must be a colour (r, g, b) of bytes from 0 to 255, but is {background!r}.")
        return np.array(background, dtype=np.uint8).reshape(1, 1, 3)
    if isinstance(background, str | Path):
        return _named(background)
    raise ValueError(f"background must be 'transparent', a colour or a picture, but is a {type(background).__name__}.")


def _named(background: str | Path) -> NDArray[np.uint8]:
    """Read the file of a picture, or a colour by its name or in hexadecimal digits."""
    from PIL import Image, ImageColor, UnidentifiedImageError

    if not Path(background).is_file():
        try:
            return np.array(ImageColor.getrgb(str(background))[:3], dtype=np.uint8).reshape(1, 1, 3)
        except ValueError as error:
            raise ValueError(
                f"background must be 'transparent', a colour such as 'navy' or '#102030', or the file of a picture, "
                f"but is {str(background)!r}."
            ) from error
    try:
        with Image.open(background) as picture:
            if picture.width * picture.height > _MAX_PIXELS:
                raise ValueError(
                    f"{background}: expected a picture of at most {_MAX_PIXELS:,} pixels, but it has {picture.width}x"
                    f"{picture.height}."
                )
            return np.asarray(picture.convert("RGB"))
    except (UnidentifiedImageError, Image.DecompressionBombError, SyntaxError) as error:
        raise ValueError(f"{background}: expected a picture, but it cannot be read as one.") from error


def _cut(picture: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    high, wide = picture.shape[:2]
    across, down = min(wide, max(1, round(high * width / height))), min(high, max(1, round(wide * height / width)))
    top, left = (high - down) // 2, (wide - across) // 2
    part = picture[top : top + down, left : left + across]
    shrinks = width < across
    return np.asarray(
        cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC), dtype=np.uint8
    )
