"""Pairs of a drawing and a frame: files of the same name in two folders, images or videos."""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING

from signdiff_frnet.training.images import IMAGES, VIDEOS, pack, read_every, read_rgb, resize, square, unpack

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from signdiff_frnet.contract import UInt8Image

    Read = Callable[[], UInt8Image]


class PairFolder:
    """A source of pairs ``drawings/NAME`` and ``frames/NAME``; suffixes may differ.

    The frames of a video, and the images within one sub-folder, are of one signer; images that lie in no sub-folder
    are each of another, so that they have no companions. Videos are kept in memory, compressed.

    Args:
        root: holds the two folders.
        frame_step: of videos, every so many frames are samples.

    Raises:
        ValueError: a frame has no drawing, or there are no pairs.
    """

    def __init__(self, root: Path, *, frame_step: int = 5) -> None:
        self._pairs: list[tuple[Read, Read]] = []
        self._signer_of: list[str] = []
        drawings = {path.relative_to(root / "drawings").with_suffix(""): path for path in _media(root / "drawings")}
        for frame in _media(root / "frames"):
            name = frame.relative_to(root / "frames").with_suffix("")
            drawing = drawings.get(name)
            if drawing is None or (drawing.suffix.lower() in VIDEOS) != (frame.suffix.lower() in VIDEOS):
                raise ValueError(f"{root}/drawings must hold {name} as frames does, an image or a video, but does not.")
            if frame.suffix.lower() in VIDEOS:
                self._add_videos(str(name), drawing, frame, frame_step)
            else:
                signer = str(name) if len(name.parts) == 1 else str(name.parent)
                self._add(signer, partial(read_rgb, drawing), partial(read_rgb, frame))
        if not self._pairs:
            raise ValueError(f"{root}/frames must hold images or videos, but holds none.")
        self._signers: dict[str, list[int]] = defaultdict(list)
        for index, signer in enumerate(self._signer_of):
            self._signers[signer].append(index)

    def __len__(self) -> int:
        return len(self._pairs)

    def drawing(self, index: int, resolution: int) -> UInt8Image:
        """See `Source.drawing`."""
        return resize(square(self._pairs[index][0]()), resolution, smooth=False)

    def frame(self, index: int, resolution: int) -> UInt8Image:
        """See `Source.frame`."""
        return resize(square(self._pairs[index][1]()), resolution)

    def companions(self, index: int) -> list[int]:
        """See `Source.companions`."""
        return [other for other in self._signers[self._signer_of[index]] if other != index]

    def _add(self, signer: str, drawing: Read, frame: Read) -> None:
        self._pairs.append((drawing, frame))
        self._signer_of.append(signer)

    def _add_videos(self, name: str, drawing: Path, frame: Path, step: int) -> None:
        # A film and its drawings can differ by a last frame that one encoder kept and the other did not.
        for drawn, seen in zip(read_every(drawing, step), read_every(frame, step), strict=False):
            self._add(name, partial(unpack, pack(square(drawn))), partial(unpack, pack(square(seen))))


def _media(folder: Path) -> list[Path]:
    """The images and videos of a folder, but for hidden ones."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in (*IMAGES, *VIDEOS)
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]
