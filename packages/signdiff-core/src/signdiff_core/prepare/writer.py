"""The files of a set of training frames; `signdiff_core.prepare.reader` reads them.

The frames of a clip are files of a folder, or members of a tar archive. Both name what belongs to frame 12 of a clip
``CLIP/000012.jpg`` and ``CLIP/000012.fr.png``. An archive has ``CLIP/000012.json`` and ``CLIP/000012.joints.npy``, too:
it is a shard of WebDataset. The same content makes the same bytes.
"""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from signdiff_core.atomic import replacing
from signdiff_core.prepare.reader import MAP_SUFFIX, frame_name

if TYPE_CHECKING:
    from signdiff_core.prepare.clip import Sample
    from signdiff_core.prepare.gather import Clip
    from signdiff_core.prepare.plan import Settings

REPORT: Final = "report.json"
FAILURES: Final = "failures.log"
PREVIEW: Final = "preview.png"

_DTYPES: Final = {"float32": "F32", "int64": "I64"}


@contextmanager
def clip_folder(path: Path, settings: Settings) -> Iterator[Callable[[Sample], list[int]]]:
    """Write the frames of a clip to a folder, which is there when all are written.

    Yields what stores a frame, and gives its number.
    """
    shutil.rmtree(path, ignore_errors=True)
    with replacing(path, folder=True) as folder:

        def add(sample: Sample) -> list[int]:
            frame = Path(frame_name(str(folder), sample.frame))
            frame.with_suffix(settings.suffix).write_bytes(_encode_image(sample.image, settings))
            frame.with_suffix(MAP_SUFFIX).write_bytes(_encode_map(sample.fr_map))
            return [sample.frame]

        yield add


@contextmanager
def clip_archive(path: Path, clip: Clip, settings: Settings) -> Iterator[Callable[[Sample], list[int]]]:
    """Write the frames of a clip to an archive without an end, which is there when all are written.

    Yields what stores a frame, and gives its number, and the places and sizes of its image and map in the archive.
    """
    with replacing(path) as temporary, temporary.open("wb") as file:
        archive = tarfile.TarFile(fileobj=file, mode="w")  # never closed: that would write its end

        def add(sample: Sample) -> list[int]:
            name = frame_name(clip.name, sample.frame)
            image = _add(archive, name + settings.suffix, _encode_image(sample.image, settings))
            fr_map = _add(archive, name + MAP_SUFFIX, _encode_map(sample.fr_map))
            joints = io.BytesIO()
            np.lib.format.write_array(joints, sample.joints, allow_pickle=False)
            _add(archive, f"{name}.joints.npy", joints.getvalue())
            row = {"text": clip.text, "pose_id": clip.name, "frame": sample.frame}
            _add(archive, f"{name}.json", json.dumps(row, ensure_ascii=False).encode())
            return [sample.frame, *image, *fr_map]

        yield add


def join_archives(archives: Iterable[Path], path: Path) -> None:
    """Make one archive of those of clips, with an end."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        for archive in archives:
            with archive.open("rb") as source:
                shutil.copyfileobj(source, file, 1 << 20)
        length = file.tell() + 2 * tarfile.BLOCKSIZE
        file.write(bytes(2 * tarfile.BLOCKSIZE + -length % tarfile.RECORDSIZE))


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> tuple[int, int]:
    """Store a file; give the place and the size of its content. All else that a tar notes of a file is constant."""
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))
    blocks = -(-len(content) // tarfile.BLOCKSIZE)
    return archive.offset - blocks * tarfile.BLOCKSIZE, len(content)


def _encode_image(image: NDArray[np.uint8], settings: Settings) -> bytes:
    """Encode a frame, (H, W, 3) uint8 RGB, as the settings say.

    JPEG keeps colours as sharp as greys (4:4:4): hands are small.
    """
    if settings.image_format == "png":
        options = [cv2.IMWRITE_PNG_COMPRESSION, 1]
    else:
        sampling = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444
        options = [cv2.IMWRITE_JPEG_QUALITY, settings.quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling]
    return _encode(settings.suffix, image[..., ::-1], options)


def _encode_map(fr_map: NDArray[np.uint8]) -> bytes:
    """Encode a map, (H, W) uint8 of 0 and 255, as PNG with one bit a pixel."""
    return _encode(".png", fr_map, [cv2.IMWRITE_PNG_BILEVEL, 1])


def _encode(suffix: str, image: NDArray[np.uint8], options: list[int]) -> bytes:
    written, encoded = cv2.imencode(suffix, np.ascontiguousarray(image), options)
    if not written:
        raise ValueError(f"OpenCV cannot encode {suffix} images.")
    return encoded.tobytes()


def write_tensor(
    path: Path,
    name: str,
    pieces: Iterable[NDArray[np.generic]],
    *,
    dtype: str,
    shape: tuple[int, ...],
    metadata: dict[str, str] | None = None,
) -> None:
    """Write a safetensors file of one tensor, which may be larger than memory, from pieces of its first axis.

    The type is ``float32`` or ``int64``, the shape that of the whole; ValueError where the pieces do not make it up.
    """
    kind = np.dtype(dtype).newbyteorder("<")
    length = int(np.prod(shape)) * kind.itemsize
    content: dict[str, object] = {"__metadata__": metadata} if metadata else {}
    content[name] = {"dtype": _DTYPES[dtype], "shape": shape, "data_offsets": [0, length]}
    header = json.dumps(content).encode()
    header += b" " * (-len(header) % 8)
    with path.open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        start = file.tell()
        for piece in pieces:
            if piece.shape[1:] != shape[1:]:
                raise ValueError(f"{name} must have pieces of (N, {shape[1:]}), but one is {piece.shape}.")
            file.write(np.ascontiguousarray(piece, dtype=kind).tobytes())
        if file.tell() - start != length:
            raise ValueError(f"{name} must have the shape {shape}, but its pieces hold {file.tell() - start} bytes.")
