"""How near a predicted FR map is to the true one; scores and pictures of held-out samples."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from signdiff_core.training.kit.batches import spread
from signdiff_frnet.contract import UInt8Image
from signdiff_frnet.training.batches import Batches
from signdiff_frnet.training.network import StrokeUNet
from signdiff_frnet.writing import write_image


def stroke_iou(made: UInt8Image, truth: UInt8Image) -> float:
    """Intersection of the strokes, 0 in (H, W) uint8, over their union; 1 if neither map has a stroke.

    Example:
        >>> stroke_iou(np.array([[0, 0, 255]], np.uint8), np.array([[255, 0, 0]], np.uint8))
        0.3333333333333333
    """
    union = np.count_nonzero((made == 0) | (truth == 0))
    return float(np.count_nonzero((made == 0) & (truth == 0)) / union) if union else 1.0


def boundary_f(made: UInt8Image, truth: UInt8Image, *, tolerance: int = 2) -> float:
    """F-score of the strokes' outlines (Csurka et al. 2013, "What is a good evaluation measure for segmentation?").

    Precision is the share of the made outline that lies near the true one (within ``tolerance`` pixels along axes and
    diagonals); recall the other way round. Maps are (H, W) uint8, 0 on strokes; 1 if neither has one, 0 if only one
    has.

    Example:
        >>> truth = np.full((9, 9), 255, np.uint8)
        >>> truth[4:6, 4:6] = 0
        >>> boundary_f(np.roll(truth, 1, axis=1), truth)
        1.0
        >>> boundary_f(np.roll(truth, 3, axis=1), truth, tolerance=1)
        0.0
    """
    one, two = _outline(made), _outline(truth)
    if not one.any() or not two.any():
        return float(one.any() == two.any())
    precision = (_near(two, tolerance) & one).sum() / one.sum()
    recall = (_near(one, tolerance) & two).sum() / two.sum()
    return float(2 * precision * recall / (precision + recall)) if precision + recall else 0.0


def _outline(fr_map: UInt8Image) -> NDArray[np.bool_]:
    """Find the pixels of strokes that touch another pixel than a stroke's."""
    strokes = (fr_map == 0).astype(np.uint8)
    # What lies beyond the border continues it: a stroke that leaves the map has no outline there.
    inner = cv2.erode(strokes, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_REPLICATE)
    outline: NDArray[np.bool_] = (strokes == 1) & (inner == 0)
    return outline


def _near(outline: NDArray[np.bool_], tolerance: int) -> NDArray[np.bool_]:
    side = 2 * tolerance + 1
    wide = cv2.dilate(outline.astype(np.uint8), np.ones((side, side), np.uint8))
    near: NDArray[np.bool_] = np.equal(wide, 1)
    return near


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
    """Score a network on so many samples that are spread over the held-out data."""
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
    """Write a PNG file with a row for each of some samples: drawing, chances, reference, chances with it, true map."""
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
