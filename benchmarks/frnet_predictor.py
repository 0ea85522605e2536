"""How near predicted FR maps are to those of the true frames, on signers and poses that were held out.

    python benchmarks/frnet_predictor.py --test_data_dir TEST [--model DIR] [--samples 320] [--picture PNG] [--json]

TEST is data of any form that the predictor's training takes: for the bundled predictor, frames of

    python -m signdiff_core.avatar.frames --poses POSES/test -o TEST --frames 320 --size 256 --seed 2

Truth is FR-Net of the true frame, with the parameters that the predictor was trained for. Rows: a blank map; the
drawing, dilated as FR-Net's erosion widens strokes; the map of another frame of the same signer, as it is (what the
predictor gets as its reference); the predictor without and with that reference; then the ceiling, the true map.
Columns: intersection over union of the strokes; F-score of their outlines within 2 pixels; both with 95% intervals of
2,000 bootstraps over clips, samples of one signer in one motion. A blank map has 0 and the true one 1, so each is a
share of that way. Frames per second are the predictor's own, on so many threads of OpenCV, one drawing at a time.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from intervals import interval

from signdiff_frnet import FRNetDetector, FRNetPredictor
from signdiff_frnet.training.scores import boundary_f, stroke_iou
from signdiff_frnet.training.sources import open_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from signdiff_frnet.training.sources import Source

    Map = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Score:
    """One row of the table."""

    name: str
    iou: float
    iou_interval: tuple[float, float]
    boundary_f: float
    boundary_f_interval: tuple[float, float]


class Maps:
    """Every kind of map of a sample.

    Args:
        source: the held-out data.
        predictor: what is measured.
    """

    def __init__(self, source: Source, predictor: FRNetPredictor) -> None:
        self.source, self.predictor, self.side = source, predictor, predictor.settings.resolution
        self._detector = FRNetDetector()

    def truth(self, index: int) -> Map:
        """Draw FR-Net's map of the true frame."""
        fr_map: Map = self._detector(
            self.source.frame(index, self.side),
            **asdict(self.predictor.settings.parameters),
            detect_resolution=self.predictor.settings.detect_resolution,
            image_resolution=self.side,
            output_type="np",
        )
        return fr_map[..., 0]

    def blank(self, _index: int) -> Map:
        """Draw nothing."""
        return np.full((self.side, self.side), 255, np.uint8)

    def drawing(self, index: int) -> Map:
        """Take the dilated drawing for strokes."""
        lines = (self.source.drawing(index, self.side).max(axis=2) > 0).astype(np.uint8)
        size = self.predictor.settings.parameters.kernel_size
        return np.where(cv2.dilate(lines, np.ones((size, size), np.uint8)) > 0, np.uint8(0), np.uint8(255))

    def reference(self, index: int) -> Map:
        """Take the map of another frame of the same signer; a blank one if there is none."""
        companions = self.source.companions(index)
        return self.truth(companions[len(companions) // 2]) if companions else self.blank(index)

    def alone(self, index: int) -> Map:
        """Predict from the drawing alone."""
        return self._predict(index, None)

    def guided(self, index: int) -> Map:
        """Predict with a reference."""
        return self._predict(index, self.reference(index) if self.source.companions(index) else None)

    def _predict(self, index: int, reference: Map | None) -> Map:
        chances = self.predictor.predict(self.source.drawing(index, self.side)[None], reference)[0]
        return np.where(chances >= self.predictor.settings.threshold, np.uint8(0), np.uint8(255))


def score(name: str, make: Callable[[int], Map], truths: dict[int, Map], source: Source) -> Score:
    """Score one kind of map on all samples; those of one signer in one clip are a group."""
    groups = [min([index, *source.companions(index)]) for index in truths]
    made = {index: make(index) for index in truths}
    ious = np.array([stroke_iou(made[index], truth) for index, truth in truths.items()])
    boundaries = np.array([boundary_f(made[index], truth) for index, truth in truths.items()])
    return Score(
        name=name,
        iou=float(ious.mean()),
        iou_interval=interval(ious.tolist(), groups),
        boundary_f=float(boundaries.mean()),
        boundary_f_interval=interval(boundaries.tolist(), groups),
    )


def compare(maps: Maps, indices: Iterable[int]) -> list[Score]:
    """Make the table's rows."""
    truths = {index: maps.truth(index) for index in indices}
    return [
        score("blank map", maps.blank, truths, maps.source),
        score("dilated drawing", maps.drawing, truths, maps.source),
        score("the reference itself", maps.reference, truths, maps.source),
        score("predictor", maps.alone, truths, maps.source),
        score("predictor with a reference", maps.guided, truths, maps.source),
        score("FR-Net of the true frame", truths.__getitem__, truths, maps.source),
    ]


def picture(maps: Maps, indices: Iterable[int], path: Path) -> None:
    """Show samples: frame, drawing, predicted map, reference, predicted map with it, true map."""
    lines = []
    for index in indices:
        greys = [maps.alone(index), maps.reference(index), maps.guided(index), maps.truth(index)]
        pictures = [maps.source.frame(index, maps.side), maps.source.drawing(index, maps.side)]
        pictures += [np.repeat(grey[..., None], 3, axis=2) for grey in greys]
        lines.append(np.concatenate(pictures, axis=1))
    cv2.imwrite(str(path), np.concatenate(lines)[..., ::-1])


def frames_per_second(maps: Maps, *, threads: int, frames: int = 50) -> float:
    """Time the predictor on single drawings: the median frame."""
    cv2.setNumThreads(threads)
    drawing = maps.source.drawing(0, maps.side)[None]
    seconds = []
    for _ in range(frames + 3):
        start = time.perf_counter()
        maps.predictor.predict(drawing)
        seconds.append(time.perf_counter() - start)
    return float(1 / np.median(seconds[3:]))


def table(scores: list[Score]) -> str:
    """Lay the rows out for people."""
    lines = [f"{'':28}{'IoU':>8}{'95%':>18}{'boundary F':>14}{'95%':>18}"]
    for row in scores:
        low, high = (f"{bound:.3f}" for bound in row.iou_interval)
        low_f, high_f = (f"{bound:.3f}" for bound in row.boundary_f_interval)
        lines.append(
            f"{row.name:28}{row.iou:8.3f}{low + ' - ' + high:>18}{row.boundary_f:14.3f}{low_f + ' - ' + high_f:>18}"
        )
    return "\n".join(lines)


def main() -> int:
    """Run the benchmark; see the module's docstring."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--test_data_dir", type=Path, required=True, help="held-out data")
    parser.add_argument("--model", default=None, help="predictor's folder or name; the bundled one if not given")
    parser.add_argument("--samples", type=int, default=320, help="how many samples, spread over the data")
    parser.add_argument("--threads", type=int, default=2, help="of OpenCV, for the frames per second")
    parser.add_argument("--picture", type=Path, default=None, help="PNG file to show six samples in")
    parser.add_argument("--json", action="store_true", help="print for machines")
    arguments = parser.parse_args()
    try:
        maps = Maps(open_folder(arguments.test_data_dir), FRNetPredictor.from_pretrained(arguments.model))
    except (ImportError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    count = max(1, min(arguments.samples, len(maps.source)))
    indices = [number * len(maps.source) // count for number in range(count)]
    rows = compare(maps, indices)
    if arguments.picture is not None:
        picture(maps, indices[:: max(1, count // 6)][:6], arguments.picture)
    speed = frames_per_second(maps, threads=arguments.threads)
    if arguments.json:
        facts = {"samples": count, "side": maps.side, "threads": arguments.threads, "frames_per_second": speed}
        print(json.dumps({**facts, "rows": [asdict(row) for row in rows]}, indent=2))
    else:
        print(table(rows))
        print(f"{count} samples of {maps.side}x{maps.side}; {speed:.1f} frames a second on {arguments.threads} threads")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
