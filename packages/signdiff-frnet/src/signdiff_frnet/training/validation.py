"""How far a training run is: scores on held-out samples, and pictures of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
import torch

from signdiff_frnet.training.scores import boundary_f, stroke_iou
from signdiff_frnet.writing import write_image

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from signdiff_frnet.contract import UInt8Image
    from signdiff_frnet.training.batches import Batches
    from signdiff_frnet.training.network import StrokeUNet

PICTURED: Final = 6
THRESHOLDS: Final = (0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6)


@dataclass(frozen=True, kw_only=True)
class Validation:
    """What held-out samples say."""

    threshold: float
    """The probability among `THRESHOLDS` at which the strokes, without references, overlap the true ones best."""

    iou: float
    """Mean `stroke_iou` without references, at this threshold."""

    boundary_f: float
    """Mean `boundary_f` without references."""

    reference_iou: float
    """Mean `stroke_iou` with a reference of the same signer, where there is one."""

    reference_boundary_f: float
    """Mean `boundary_f` with a reference."""

    def numbers(self) -> dict[str, float]:
        """All of them, rounded for people."""
        return {name: round(value, 4) for name, value in vars(self).items()}


def validate(network: StrokeUNet, held_out: Batches, *, samples: int, device: torch.device) -> Validation:
    """Score a network on samples that are spread over the held-out data.

    Args:
        network: gives logits.
        held_out: the data.
        samples: how many.
        device: of the network.
    """
    side = held_out.config.resolutions[0]
    alone, guided, truths = [], [], []
    for index in spread(len(held_out.source), samples):
        truths.append(held_out.fr_map(index, side))
        alone.append(_predict(network, held_out.conditions(index, side, None), device))
        companions = held_out.source.companions(index)
        reference = companions[len(companions) // 2] if companions else None
        guided.append(_predict(network, held_out.conditions(index, side, reference), device))
    ious = [_mean_iou(alone, truths, threshold) for threshold in THRESHOLDS]
    best = int(np.argmax(ious))
    threshold = THRESHOLDS[best]
    return Validation(
        threshold=threshold,
        iou=ious[best],
        boundary_f=_mean_boundary(alone, truths, threshold),
        reference_iou=_mean_iou(guided, truths, threshold),
        reference_boundary_f=_mean_boundary(guided, truths, threshold),
    )


def picture(network: StrokeUNet, held_out: Batches, path: Path, *, samples: int, device: torch.device) -> None:
    """Write a PNG file with a row for each of some samples: drawing, chances, reference, chances with it, true map.

    Args:
        network: gives logits.
        held_out: the data.
        path: the file; its folder is made.
        samples: how many rows, at most `PICTURED`.
        device: of the network.
    """
    side, rows = held_out.config.resolutions[0], []
    for index in spread(len(held_out.source), min(samples, PICTURED)):
        companions = held_out.source.companions(index)
        reference = companions[len(companions) // 2] if companions else None
        guided = held_out.conditions(index, side, reference)
        alone = held_out.conditions(index, side, None)
        greys = [
            _as_map(_predict(network, alone, device)),
            guided[3],
            _as_map(_predict(network, guided, device)),
            held_out.fr_map(index, side),
        ]
        tiles = [guided[:3].transpose(1, 2, 0), *(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB) for grey in greys)]
        rows.append(np.concatenate(tiles, axis=1))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_image(path, np.concatenate(rows))


def spread(length: int, count: int) -> list[int]:
    """Choose samples that are spread over all of them.

    Example:
        >>> spread(10, 3)
        [0, 3, 6]
    """
    count = min(count, length)
    return [number * length // count for number in range(count)]


@torch.inference_mode()
def _predict(network: StrokeUNet, conditions: UInt8Image, device: torch.device) -> NDArray[np.float32]:
    blob = torch.from_numpy(conditions)[None].to(device).float() / 255
    chances: NDArray[np.float32] = network(blob).float().sigmoid()[0, 0].cpu().numpy()
    return chances


def _as_map(chances: NDArray[np.float32]) -> UInt8Image:
    return np.rint(255 * (1 - chances)).astype(np.uint8)


def _binary(chances: NDArray[np.float32], threshold: float) -> UInt8Image:
    return np.where(chances >= threshold, np.uint8(0), np.uint8(255))


def _mean_iou(made: list[NDArray[np.float32]], truths: list[UInt8Image], threshold: float) -> float:
    return float(np.mean([stroke_iou(_binary(a, threshold), b) for a, b in zip(made, truths, strict=True)]))


def _mean_boundary(made: list[NDArray[np.float32]], truths: list[UInt8Image], threshold: float) -> float:
    return float(np.mean([boundary_f(_binary(a, threshold), b) for a, b in zip(made, truths, strict=True)]))
