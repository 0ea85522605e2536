"""How well a FR map survives what happens to a frame between the signer and the file."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields

import cv2
import numpy as np
from numpy.typing import NDArray

from signdiff_frnet.contract import UInt8Image
from signdiff_frnet.ops import frnet, to_grey
from signdiff_frnet.parameters import FRNetParameters


@dataclass(frozen=True, kw_only=True)
class Quality:
    """How one setting did; every field is a share between 0 and 1."""

    white: float
    """Pixels that are white in the map of the undisturbed frame."""

    noise_flips: float
    """Pixels that change their colour under sensor noise."""

    jpeg_flips: float
    """Pixels that change their colour when the frame goes through JPEG."""

    noise_same: float
    """Black pixels that both maps share under sensor noise, of those black in either (Jaccard index)."""

    jpeg_same: float
    """The same for JPEG."""

    on_edges: float
    """Pixels on the frame's strong edges that the map marks black; the edges are Canny's, from 100 to 200.

    A frame without edges counts as 1."""


def add_sensor_noise(grey: UInt8Image, *, sigma: float = 2.0, seed: int = 0) -> UInt8Image:
    """Disturb a frame as a camera's sensor does.

    Args:
        grey: (H, W) uint8.
        sigma: standard deviation of the noise, in grey levels.
        seed: of the random numbers.

    Returns:
        (H, W) uint8.
    """
    noise = np.random.default_rng(seed).normal(0.0, sigma, grey.shape)
    noisy: UInt8Image = np.rint(grey + noise).clip(0, 255).astype(np.uint8)
    return noisy


def compress(grey: UInt8Image, *, quality: int = 75) -> UInt8Image:
    """Send a frame through JPEG.

    Args:
        grey: (H, W) uint8.
        quality: of JPEG, 0 to 100.

    Returns:
        (H, W) uint8.
    """
    _, encoded = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE), dtype=np.uint8)


def assess(frames: Iterable[UInt8Image], settings: Sequence[FRNetParameters]) -> list[Quality]:
    """Judge settings on frames.

    Args:
        frames: (H, W, 3) RGB uint8 each, of any size; one is held at a time.
        settings: what to compare.

    Returns:
        One quality for each setting: the mean over the frames.

    Raises:
        ValueError: there are no frames.
    """
    scores = []
    for frame in frames:
        grey = to_grey(frame)
        disturbed = add_sensor_noise(grey), compress(grey)
        edges = cv2.Canny(grey, 100, 200) > 0
        scores.append([_assess_one(grey, *disturbed, edges, setting) for setting in settings])
    if not scores:
        raise ValueError("frames must hold at least one frame, but is empty.")
    return [Quality(**dict(zip(_names(), map(float, row), strict=True))) for row in np.mean(scores, axis=0)]


def _assess_one(
    grey: UInt8Image, noisy: UInt8Image, jpeg: UInt8Image, edges: NDArray[np.bool_], setting: FRNetParameters
) -> tuple[float, ...]:
    black, black_noisy, black_jpeg = (frnet(image, **asdict(setting)) == 0 for image in (grey, noisy, jpeg))
    return (
        1 - black.mean(),
        (black != black_noisy).mean(),
        (black != black_jpeg).mean(),
        _jaccard(black, black_noisy),
        _jaccard(black, black_jpeg),
        black[edges].mean() if edges.any() else 1.0,
    )


def _jaccard(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    union = int((a | b).sum())
    return int((a & b).sum()) / union if union else 1.0


def _names() -> list[str]:
    return [field.name for field in fields(Quality)]
