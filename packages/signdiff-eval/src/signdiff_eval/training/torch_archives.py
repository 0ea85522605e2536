"""Archives of ``torch.save`` in a checkpoint, looked over before torch reads them.

torch takes the sizes of what it reads from the archive itself, and would unpack a few kilobytes to gigabytes.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from typing import TYPE_CHECKING, Final

from signdiff_eval.readers.torch_files import check_archive

if TYPE_CHECKING:
    from pathlib import Path

_SUFFIXES: Final = (".bin", ".pkl", ".pt")
"""Of the files that accelerate has torch write."""


def check_archives(folder: Path) -> None:
    """Make sure that what torch saved in a folder holds what it says.

    Args:
        folder: of a checkpoint.

    Raises:
        ValueError: a file is no archive of torch, is compressed or damaged, or tells of values that it has not; the
            message names it.
        UnpicklingError: a file names code.
    """
    from accelerate.utils import load

    for path in sorted(folder.iterdir()):
        # Weights are safetensors, beside which accelerate reads no pickled ones.
        if path.suffix in _SUFFIXES and not path.name.startswith("pytorch_model"):
            try:
                check_archive(path)
                load(path, map_location="cpu", mmap=True)  # mapped, torch refuses tensors that are larger than the file
            except (zipfile.BadZipFile, struct.error, zlib.error, OSError, RuntimeError, ValueError) as error:
                raise ValueError(f"{path.name}: {error}") from error
