"""What an estimator has found so far, on the disk: stretches of a video, each a file that is there whole or not at all.

The folder ``NAME.partial.estimate`` beside the file that is being made holds them. A process that is killed loses at
most the stretch that it was at; equal frames give equal findings, so what is resumed equals what was made at once.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from signdiff_core.sealed import read_sealed, write_sealed
from signdiff_core.wording import different_settings

Person = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Points (J, C), x and y in pixels, and confidences (J,); 0 is absent."""

STRETCH: Final = 240
"""Frames of a stretch, which take a minute or two. Where two meet, a body may be off by 1% of its shoulders' width."""


class EstimateStore:
    """The stretches of one video.

    Args:
        path: the file that is being made; the folder is beside it.

    Example:
        >>> import tempfile
        >>> person = (np.ones((2, 3), np.float32), np.ones(2, np.float32))
        >>> with tempfile.TemporaryDirectory() as home:
        ...     store = EstimateStore(f"{home}/hello.pose")
        ...     store.add(0, [[person], []], {"video": "hello.mp4"})
        ...     store.folder.name, store.frames(), [len(people) for people in store.people()]
        ('hello.partial.estimate', 2, [1, 0])
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.folder = Path(path).with_name(f"{Path(path).stem}.partial.estimate")

    def frames(self) -> int:
        """Count the frames that are stored."""
        return sum(len(arrays["counts"]) for arrays, _ in self._stored())

    def check(self, settings: dict[str, str]) -> None:
        """Make sure that what is stored is of the same video, and was estimated in the same way.

        Raises ValueError where it is not, with what differs, or where a file is damaged.
        """
        for _, notes in self._stored():
            if others := different_settings(notes["settings"], settings):
                raise ValueError(f"{self.folder}: expected findings of the same settings, but {', '.join(others)}.")

    def add(self, number: int, people: Sequence[list[Person]], settings: dict[str, str]) -> None:
        """Store a stretch, the people of each of its frames; an OSError where it cannot be written."""
        self.folder.mkdir(exist_ok=True)
        persons = [person for frame in people for person in frame]
        arrays: dict[str, NDArray[Any]] = {
            "counts": np.array([len(frame) for frame in people], dtype=np.int64),
            "points": np.stack([points for points, _ in persons]) if persons else np.zeros((0, 1, 1), np.float32),
            "confidence": np.stack([seen for _, seen in persons]) if persons else np.zeros((0, 1), np.float32),
        }
        write_sealed(self._file(number), arrays, {"settings": settings})

    def people(self) -> Iterator[list[Person]]:
        """Give the people of each stored frame."""
        for arrays, _ in self._stored():
            at = 0
            for count in arrays["counts"].tolist():
                yield [(arrays["points"][each], arrays["confidence"][each]) for each in range(at, at + count)]
                at += count

    def remove(self) -> None:
        """Remove all that is stored."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _file(self, number: int) -> Path:
        return self.folder / f"{number:06d}.safetensors"

    def _stored(self) -> Iterator[tuple[dict[str, NDArray[Any]], dict[str, Any]]]:
        """Read the stretches from the first on; what lies behind a gap does not count."""
        number = 0
        while (file := self._file(number)).exists():
            yield read_sealed(file)
            number += 1
