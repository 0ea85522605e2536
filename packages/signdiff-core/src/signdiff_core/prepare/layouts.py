"""How the frames of a clip are stored: files of a folder, or members of a tar archive.

Both name what belongs to frame 12 of a clip ``CLIP/000012.jpg`` and ``CLIP/000012.fr.png``. An archive has
``CLIP/000012.json`` and ``CLIP/000012.joints.npy``, too: it is a shard of WebDataset.
"""

from __future__ import annotations

import io
import shutil
import tarfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from signdiff_core.atomic import replacing
from signdiff_core.prepare.encoding import encode_image, encode_joints, encode_map, encode_row
from signdiff_core.prepare.files import MAP_SUFFIX, frame_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from signdiff_core.prepare.clip import Sample
    from signdiff_core.prepare.gather import Clip
    from signdiff_core.prepare.settings import Settings


@contextmanager
def clip_folder(path: Path, settings: Settings) -> Iterator[Callable[[Sample], list[int]]]:
    """Write the frames of a clip to a folder, which is there when all are written.

    Yields:
        What stores a frame, and gives its number.

    Raises:
        OSError: a file cannot be written.
    """
    shutil.rmtree(path, ignore_errors=True)
    with replacing(path, folder=True) as folder:

        def add(sample: Sample) -> list[int]:
            frame = Path(frame_name(str(folder), sample.frame))
            frame.with_suffix(settings.suffix).write_bytes(encode_image(sample.image, settings))
            frame.with_suffix(MAP_SUFFIX).write_bytes(encode_map(sample.fr_map))
            return [sample.frame]

        yield add


@contextmanager
def clip_archive(path: Path, clip: Clip, settings: Settings) -> Iterator[Callable[[Sample], list[int]]]:
    """Write the frames of a clip to an archive without an end, which is there when all are written.

    Yields:
        What stores a frame, and gives its number, and the places and sizes of its image and map in the archive.

    Raises:
        OSError: the archive cannot be written.
    """
    with replacing(path) as temporary, temporary.open("wb") as file:
        archive = tarfile.TarFile(fileobj=file, mode="w")  # never closed: that would write its end

        def add(sample: Sample) -> list[int]:
            name = frame_name(clip.name, sample.frame)
            image = _add(archive, name + settings.suffix, encode_image(sample.image, settings))
            fr_map = _add(archive, name + MAP_SUFFIX, encode_map(sample.fr_map))
            _add(archive, f"{name}.joints.npy", encode_joints(sample.joints))
            _add(archive, f"{name}.json", encode_row(sample, clip))
            return [sample.frame, *image, *fr_map]

        yield add


def join_archives(archives: Iterable[Path], path: Path) -> None:
    """Make one archive of those of clips, with an end.

    Raises:
        OSError: it cannot be written.
    """
    with replacing(path) as temporary, temporary.open("wb") as file:
        for archive in archives:
            with archive.open("rb") as source:
                shutil.copyfileobj(source, file, 1 << 20)
        length = file.tell() + 2 * tarfile.BLOCKSIZE
        file.write(bytes(2 * tarfile.BLOCKSIZE + -length % tarfile.RECORDSIZE))


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> tuple[int, int]:
    """Store a file; give the place and the size of its content. All else that a tar tells of a file is constant."""
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))
    blocks = -(-len(content) // tarfile.BLOCKSIZE)
    return archive.offset - blocks * tarfile.BLOCKSIZE, len(content)
