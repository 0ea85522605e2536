"""Frames and maps as files, to the byte the same for the same content."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from signdiff_core.prepare.clip import Sample
    from signdiff_core.prepare.gather import Clip
    from signdiff_core.prepare.settings import Settings


def encode_image(image: NDArray[np.uint8], settings: Settings) -> bytes:
    """Encode a frame, (H, W, 3) uint8 RGB, as the settings say.

    JPEG keeps colours as sharp as greys (4:4:4): hands are small.
    """
    if settings.image_format == "png":
        options = [cv2.IMWRITE_PNG_COMPRESSION, 1]
    else:
        sampling = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444
        options = [cv2.IMWRITE_JPEG_QUALITY, settings.quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling]
    return _encode(settings.suffix, image[..., ::-1], options)


def encode_map(fr_map: NDArray[np.uint8]) -> bytes:
    """Encode a map, (H, W) uint8 of 0 and 255, as PNG with one bit a pixel."""
    return _encode(".png", fr_map, [cv2.IMWRITE_PNG_BILEVEL, 1])


def encode_joints(joints: NDArray[np.float32]) -> bytes:
    """Encode joints, (50, 3), as ``.npy``."""
    file = io.BytesIO()
    np.lib.format.write_array(file, joints, allow_pickle=False)
    return file.getvalue()


def encode_row(sample: Sample, clip: Clip) -> bytes:
    """Encode what is known of a frame as JSON."""
    row = {"text": clip.text, "pose_id": clip.name, "frame": sample.frame}
    return json.dumps(row, ensure_ascii=False).encode()


def _encode(suffix: str, image: NDArray[np.uint8], options: list[int]) -> bytes:
    written, encoded = cv2.imencode(suffix, np.ascontiguousarray(image), options)
    if not written:
        raise ValueError(f"OpenCV cannot encode {suffix} images.")
    return encoded.tobytes()
