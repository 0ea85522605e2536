"""Let fairseq2 find libsndfile on machines that have none of their own.

fairseq2 opens ``libsndfile.so.1`` when it is imported and refuses to start without it. The wheel of ``soundfile``
brings a copy; once loaded, it answers to that name.
"""

from __future__ import annotations

import ctypes
from importlib.util import find_spec
from pathlib import Path


def preload() -> None:
    """Load the system's libsndfile or, where there is none, the copy inside the ``soundfile`` wheel."""
    try:
        ctypes.CDLL("libsndfile.so.1", mode=ctypes.RTLD_GLOBAL)
    except OSError:
        spec = find_spec("_soundfile_data")
        if spec is None or spec.submodule_search_locations is None:
            return
        for folder in spec.submodule_search_locations:
            for library in Path(folder).glob("libsndfile_*.so"):
                ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
