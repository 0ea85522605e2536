"""A source video, the drawing of its pose and what was made of that, side by side."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from signdiff_core.drawing import draw
from signdiff_core.formats.coordinates import visible
from signdiff_core.framing import Framing, choose_camera, resolved
from signdiff_core.gaps import Missing, MissingJointsWarning, fill_gaps
from signdiff_core.rates import same_rate
from signdiff_core.video.reading import MAX_SIDE, VideoError, frame_times, probe, read_video

if TYPE_CHECKING:  # pose_format is heavy to import
    from pose_format import Pose

_EARLY: Final = 1e-3
"""Seconds by which a frame may be shown too early: files round times."""


class Beside:
    """Rows of a source video, the drawing of its pose, and frames of a signer who performs that.

    Source and pose meet by their time. Where both have equally many frames at different rates, one of the two rates is
    wrong: they meet one by one, and the source's rate is taken.

    Args:
        path: the source video.
        pose: a pose of the 50 joints, normalised or in pixels.
        framing: as the signer is framed.
        missing: likewise, what becomes of joints that are absent for long.

    Attributes:
        fps: frames per second of the rows: the pose's rate, or the source's where that is taken.
        told: what does not agree, in a sentence; empty if all does.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the pose shows nobody, or ``framing`` or ``missing`` is none.
        VideoError: it is not a video, or it is damaged.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        pose: Pose,
        *,
        framing: Framing = "signing space",
        missing: Missing = "hold",
    ) -> None:
        self.path, self._pose, self._framing = Path(path), pose, framing
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MissingJointsWarning)  # which the renderer tells
            self._filled = fill_gaps(visible(pose), missing, include_face=True)
        fps, frames = float(pose.body.fps), len(pose.body.data)
        times = np.array(frame_times(self.path))
        if not len(times):
            raise VideoError(f"{path}: expected a video, but it holds no frame.")
        rate = probe(self.path).fps or fps
        seconds = float(times[-1]) + 1 / rate
        self.fps, self.told = fps, ""
        self._numbers = np.maximum(np.searchsorted(times, np.arange(frames) / fps + _EARLY, side="right") - 1, 0)
        if len(times) == frames and not same_rate(rate, fps):
            self.fps, self._numbers = rate, np.arange(frames)
            self.told = (
                f"{path} has as many frames as the pose, {frames}, at {rate:g} frames per second, not {fps:g}: "
                f"they are shown one beside one, at {rate:g}"
            )
        elif abs(seconds - frames / fps) > 1.5 / min(rate, fps):
            self.told = f"{path} lasts {seconds:.2f} s and the pose {frames / fps:.2f} s: " + (
                "its last frame stands still at the end" if seconds < frames / fps else "its end is left out"
            )

    def source(self, start: int = 0) -> Iterator[NDArray[np.uint8]]:
        """Read the source's frames, (H, W, 3) uint8 RGB, one for each of the pose's from a number on."""
        wanted, place = self._numbers[start:].tolist(), 0
        for number, picture in enumerate(read_video(self.path)):
            while place < len(wanted) and wanted[place] == number:
                yield picture
                place += 1
            if place == len(wanted):
                return
        if place < len(wanted):
            raise VideoError(f"{self.path}: expected frames up to {wanted[-1]}, but it ends before.")

    def rows(self, signer: Iterable[NDArray[np.uint8]], *, start: int = 0) -> Iterator[NDArray[np.uint8]]:
        """Put source and drawing before a signer's frames, (H, W, 3) uint8 each, which begin with a number.

        Rows are as high as these.
        """
        frames = iter(signer)
        first = next(frames, None)
        if first is None:
            return
        drawings = self._drawings(first.shape[1], first.shape[0], start)
        for pictures in zip(self.source(start), drawings, chain([first], frames), strict=True):
            yield row(list(pictures))

    def _drawings(self, width: int, height: int, start: int) -> Iterator[NDArray[np.uint8]]:
        filled, framing = self._filled, resolved(self._framing, self._pose, width=width, height=height)
        camera = choose_camera(filled.joints, filled.confidence, width=width, height=height, framing=framing)
        each = zip(filled.joints[start:], filled.seen[start:], strict=True)
        return (draw(joints, seen, size=(height, width), camera=camera) for joints, seen in each)


def row(pictures: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Put pictures (H, W, 3) side by side, all as high as the last one: (H, W, 3), both even.

    Raises ValueError where the row is longer than a video can be wide.

    Example:
        >>> row([np.zeros((720, 1280, 3), np.uint8), np.zeros((100, 100, 3), np.uint8)]).shape
        (100, 278, 3)
    """
    height = pictures[-1].shape[0]
    parts = []
    for picture in pictures:
        width = 2 * max(1, round(picture.shape[1] * height / picture.shape[0] / 2))
        if picture.shape[:2] != (height, width):
            smaller = height < picture.shape[0]
            interpolation = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
            picture = np.asarray(cv2.resize(picture, (width, height), interpolation=interpolation), dtype=np.uint8)
        parts.append(picture)
    joined = np.concatenate(parts, axis=1)
    if joined.shape[1] > MAX_SIDE:
        raise ValueError(f"pictures side by side must be at most {MAX_SIDE} pixels wide, but are {joined.shape[1]}.")
    return joined
