"""What the pipeline is told about each frame: a skeleton drawing c and a FR map d."""

from __future__ import annotations

from itertools import chain, islice, zip_longest
from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np

from signdiff_core.camera import Camera
from signdiff_core.diffusion.frmap import FRMapper, Predictor, check_source, default_source
from signdiff_core.diffusion.images import as_array, cut_to, frames_of, resized_map
from signdiff_core.drawing import draw
from signdiff_core.formats.coordinates import visible
from signdiff_core.skeleton import joints_of, make_pose

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray
    from pose_format import Pose

    from signdiff_core.diffusion.frmap import FRNetSource
    from signdiff_core.diffusion.images import Frame


class Conditions(NamedTuple):
    """The two images of one frame."""

    drawing: Frame
    """c: (H, W, 3) RGB, an OpenPose drawing on black."""

    fr_map: Frame | None
    """d: (H, W, 3), 0 at strokes and 255 elsewhere; all 0 where there is no map; None until a frame is rendered."""


def conditions_of(
    image: Pose | Iterable[Frame] | Frame | None,
    fr_image: Iterable[Frame] | Frame | None,
    frnet_source: FRNetSource | Iterable[Frame] | Frame | None,
    frnet: FRMapper | None,
    *,
    count: int,
    size: int | None,
    start: int = 0,
    keep_first: bool = False,
) -> Iterator[Conditions]:
    """Make the conditions of a video from what the pipeline is called with; see `SignDiffPipeline.stream`.

    Args:
        image: drawings, or a pose.
        fr_image: FR maps.
        frnet_source: where maps come from, in place of ``fr_image``.
        frnet: FR-Net, with the model's settings.
        count: images that the ControlNet takes for a frame, 1 or 2.
        size: side of the images in pixels for a pose; None for drawings, which have theirs.
        start: first frame wanted; nothing is drawn or predicted for those before.
        keep_first: give the first frame before it all the same.

    Returns:
        Iterator over the frames' conditions.

    Raises:
        ValueError: the arguments contradict each other, or the ControlNet.
    """
    if image is None:
        raise ValueError("image must hold the skeleton drawings, but is None.")
    check_source(frnet_source)
    if fr_image is not None and frnet_source is not None:
        raise ValueError("fr_image or frnet_source must be given, not both.")
    source: Any = frnet_source
    if count == 1:
        if fr_image is not None or not (source is None or (isinstance(source, str) and source == "none")):
            raise ValueError("the ControlNet takes 1 condition, but was called with fr_image or frnet_source.")
        source = "none"
    elif source is None and fr_image is None:
        source = default_source(has_pose=size is not None)
        if source == "none" and size is None:
            raise ValueError("the ControlNet takes 2 conditions, but was called without fr_image or frnet_source.")
    if isinstance(source, str) and source == "avatar":
        if size is None:
            raise ValueError("image must be a pose for frnet_source 'avatar', but holds drawings.")
        return neutral_conditions(image, size=size, mapper=_given(frnet), start=start, keep_first=keep_first)
    if size is None:
        drawings = _from(frames_of(image, "image"), start, keep_first=keep_first)
    else:
        drawings = drawings_of(image, size=size, start=start, keep_first=keep_first)
    if fr_image is not None:
        maps = _from(frames_of(fr_image, "fr_image"), start, keep_first=keep_first)
        return (Conditions(c, d) for c, d in _paired(drawings, maps, "fr_image must hold one map"))
    if not isinstance(source, str):
        source = _from(frames_of(source, "frnet_source"), start, keep_first=keep_first)
    return with_maps(drawings, source, frnet)


def drawings_of(
    pose: Pose, *, size: int, camera: Camera | None = None, start: int = 0, keep_first: bool = False
) -> Iterator[NDArray[np.uint8]]:
    """Draw the skeleton of a pose, frame by frame, as they are asked for.

    Args:
        pose: a pose of the 50 joints, normalised or in pixels.
        size: side of the images in pixels.
        camera: where the signer stands.
        start: first frame to draw.
        keep_first: draw the first frame before it all the same.

    Raises:
        ValueError: the pose has another skeleton.
    """
    joints, confidence = joints_of(visible(pose))
    chosen = _chosen(len(joints), start, keep_first=keep_first)
    return (draw(joints[number], confidence[number], size=size, camera=camera) for number in chosen)


def with_maps(
    drawings: Iterable[Frame], source: FRNetSource | Iterable[Frame], mapper: FRMapper | None
) -> Iterator[Conditions]:
    """Put FR maps beside drawings.

    Args:
        drawings: one a frame.
        source: where maps come from; not the avatar, which needs a pose. Of given frames, the middle is taken.
        mapper: FR-Net, for given frames and to compare its settings with the predictor's.

    Raises:
        ValueError: there are more or fewer given frames than drawings, or the predictor is for other settings.
    """
    if not isinstance(source, str):
        for drawing, frame in _paired(drawings, frames_of(source, "frnet_source"), "frnet_source must hold one frame"):
            yield Conditions(drawing, map_of(frame, as_array(drawing).shape, _given(mapper)))
    elif source == "predictor":
        predict = Predictor()
        if mapper is not None:
            predict.check(mapper.parameters)
        yield from (Conditions(drawing, predict(drawing)) for drawing in drawings)
    elif source == "two-pass":
        yield from (Conditions(drawing, None) for drawing in drawings)
    else:
        yield from (Conditions(drawing, np.zeros_like(as_array(drawing))) for drawing in drawings)


def map_of(frame: Frame, shape: tuple[int, ...], mapper: FRMapper) -> NDArray[np.uint8]:
    """Draw the FR map of a frame, (H, W, 3) uint8, for a drawing of height H and width W."""
    picture = cut_to(as_array(frame), shape)
    return resized_map(mapper(picture, size=max(min(shape[:2]), 64)), shape[:2])


def retargeted(pose: Pose) -> Pose:
    """Let the neutral avatar's body take a pose.

    Args:
        pose: a pose of the 50 joints, normalised or in pixels.

    Returns:
        The body's own joints, normalised, all of them present.
    """
    from signdiff_core.avatar import Signer, fit

    joints, confidence = joints_of(visible(pose))
    return make_pose(fit(Signer.neutral().avatar(), joints, confidence).joints, pose.body.fps)


def neutral_conditions(
    pose: Pose,
    *,
    size: int,
    mapper: FRMapper,
    camera: Camera | None = None,
    start: int = 0,
    keep_first: bool = False,
) -> Iterator[Conditions]:
    """Let the neutral avatar take a pose: c shows its joints, d is the FR map of its rendered frame.

    Args:
        pose: a pose of the 50 joints, normalised or in pixels.
        size: side of the images in pixels, a multiple of 64.
        mapper: draws the maps.
        camera: where the signer stands.
        start: first frame wanted.
        keep_first: give the first frame before it all the same.

    Raises:
        ValueError: the pose has another skeleton.
    """
    from signdiff_core.avatar import Motion, Signer, fit, render_frames

    joints, confidence = joints_of(visible(pose))
    signer, camera = Signer.neutral(), camera or Camera()
    motion = fit(signer.avatar(), joints, confidence)
    motion = Motion(body=motion.body, turns=motion.turns[_chosen(len(joints), start, keep_first=keep_first)])
    pictures = render_frames(signer, motion, size=size, camera=camera)
    for position, picture in zip(motion.joints, pictures, strict=True):
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        fr_map = resized_map(mapper(np.asarray(grey, dtype=np.uint8), size=size), (size, size))
        yield Conditions(draw(position, size=size, camera=camera), fr_map)


def _paired(drawings: Iterable[Frame], others: Iterable[Frame], what: str) -> Iterator[tuple[Frame, Frame]]:
    for number, (drawing, other) in enumerate(zip_longest(drawings, others)):
        if drawing is None or other is None:
            side = "more" if drawing is None else f"only {number}"
            raise ValueError(f"{what} for each of image, but holds {side}.")
        yield drawing, other


def _chosen(total: int, start: int, *, keep_first: bool) -> list[int]:
    return [*([0] if keep_first else []), *range(start, total)]


def _from(images: Iterator[Frame], start: int, *, keep_first: bool) -> Iterator[Frame]:
    kept = list(islice(images, 1)) if keep_first else []
    return chain(kept, islice(images, start - len(kept), None))


def _given(mapper: FRMapper | None) -> FRMapper:
    if mapper is None:
        from signdiff_core.diffusion.frmap import FRMapper

        return FRMapper()
    return mapper
