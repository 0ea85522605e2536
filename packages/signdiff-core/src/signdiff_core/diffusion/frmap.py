"""FR maps for the diffusion model, drawn by whichever annotator is registered as ``frnet``."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from signdiff_core import plugins

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

PARAMETERS: Final = ("threshold_method", "block_size", "offset", "kernel_size", "detect_resolution")
"""The settings on which a map depends; they are stored with a model that was trained on such maps."""

CONFIG_NAME: Final = "frnet.json"
"""File of a pipeline's folder that holds these settings."""


def check_equal(own: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """Make sure that maps are like those that a model was trained on.

    Args:
        own: the settings of these maps.
        expected: the settings stored with the model.

    Raises:
        ValueError: they differ; the message names each difference.
    """
    differ = [
        f"{name} is {own.get(name)!r}, the model was trained with {expected.get(name)!r}"
        for name in sorted({*own, *expected})
        if own.get(name) != expected.get(name)
    ]
    if differ:
        raise ValueError(f"FR-Net's parameters must be those of the model's training, but {'; '.join(differ)}.")


class FRMapper:
    """Draws FR maps of one setting.

    Args:
        **parameters: values for some of `PARAMETERS`; the annotator's own defaults stand for the others, but
            ``detect_resolution`` is 512.

    Raises:
        ValueError: a parameter is unknown to the annotator.
        signdiff_core.plugins.UnknownPluginError: no annotator is registered as ``frnet``.
    """

    def __init__(self, **parameters: Any) -> None:
        detector = plugins.load("signdiff.annotators", "frnet")
        known = inspect.signature(detector.__call__).parameters
        wrong = [name for name in parameters if name not in PARAMETERS or name not in known]
        if wrong:
            raise ValueError(f"FR-Net's parameters must be among {', '.join(PARAMETERS)}, but came {', '.join(wrong)}.")
        missing = [name for name in PARAMETERS if name not in known]
        if missing:
            raise ValueError(f"the annotator frnet must take {', '.join(PARAMETERS)}, but lacks {', '.join(missing)}.")
        defaults = {name: known[name].default for name in PARAMETERS} | {"detect_resolution": 512}
        self._detector = detector()
        self._parameters = {**defaults, **parameters}

    @property
    def parameters(self) -> dict[str, Any]:
        """All settings, as they are stored with a model."""
        return dict(self._parameters)

    def check(self, expected: Mapping[str, Any]) -> None:
        """Make sure that these maps are like those that a model was trained on.

        Args:
            expected: the settings stored with the model.

        Raises:
            ValueError: they differ; the message names each difference.
        """
        check_equal(self._parameters, expected)

    def __call__(self, image: NDArray[np.uint8], *, size: int) -> NDArray[np.uint8]:
        """Draw the map of a frame.

        Args:
            image: (H, W) or (H, W, 3) uint8 RGB.
            size: side of the map in pixels, a multiple of 64.

        Returns:
            (size, size) uint8, every value 0 (stroke) or 255.
        """
        fr_map: NDArray[np.uint8] = self._detector(image, **self._parameters, image_resolution=size, output_type="np")
        return np.ascontiguousarray(fr_map[..., 0])
