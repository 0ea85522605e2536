"""What the pipeline is told about each frame of a pose: a skeleton drawing c and a FR map d."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from signdiff_core import plugins
from signdiff_core.camera import Camera
from signdiff_core.drawing import draw
from signdiff_core.formats.normalise import normalised
from signdiff_core.skeleton import joints_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from pose_format import Pose

    from signdiff_core.diffusion.frmap import FRMapper


class Conditions(NamedTuple):
    """The two images of one frame."""

    drawing: NDArray[np.uint8]
    """c: (H, W, 3) RGB, an OpenPose drawing on black."""

    fr_map: NDArray[np.uint8]
    """d: (H, W, 3), 0 at strokes and 255 elsewhere; all 0 where there is no map."""


def can_draw_neutral() -> bool:
    """Tell whether the neutral signer can be drawn: the extra ``[avatar]`` and an annotator ``frnet`` are there."""
    has_annotator = any(plugin.name == "frnet" for plugin in plugins.discover("signdiff.annotators"))
    return has_annotator and find_spec("warp") is not None


def conditions_of(
    pose: Pose, *, size: int, mapper: FRMapper | None = None, camera: Camera | None = None
) -> Iterator[Conditions]:
    """Draw the conditions of a pose, frame by frame, as they are asked for.

    Args:
        pose: a pose of the 50 joints, normalised or in pixels.
        size: side of the images in pixels, a multiple of 64.
        mapper: draws FR maps. The neutral signer's body then takes the pose, c shows that body's joints, and d is the
            map of its rendered frame. Without it c shows the pose's own joints and d is absent.
        camera: where the signer stands.

    Returns:
        Iterator over the frames' conditions.

    Raises:
        ValueError: the pose has another skeleton.
    """
    camera = camera or Camera()
    joints, confidence = joints_of(normalised(pose))
    if mapper is None:
        return _plain(joints, confidence, size, camera)
    return _neutral(joints, confidence, size, camera, mapper)


def _plain(
    joints: NDArray[np.float32], confidence: NDArray[np.float32], size: int, camera: Camera
) -> Iterator[Conditions]:
    for position, weight in zip(joints, confidence, strict=True):
        yield Conditions(draw(position, weight, size=size, camera=camera), np.zeros((size, size, 3), dtype=np.uint8))


def _neutral(
    joints: NDArray[np.float32], confidence: NDArray[np.float32], size: int, camera: Camera, mapper: FRMapper
) -> Iterator[Conditions]:
    from signdiff_core.avatar import Signer, fit, render_frames

    signer = Signer.neutral()
    motion = fit(signer.avatar(), joints, confidence)
    pictures = render_frames(signer, motion, size=size, camera=camera)
    for position, picture in zip(motion.joints, pictures, strict=True):
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        fr_map = np.repeat(mapper(np.asarray(grey, dtype=np.uint8), size=size)[..., None], 3, axis=2)
        yield Conditions(draw(position, size=size, camera=camera), fr_map)
