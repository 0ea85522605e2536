"""The second pass: hands and face of rendered frames, drawn again at the scale of the frame that is seen.

A pipeline with a `DetailModel` renders coarse frames, which are enlarged; in windows that follow hands and face, the
network then draws what their size could not hold. One without renders frames as they are seen, and its own networks
draw the windows again, enlarged, from the noised crop on (image to image, as people do with inpainting tools).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from math import gcd
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from signdiff_core.diffusion.conditions import Conditions, Joints, conditions_of
from signdiff_core.diffusion.frmap import FRMapper, default_source
from signdiff_core.diffusion.images import as_array, resized_map
from signdiff_core.diffusion.options import Options
from signdiff_core.diffusion.windows import Window, windows_of

if TYPE_CHECKING:
    from signdiff_core.diffusion.detail import DetailModel

Redraw = Callable[[list[int], NDArray[np.uint8], list[Conditions]], NDArray[np.float32]]
"""Draws crops of frames (by their numbers, (B, S, S, 3)) anew with their conditions, S pixels a side: (B, S, S, 3) in
[0, 1]."""

_ENLARGED: Final = 2
"""How much larger than in the frame crops are drawn without a `DetailModel`, where nobody says otherwise."""

_GRID: Final = 64
"""Sides of crops that a base draws are multiples of this."""

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

    def __call__(
        self,
        numbers: Sequence[int],
        frames: Sequence[NDArray[np.floating] | None],
        conditions: Sequence[Conditions],
    ) -> list[Any]:
        """Refine a chunk of frames, each (h, w, 3) in [0, 1], or None for one that stays as it is.

        Args:
            numbers: of the frames in the video.
            frames: as they were rendered.
            conditions: with which they were; their FR maps are enlarged where there are no larger ones.

        Returns:
            Frames (H, W, 3) in [0, 1] of the size that is seen; None where there was none.
        """
        large = [None if frame is None else enlarged(frame, self.size) for frame in frames]
        around = [
            own._replace(fr_map=coarse.fr_map) if own.fr_map is None else own
            for own, coarse in zip((next(self.conditions) for _ in numbers), conditions, strict=True)
        ]
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


def coarse_of(joints: Any, options: Options, network: DetailModel | None) -> tuple[Any, Options]:
    """Give the joints and options of the frames that are rendered, of those that are seen.

    Raises ValueError where there is no pose, or a side is no multiple of what the network enlarges.
    """
    if not isinstance(joints, Joints):
        raise ValueError("image must be a pose where detail is drawn, for windows follow it, but holds drawings.")
    if network is None:
        return joints, options
    if options.detail_scale is not None:
        raise ValueError(
            f"detail_scale must be left out where the pipeline has a detail_model, but is {options.detail_scale}."
        )
    scale, (width, height) = int(network.config.scale), joints.size
    if width % (8 * scale) or height % (8 * scale):
        raise ValueError(f"width and height must be multiples of {8 * scale}, but are {width} and {height}.")
    small = width // scale, height // scale
    return replace(joints, size=small), replace(options, width=small[0], height=small[1])


def refiner_of(
    joints: Joints,
    options: Options,
    redraw: Redraw,
    network: DetailModel | None,
    *,
    count: int,
    fr_image: Any,
    frnet_source: Any,
    control_maps: Sequence[str] | None,
) -> Refiner:
    """Find the windows of a pose, and what draws them: `count` conditions a frame, from the same sources.

    FR maps that are given or drawn of frames are enlarged; others are drawn anew at the scale of the windows.
    """
    scale = 1 if network is not None else options.detail_scale or _ENLARGED
    step = int(network.step) if network is not None else _GRID // gcd(_GRID, scale)
    named = fr_image is None and (isinstance(frnet_source, str) or frnet_source is None)
    source: Any = frnet_source if named else "two-pass"
    mapper = options.frnet
    shown = joints
    if count > 1 and source is None and control_maps is None:
        source = default_source(has_pose=True)
    if source == "avatar" or control_maps is not None:
        motion, camera = joints.performed()
        shown = replace(joints.on_body(motion), camera=camera, confidence=np.ones_like(joints.confidence))
        mapper = _larger(mapper, scale) if count > 1 else mapper
    large = replace(joints, size=(joints.size[0] * scale, joints.size[1] * scale))
    conditions = conditions_of(
        large, None, source, mapper, count=count, start=options.first_frame, control_maps=control_maps
    )
    windows = windows_of(
        shown.positions,
        np.where(shown.hidden, 0, shown.confidence),
        camera=shown.camera,
        size=joints.size,
        parts=options.detail,
        step=step,
    )
    strength = 1.0 if network is None or options.detail_strength is None else float(options.detail_strength)
    return Refiner(
        windows=windows, conditions=conditions, size=joints.size, enlarged=scale, redraw=redraw, strength=strength
    )


def _larger(mapper: FRMapper | None, scale: int) -> FRMapper:
    """Let FR-Net look at a picture that is so many times larger as it looks at the smaller one."""
    known = (mapper or FRMapper()).parameters
    return FRMapper(**{**known, "detect_resolution": scale * known["detect_resolution"]})


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
