"""What the pipeline gets for each frame: a skeleton drawing c and an FR map d, or the maps that ControlNets take."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice, tee, zip_longest
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from signdiff_core.camera import Camera
from signdiff_core.diffusion.frmap import FRMapper, FRNetSource, Predictor, check_source, default_source
from signdiff_core.diffusion.images import Frame, as_array, cut_to, frames_of, is_picture, resized_map
from signdiff_core.drawing import draw
from signdiff_core.formats.coordinates import visible
from signdiff_core.framing import Framing, choose_camera, resolved
from signdiff_core.gaps import Missing, MissingJointsWarning, fill_gaps
from signdiff_core.skeleton import BODY_HANDS_FACE, NOSE, NUM_JOINTS, face_of

if TYPE_CHECKING:
    from pose_format import Pose

    from signdiff_core.avatar import Motion


class Conditions(NamedTuple):
    """The images of one frame, in the order of the ControlNets that take them."""

    drawing: Frame
    """c: (H, W, 3) RGB, an OpenPose drawing on black."""

    fr_map: Frame | None
    """d: (H, W, 3), 0 at strokes and 255 elsewhere; all 0 where there is no map; None until a frame is rendered."""

    others: tuple[Frame, ...] = ()
    """For the third ControlNet and those after it."""

    @classmethod
    def of(cls, images: Sequence[Frame]) -> Conditions:
        """Take any number of images, of which only the order counts."""
        second = images[1] if len(images) > 1 else np.zeros_like(as_array(images[0]))
        return cls(images[0], second, tuple(images[2:]))

    @property
    def images(self) -> tuple[Frame | None, ...]:
        """All of them."""
        return (self.drawing, self.fr_map, *self.others)

    def without_map(self) -> Conditions:
        """Give them as they are where there is no FR map."""
        return self._replace(fr_map=np.zeros_like(as_array(self.drawing)))


@dataclass(frozen=True, eq=False)
class Joints:
    """A pose as arrays, as all that draws it takes it."""

    positions: NDArray[np.float32]
    """(T, 50, 3) normalised coordinates; (T, 124, 3) where eyes, ears and face are drawn, too."""

    confidence: NDArray[np.float32]
    """(T, 50 or 124); 0 where a joint is absent."""

    hidden: NDArray[np.bool_]
    """(T, 50 or 124) joints that are not drawn although they have a place."""

    camera: Camera
    """Where the signer stands in all frames."""

    size: tuple[int, int]
    """Width and height of the frames in pixels."""

    framing: Framing
    """How the camera is chosen for a body of other proportions."""

    pose: Pose
    """The pose as it was given, with the depth that it has."""

    motions: list[Motion] = field(default_factory=list, repr=False)
    """How the neutral avatar takes the pose, once somebody has asked; all views of the pose share it."""

    @classmethod
    def of(
        cls,
        pose: Pose,
        *,
        size: tuple[int, int],
        framing: Framing = "signing space",
        missing: Missing = "hold",
        include_face: bool = False,
    ) -> Joints:
        """Take the joints out of a pose for frames of a width and height.

        With `include_face`, eyes, ears and face are drawn where the pose has them. Raises ValueError for another
        skeleton, one that shows nobody, and what `signdiff_core.framing` and `signdiff_core.gaps` do not take.
        """
        width, height = size
        framing = resolved(framing, pose, width=width, height=height)
        filled = fill_gaps(visible(pose), missing, include_face=include_face)
        camera = choose_camera(filled.joints, filled.confidence, width=width, height=height, framing=framing)
        return cls(filled.joints, filled.confidence, filled.hidden, camera, size, framing, pose)

    def __len__(self) -> int:
        return len(self.positions)

    def retargeted(self, *, longer_neck: float = 0.0) -> Joints:
        """Let the neutral avatar's body take the pose, and give its own joints and face, all of them present.

        The head is `longer_neck` higher than the body's, in normalised units.
        """
        motion, camera = self.performed(rise=longer_neck)
        own = self.on_body(motion)
        head = [NOSE, *range(NUM_JOINTS, own.positions.shape[1])]
        own.positions[:, head, 1] -= longer_neck
        return replace(own, confidence=np.ones(own.positions.shape[:2], dtype=np.float32), camera=camera)

    def on_body(self, motion: Motion) -> Joints:
        """Put the joints of a body that performs the pose in place of the pose's own; its face goes with the nose."""
        if not self.includes_face:
            return replace(self, positions=motion.joints.copy())
        from signdiff_core.avatar import face_points

        positions = np.concatenate([motion.joints, face_points(motion)], axis=1)
        hidden = self.hidden.copy()
        hidden[:, NUM_JOINTS:] = self.hidden[:, NOSE, None]
        return replace(self, positions=positions, hidden=hidden)

    @property
    def includes_face(self) -> bool:
        """Whether eyes, ears and face are drawn."""
        return bool(self.positions.shape[1] == BODY_HANDS_FACE.num_joints)

    def without_face(self) -> Joints:
        """Leave eyes, ears and face out."""
        body = np.s_[:, :NUM_JOINTS]
        return replace(self, positions=self.positions[body], confidence=self.confidence[body], hidden=self.hidden[body])

    def performed(self, *, rise: float = 0.0) -> tuple[Motion, Camera]:
        """Let the neutral avatar's body take the pose, seen by the camera that shows it, its head so much higher."""
        from signdiff_core.avatar import Signer, camera_of, fit
        from signdiff_core.lifting.poses import with_depth

        if not self.motions:
            with warnings.catch_warnings():  # what is missing was told when the joints were taken
                warnings.simplefilter("ignore", MissingJointsWarning)
                pose = with_depth(self.pose)
                filled = fill_gaps(pose)
            motion = fit(Signer.neutral().avatar(), filled.joints, filled.confidence, face=face_of(pose))
            self.motions.append(motion)
        motion = self.motions[0]
        width, height = self.size
        sure = self.confidence[:, :NUM_JOINTS]
        return motion, camera_of(motion, sure, width=width, height=height, framing=self.framing, rise=rise)

    def drawings(self, *, start: int = 0) -> Iterator[NDArray[np.uint8]]:
        """Draw the skeleton, (height, width, 3), from a frame on; each as it is asked for."""
        seen = np.where(self.hidden, 0, self.confidence)
        each = zip(self.positions[start:], seen[start:], strict=True)
        size = self.size[::-1]
        return (draw(positions, confidence, size=size, camera=self.camera) for positions, confidence in each)


def conditions_of(
    image: Joints | Iterable[Frame] | Frame | None,
    fr_image: Iterable[Frame] | Frame | None,
    frnet_source: FRNetSource | Iterable[Frame] | Frame | None,
    frnet: FRMapper | None,
    *,
    count: int,
    start: int = 0,
    others: tuple[Iterable[Frame], ...] = (),
    control_maps: Sequence[str] | None = None,
) -> Iterator[Conditions]:
    """Make the conditions of a video from what the pipeline is called with; see `SignDiffPipeline.stream`.

    `image` holds drawings, or the joints of a pose. The ControlNet takes `count` images for a frame; `others` are those
    of the third ControlNet and of those after it. Nothing is drawn or predicted for frames before `start`. Raises
    ValueError where the arguments contradict each other, or the ControlNet.
    """
    if image is None:
        raise ValueError("image must hold the skeleton drawings, but is None.")
    check_source(frnet_source)
    if fr_image is not None and frnet_source is not None:
        raise ValueError("fr_image or frnet_source must be given, not both.")
    if control_maps is not None:
        if fr_image is not None or frnet_source is not None:
            raise ValueError("control_maps must be given in place of fr_image and frnet_source, not beside them.")
        from signdiff_core.avatar import check_maps

        names = check_maps(control_maps)
        if not isinstance(image, Joints):
            raise ValueError("image must be a pose for control_maps, but holds drawings.")
        if len(names) != count:
            raise ValueError(
                f"control_maps must name a map for each condition that the ControlNet takes, {count}, but names "
                f"{', '.join(names)}."
            )
        return mapped_conditions(image, names, mapper=frnet, start=start)
    if count > 2:
        if fr_image is None or len(others) != count - 2:
            raise ValueError(
                f"the ControlNet takes {count} conditions: expected image to be a pose and control_maps to name "
                f"{count} maps, or a list of {count} pictures for each frame."
            )
        each = [islice(frames_of(images, "image"), start, None) for images in (image, fr_image, *others)]
        return (Conditions.of(images) for images in _together(each, "image must hold as many pictures"))
    source: Any = frnet_source
    if count == 1:
        if fr_image is not None or not (source is None or (isinstance(source, str) and source == "none")):
            raise ValueError("the ControlNet takes 1 condition, but was called with fr_image or frnet_source.")
        source = "none"
    elif source is None and fr_image is None:
        source = default_source(has_pose=isinstance(image, Joints))
        if source == "none" and not isinstance(image, Joints):
            raise ValueError("the ControlNet takes 2 conditions, but was called without fr_image or frnet_source.")
    if isinstance(source, str) and source == "avatar":
        if not isinstance(image, Joints):
            raise ValueError("image must be a pose for frnet_source 'avatar', but holds drawings.")
        return neutral_conditions(image, mapper=frnet or FRMapper(), start=start)
    plain: Iterator[Frame] | None = None
    if isinstance(image, Joints):
        drawings: Iterator[Frame] = image.drawings(start=start)
        plain = image.without_face().drawings(start=start) if image.includes_face else None
    else:
        drawings = islice(frames_of(image, "image"), start, None)
    if fr_image is not None:
        fr_maps = islice(frames_of(fr_image, "fr_image"), start, None)
        return (Conditions.of(both) for both in _together([drawings, fr_maps], "fr_image must hold one map"))
    if not isinstance(source, str):
        source = islice(frames_of(source, "frnet_source"), start, None)
    return with_maps(drawings, source, frnet, plain=plain)


def with_maps(
    drawings: Iterable[Frame],
    source: FRNetSource | Iterable[Frame],
    mapper: FRMapper | None,
    *,
    plain: Iterable[Frame] | None = None,
) -> Iterator[Conditions]:
    """Put FR maps beside drawings, one a frame.

    They come from any source but the avatar, which needs a pose; of given frames, the middle is taken. `plain` are the
    drawings without faces, where there are faces in `drawings`: the predictor knows no others. Raises
    ValueError where there are more or fewer given frames than drawings, or the predictor is for other settings than the
    mapper's.
    """
    if not isinstance(source, str):
        mapper = mapper or FRMapper()
        for drawing, frame in _together([drawings, source], "frnet_source must hold one frame"):
            yield Conditions(drawing, map_of(frame, as_array(drawing).shape, mapper))
    elif source == "predictor":
        predict = Predictor()
        if mapper is not None:
            predict.check(mapper.parameters)
        drawings, known = tee(drawings) if plain is None else (drawings, plain)
        yield from (Conditions(drawing, predict(seen)) for drawing, seen in zip(drawings, known, strict=True))
    elif source == "two-pass":
        yield from (Conditions(drawing, None) for drawing in drawings)
    else:
        yield from (Conditions(drawing, np.zeros_like(as_array(drawing))) for drawing in drawings)


def map_of(frame: Frame, shape: tuple[int, ...], mapper: FRMapper) -> NDArray[np.uint8]:
    """Draw the FR map of a frame, (H, W, 3) uint8, for a drawing of height H and width W."""
    picture = cut_to(as_array(frame), shape)
    return resized_map(mapper(picture, size=max(min(shape[:2]), 64)), shape[:2])


def neutral_conditions(joints: Joints, *, mapper: FRMapper, start: int = 0) -> Iterator[Conditions]:
    """Let the neutral avatar take a pose: c shows its joints and face, d is the FR map of its rendered frame.

    The frames' shorter side in pixels is a multiple of 64; frames before `start` are left out.
    """
    return mapped_conditions(joints, ("openpose", "frnet"), mapper=mapper, start=start)


def mapped_conditions(
    joints: Joints, maps: tuple[str, ...], *, mapper: FRMapper | None = None, start: int = 0
) -> Iterator[Conditions]:
    """Let the neutral avatar take a pose, and draw a map of it for each ControlNet; frames before `start` are left out.

    FR maps are drawn by `mapper`, or with the annotator's own settings.
    """
    from signdiff_core.avatar import Scene, Signer, drawn_maps

    motion, camera = joints.performed()
    own = joints.on_body(motion)
    someone = np.asarray((np.where(joints.hidden, 0, joints.confidence) > 0).any(axis=1))
    seen = ~own.hidden & someone[:, None]
    annotators = {"frnet": _strokes(mapper or FRMapper(), joints.size)} if "frnet" in maps else {}
    scene = Scene(Signer.neutral(), motion, camera, joints.size, own.positions, seen)
    for frame in drawn_maps(scene, maps, start=start, annotators=annotators):
        yield Conditions.of(list(frame.values()))


def _strokes(mapper: FRMapper, size: tuple[int, int]) -> Callable[[NDArray[np.uint8]], NDArray[np.uint8]]:
    def fr_map(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
        return resized_map(mapper(grey, size=max(min(size), 64)), size[::-1])

    return fr_map


def apart(image: Any, *, count: int, several_nets: bool, whose: str) -> tuple[Any, ...]:
    """Take the pictures for several conditions apart, where they come as diffusers' own ControlNet pipeline has them.

    For two ControlNets: ``[drawing, map]`` is one frame, ``[drawings, maps]`` of two batches (T, ...) are T, and so are
    T pairs ``[[drawing, map], ...]``, which may be an iterator, too; likewise for more. For one ControlNet of both
    conditions: a tensor (T, 6, H, W). A tuple of `image` alone comes back where it holds drawings. `whose` says what of
    the call diffusers does not know; with it, two pictures may be meant as two drawings. Raises ValueError where the
    call can be understood in two ways.
    """
    if not several_nets:
        both = count > 1 and getattr(image, "ndim", 0) == 4 and image.shape[1] == 3 * count
        return tuple(image[:, 3 * n : 3 * n + 3] for n in range(count)) if both else (image,)
    if isinstance(image, Iterator):
        first = list(islice(image, 1))
        image = chain(first, image)
        if not first or not isinstance(first[0], list | tuple):
            return (image,)
        rows = tee(_rows(image, count), count)
        return tuple(map(itemgetter(n), each) for n, each in enumerate(rows))
    if not isinstance(image, list):
        return (image,)
    if image and all(isinstance(frame, list | tuple) for frame in image):
        return tuple(list(column) for column in zip(*_rows(image, count), strict=True))
    if len(image) != count:
        return (image,)
    if all(getattr(batch, "ndim", 0) == 4 for batch in image):
        return tuple(image)
    if not all(is_picture(picture) for picture in image):
        return (image,)
    if whose and count == 2:
        raise ValueError(
            "image must be unmistakable, but of two pictures for two ControlNets diffusers makes one frame, of drawing "
            f"and FR map, and {whose} two, of drawings: give the map as fr_image, or a frnet_source."
        )
    return tuple([picture] for picture in image)


def _rows(frames: Iterable[Any], count: int) -> Iterator[Any]:
    """Go through frames of one picture for each of so many ControlNets."""
    for frame in frames:
        if not isinstance(frame, list | tuple) or len(frame) != count:
            raise ValueError(
                f"image must hold one picture for each of {'two' if count == 2 else count} ControlNets in each of its "
                "lists."
            )
        yield frame


def _together(each: Sequence[Iterable[Frame]], what: str) -> Iterator[tuple[Frame, ...]]:
    """Go through the pictures of several conditions, of which there are equally many."""
    for number, images in enumerate(zip_longest(*each)):
        if any(image is None for image in images):
            side = "more" if images[0] is None else f"only {number}"
            raise ValueError(f"{what} for each of image, but holds {side}.")
        yield images
