"""FR-Net, the frame-reinforcement annotator of SignDiff, with the contract of a controlnet-aux detector.

Importing this package loads nothing else: numpy, OpenCV and Pillow come with the first name that is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from signdiff_frnet.contract import InvalidImageError
    from signdiff_frnet.detector import FRNetDetector, register
    from signdiff_frnet.ops import annotate_batch, frnet
    from signdiff_frnet.parameters import FRNetParameters
    from signdiff_frnet.predictor import FRNetPredictor

__all__ = [
    "FRNetDetector",
    "FRNetParameters",
    "FRNetPredictor",
    "InvalidImageError",
    "__version__",
    "annotate_batch",
    "frnet",
    "register",
]
__version__ = "0.1.0"

_HOMES = {
    "FRNetDetector": "detector",
    "FRNetParameters": "parameters",
    "FRNetPredictor": "predictor",
    "InvalidImageError": "contract",
    "annotate_batch": "ops",
    "frnet": "ops",
    "register": "detector",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
