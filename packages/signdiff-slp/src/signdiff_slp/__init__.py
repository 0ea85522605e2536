"""SignDiff's text-to-pose model: a progressive transformer on fairseq2.

Importing the package loads neither torch nor fairseq2; the names below load them when they are first used.
"""

from __future__ import annotations

import ctypes
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from signdiff_slp.models.progressive import ProgressiveConfig, ProgressiveTransformer
    from signdiff_slp.text_to_pose import TextToPose

__version__ = "0.1.0"

__all__ = ["ProgressiveConfig", "ProgressiveTransformer", "TextToPose"]

_HOMES = {
    "ProgressiveConfig": "signdiff_slp.models.progressive",
    "ProgressiveTransformer": "signdiff_slp.models.progressive",
    "TextToPose": "signdiff_slp.text_to_pose",
}


def _load_sndfile() -> None:
    """Load libsndfile, which fairseq2 does not start without: the system's, or the copy inside ``soundfile``'s wheel.

    Once loaded, it answers to the name that fairseq2 opens.
    """
    try:
        ctypes.CDLL("libsndfile.so.1", mode=ctypes.RTLD_GLOBAL)
    except OSError:
        spec = find_spec("_soundfile_data")
        for folder in spec.submodule_search_locations or () if spec is not None else ():
            for library in Path(folder).glob("libsndfile_*.so"):
                ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)


_load_sndfile()


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
