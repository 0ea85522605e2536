"""FR maps for the diffusion model: drawn by the annotator ``frnet``, or, since a text has no frame, from elsewhere."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from signdiff_core import plugins
from signdiff_core.diffusion.images import Frame, as_array, resized_map

PARAMETERS: Final = ("threshold_method", "block_size", "offset", "kernel_size", "detect_resolution")
"""The settings on which a map depends; they are stored with a model that was trained on such maps."""

CONFIG_NAME: Final = "frnet.json"
"""File of a pipeline's folder that holds these settings."""

FRNetSource = Literal["predictor", "avatar", "two-pass", "none"]
"""Predicted from the drawing; that of the neutral avatar in the same pose; that of a frame which the pipeline renders
without a map before; or none at all."""

PREDICTOR: Final = "frnet-predictor"
"""The annotator that predicts FR maps from drawings."""


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
        """Draw the map of a frame, (H, W) or (H, W, 3) uint8 RGB: (size, size) uint8, 0 (stroke) or 255.

        `size` is a multiple of 64.
        """
        fr_map: NDArray[np.uint8] = self._detector(image, **self._parameters, image_resolution=size, output_type="np")
        return np.ascontiguousarray(fr_map[..., 0])


class Predictor:
    """Predicts FR maps from drawings, with whichever annotator is registered as ``frnet-predictor``.

    Raises `signdiff_core.plugins.UnknownPluginError` where none is.
    """

    def __init__(self) -> None:
        self._predictor = plugins.load("signdiff.annotators", PREDICTOR).from_pretrained()

    def check(self, expected: Mapping[str, Any]) -> None:
        """Raise ValueError, naming each difference, if it does not predict with a model's stored settings."""
        check_equal(self._predictor.frnet_parameters, expected)

    def __call__(self, drawing: Frame) -> NDArray[np.uint8]:
        """Predict the map of a drawing on black: (H, W, 3) uint8 of its size, 0 on strokes, else 255."""
        image = as_array(drawing)
        predicted = self._predictor(image, image_resolution=max(min(image.shape[:2]), 64), output_type="np")
        return resized_map(np.asarray(predicted), image.shape[:2])


def check_equal(own: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """Raise ValueError, naming each difference, if maps are not drawn with a model's stored settings."""
    differ = [
        f"{name} is {own.get(name)!r}, the model was trained with {expected.get(name)!r}"
        for name in sorted({*own, *expected})
        if own.get(name) != expected.get(name)
    ]
    if differ:
        raise ValueError(f"FR-Net's parameters must be those of the model's training, but {'; '.join(differ)}.")


def check_source(source: object) -> None:
    """Raise ValueError if a text names no source."""
    if isinstance(source, str) and source not in get_args(FRNetSource):
        names = ", ".join(repr(name) for name in get_args(FRNetSource))
        raise ValueError(f"frnet_source must be {names}, frames or a video, but is {source!r}.")


def default_source(*, has_pose: bool, preferred: str | None = None) -> FRNetSource:
    """Choose the source that suits what is installed, and whether the avatar has a pose to take.

    That is the one that a model prefers, if it can be had; else the predictor where one is registered, else the avatar
    where it can be drawn, else none.
    """
    if preferred == "avatar" and has_pose and can_draw_neutral():
        return "avatar"
    if preferred == "two-pass":
        return "two-pass"
    if preferred == "none":
        return "none"
    if any(plugin.name == PREDICTOR for plugin in plugins.discover("signdiff.annotators")):
        return "predictor"
    return "avatar" if has_pose and can_draw_neutral() else "none"


def can_draw_neutral() -> bool:
    """Tell whether the neutral signer can be drawn: the extra ``[avatar]`` and an annotator ``frnet`` are there."""
    has_annotator = any(plugin.name == "frnet" for plugin in plugins.discover("signdiff.annotators"))
    return has_annotator and find_spec("warp") is not None
