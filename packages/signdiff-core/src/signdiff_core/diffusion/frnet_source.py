"""Where FR maps come from: a text has no frame that FR-Net could look at."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import numpy as np

from signdiff_core import plugins
from signdiff_core.diffusion.frmap import check_equal
from signdiff_core.diffusion.images import as_array, resized_map

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from signdiff_core.diffusion.images import Frame

FRNetSource = Literal["predictor", "avatar", "two-pass", "none"]
"""Predicted from the drawing; that of the neutral avatar in the same pose; that of a frame which the pipeline renders
without a map before; or none at all."""

PREDICTOR: Final = "frnet-predictor"
"""The annotator that predicts FR maps from drawings."""


def check_source(source: object) -> None:
    """Make sure that a text names a source.

    Raises:
        ValueError: it does not.
    """
    if isinstance(source, str) and source not in get_args(FRNetSource):
        names = ", ".join(repr(name) for name in get_args(FRNetSource))
        raise ValueError(f"frnet_source must be {names}, frames or a video, but is {source!r}.")


def default_source(*, has_pose: bool) -> FRNetSource:
    """Choose the source that suits what is installed.

    Args:
        has_pose: the avatar can take the pose; drawings alone are not enough for it.

    Returns:
        The predictor where one is registered, else the avatar where it can be drawn, else none.
    """
    if any(plugin.name == PREDICTOR for plugin in plugins.discover("signdiff.annotators")):
        return "predictor"
    return "avatar" if has_pose and can_draw_neutral() else "none"


def can_draw_neutral() -> bool:
    """Tell whether the neutral signer can be drawn: the extra ``[avatar]`` and an annotator ``frnet`` are there."""
    has_annotator = any(plugin.name == "frnet" for plugin in plugins.discover("signdiff.annotators"))
    return has_annotator and find_spec("warp") is not None


class Predictor:
    """Predicts FR maps from drawings, with whichever annotator is registered as ``frnet-predictor``.

    Raises:
        signdiff_core.plugins.UnknownPluginError: none is.
    """

    def __init__(self) -> None:
        self._predictor = plugins.load("signdiff.annotators", PREDICTOR).from_pretrained()

    def check(self, expected: Mapping[str, Any]) -> None:
        """Make sure that it predicts the maps that a model was trained on.

        Args:
            expected: FR-Net's settings stored with the model.

        Raises:
            ValueError: it was trained for others; the message names each difference.
        """
        check_equal(self._predictor.frnet_parameters, expected)

    def __call__(self, drawing: Frame) -> NDArray[np.uint8]:
        """Predict the map of one frame.

        Args:
            drawing: an OpenPose drawing on black, in any form that the pipeline takes.

        Returns:
            (H, W, 3) uint8 of the drawing's size, 0 on the strokes and 255 elsewhere.
        """
        image = as_array(drawing)
        predicted = self._predictor(image, image_resolution=max(min(image.shape[:2]), 64), output_type="np")
        return resized_map(np.asarray(predicted), image.shape[:2])
