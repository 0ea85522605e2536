"""Folders of OpenPose JSON: how How2Sign is distributed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from signdiff_core.formats.files import frames_of
from signdiff_core.formats.openpose import FILES, read_people
from signdiff_slp.prepare.sources.detections import MAX_FRAMES, as_points, stack_people

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray


def read_openpose(folder: Path) -> NDArray[np.float32]:
    """Read a folder of OpenPose JSON.

    Args:
        folder: one file a frame; see `frames_of`.

    Returns:
        (T, P, 50, 3) as in `Detections`.

    Raises:
        FormatError: a file is broken or missing.
    """
    people = [read_people(file) for file in frames_of(folder, FILES, most=MAX_FRAMES)]
    return stack_people([as_points(frame[..., :2], frame[..., 2]) for frame in people], folder)
