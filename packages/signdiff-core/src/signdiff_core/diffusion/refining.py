"""The second pass: hands and face of rendered frames, drawn again at the scale of the frame that is seen.

A pipeline with a `DetailModel` renders coarse frames, which are enlarged; in windows that follow hands and face, the
network then draws what their size could not hold. One without renders frames as they are seen, and its own networks
draw the windows again, enlarged, from the noised crop on (image to image, as people do with inpainting tools).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from signdiff_core.diffusion.conditions import Conditions, Joints
from signdiff_core.diffusion.images import as_array, resized_map
from signdiff_core.diffusion.windows import Part, Window, windows_of

if TYPE_CHECKING:
    from signdiff_core.diffusion.detail import DetailModel

Redraw = Callable[[list[int], NDArray[np.uint8], list[Conditions]], NDArray[np.float32]]
"""Draws crops of frames (by their numbers, (B, S, S, 3)) anew with their conditions, S pixels a side: (B, S, S, 3) in
[0, 1]."""

ENLARGED: Final = 2
"""How much larger than in the frame crops are drawn without a `DetailModel`, where nobody says otherwise."""

STRENGTH: Final = 0.4
"""How much noise their crops get before, as a share of the steps."""

_SOFT: Final = 0.12
"""Width of the border in which a crop goes over into its frame, as a share of its side."""

_AT_ONCE: Final = 16
"""Crops of a batch, at most."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Refiner:
    """Draws the windows of frames anew.

    Args:
        windows: those of every frame of the video, in pixels of the frames that are seen.
        conditions: the conditions of every frame from the first that is rendered on, `enlarged` times as large as the
            frames that are seen; consumed as frames are refined.
        enlarged: see there.
        redraw: draws crops.
        strength: how far a crop goes from the coarse one to the new one, from 0 to 1.
    """

    windows: Sequence[Sequence[Window]]
    conditions: Iterator[Conditions]
    size: tuple[int, int]
    enlarged: int
    redraw: Redraw
    strength: float = 1.0

    @classmethod
    def of(
        cls,
        joints: Joints,
        conditions: Iterator[Conditions],
        *,
        parts: tuple[Part, ...],
        step: int,
        enlarged: int,
        redraw: Redraw,
        strength: float,
    ) -> Refiner:
        """Find the windows of joints, whose size is that of the frames that are seen."""
        seen = np.where(joints.hidden, 0, joints.confidence)
        windows = windows_of(
            joints.positions, seen, camera=joints.camera, size=joints.size, parts=parts, step=-(-step // enlarged)
        )
        return cls(
            windows=windows,
            conditions=conditions,
            size=joints.size,
            enlarged=enlarged,
            redraw=redraw,
            strength=strength,
        )

    def __call__(self, numbers: Sequence[int], frames: Sequence[NDArray[np.floating] | None]) -> list[Any]:
        """Refine a chunk of frames, each (h, w, 3) in [0, 1], or None for one that stays as it is.

        Returns:
            Frames (H, W, 3) in [0, 1] of the size that is seen; None where there was none.
        """
        large = [None if frame is None else enlarged(frame, self.size) for frame in frames]
        around = [next(self.conditions) for _ in numbers]
        crops = [
            (window.side, row, place)
            for row, number in enumerate(numbers)
            if large[row] is not None
            for place, window in enumerate(self.windows[number])
        ]
        drawn: dict[tuple[int, int], NDArray[np.float32]] = {}
        for _, same in groupby(sorted(crops), key=lambda crop: crop[0]):
            each = [(row, place) for _, row, place in same]
            for first in range(0, len(each), _AT_ONCE):
                part = each[first : first + _AT_ONCE]
                drawn |= zip(part, self._redrawn(part, numbers, large, around), strict=True)
        made: list[Any] = [None if frame is None else frame.astype(np.float32) / 255 for frame in large]
        for (row, place), crop in sorted(drawn.items(), key=lambda item: item[0]):
            _blend(made[row], crop, self.windows[numbers[row]][place], self.strength)
        return made

    def _redrawn(
        self,
        crops: Sequence[tuple[int, int]],
        numbers: Sequence[int],
        large: Sequence[NDArray[np.uint8] | None],
        around: Sequence[Conditions],
    ) -> Iterator[NDArray[np.float32]]:
        """Draw crops of one size, as of frame and window."""
        samples, conditions = [], []
        for row, place in crops:
            window, frame = self.windows[numbers[row]][place], np.asarray(large[row])
            side = window.side * self.enlarged
            crop = frame[window.top : window.top + window.side, window.left : window.left + window.side]
            samples.append(enlarged(crop, (side, side)))
            conditions.append(self._cut(around[row], window))
        made = self.redraw([numbers[row] for row, _ in crops], np.stack(samples), conditions)
        for crop, (row, place) in zip(made, crops, strict=True):
            side = self.windows[numbers[row]][place].side
            yield crop if len(crop) == side else cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA)

    def _cut(self, conditions: Conditions, window: Window) -> Conditions:
        """Cut a window out of a frame's conditions; those of another size are enlarged."""
        shape = (self.size[1] * self.enlarged, self.size[0] * self.enlarged)
        left, top, side = (number * self.enlarged for number in (window.left, window.top, window.side))
        cut = [
            resized_map(as_array(image), shape)[top : top + side, left : left + side]
            for image in conditions.images
            if image is not None
        ]
        return Conditions.of(cut)


def by_network(network: DetailModel, count: int) -> Redraw:
    """Draw crops with a network of detail, which looks at so many conditions."""

    @torch.inference_mode()
    def redraw(numbers: list[int], crops: NDArray[np.uint8], conditions: list[Conditions]) -> NDArray[np.float32]:
        weights = next(network.parameters())
        control = [
            np.concatenate([as_array(image) for image in each.images[:count] if image is not None], axis=-1)
            for each in conditions
        ]
        sample, hint = (
            torch.from_numpy(np.ascontiguousarray(array)).permute(0, 3, 1, 2).to(weights.device).float()
            for array in (crops, np.stack(control))
        )
        layout = torch.channels_last
        sample = (sample / 127.5 - 1).to(weights.dtype, memory_format=layout)
        made = network(sample, (hint / 255).to(weights.dtype, memory_format=layout))
        result: NDArray[np.float32] = (made.float().clamp(-1, 1) / 2 + 0.5).permute(0, 2, 3, 1).cpu().numpy()
        return result

    return redraw


def enlarged(picture: NDArray[Any], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Bring a picture (h, w, 3), bytes or in [0, 1], to a width and height: (H, W, 3) uint8."""
    if picture.dtype != np.uint8:
        picture = np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)
    if picture.shape[1::-1] == size:
        return picture
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


def _blend(frame: NDArray[np.float32], crop: NDArray[np.float32], window: Window, strength: float) -> None:
    """Put a crop (S, S, 3) into its window of a frame (H, W, 3), softly, but for where the frame ends."""
    side, (high, wide) = window.side, frame.shape[:2]
    inwards = (np.arange(side) + 0.5) / (_SOFT * side)
    edges = []
    for start, whole in ((window.top, high), (window.left, wide)):
        before = np.ones(side) if start == 0 else inwards
        after = np.ones(side) if start + side >= whole else inwards[::-1]
        edges.append(np.clip(np.minimum(before, after), 0, 1))
    mask = np.minimum.outer(*edges)
    mask = strength * mask * mask * (3 - 2 * mask)
    place = np.s_[window.top : window.top + side, window.left : window.left + side]
    frame[place] += mask[..., None].astype(np.float32) * (crop - frame[place])
