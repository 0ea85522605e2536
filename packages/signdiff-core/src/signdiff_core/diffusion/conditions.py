"""What the pipeline gets for each frame: a skeleton drawing c and an FR map d."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice, tee, zip_longest
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
    """The two images of one frame."""

    drawing: Frame
    """c: (H, W, 3) RGB, an OpenPose drawing on black."""

    fr_map: Frame | None
    """d: (H, W, 3), 0 at strokes and 255 elsewhere; all 0 where there is no map; None until a frame is rendered."""


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

        with warnings.catch_warnings():  # what is missing was told when the joints were taken
            warnings.simplefilter("ignore", MissingJointsWarning)
            pose = with_depth(self.pose)
            filled = fill_gaps(pose)
        motion = fit(Signer.neutral().avatar(), filled.joints, filled.confidence, face=face_of(pose))
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
) -> Iterator[Conditions]:
    """Make the conditions of a video from what the pipeline is called with; see `SignDiffPipeline.stream`.

    `image` holds drawings, or the joints of a pose. The ControlNet takes `count` images for a frame, 1 or 2; nothing is
    drawn or predicted for frames before `start`. Raises ValueError where the arguments contradict each other, or the
    ControlNet.
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
        maps = islice(frames_of(fr_image, "fr_image"), start, None)
        return (Conditions(c, d) for c, d in _paired(drawings, maps, "fr_image must hold one map"))
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
        for drawing, frame in _paired(drawings, source, "frnet_source must hold one frame"):
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
    from signdiff_core.avatar import Signer, render_frames

    motion, camera = joints.performed()
    own, shape = joints.on_body(motion), joints.size[::-1]
    seen = np.where(own.hidden, 0.0, 1.0)[start:]
    pictures = render_frames(
        Signer.neutral(), motion[start:], size=joints.size, camera=camera, shown=np.asarray(seen.any(axis=1))
    )
    for position, confidence, picture in zip(own.positions[start:], seen, pictures, strict=True):
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        fr_map = resized_map(mapper(np.asarray(grey, dtype=np.uint8), size=min(shape)), shape)
        yield Conditions(draw(position, confidence, size=shape, camera=camera), fr_map)


def apart(image: Any, *, count: int, several_nets: bool, whose: str) -> tuple[Any, Any]:
    """Take drawings and FR maps apart where they come together, as diffusers' own ControlNet pipeline has them.

    For two ControlNets: ``[drawing, map]`` is one frame, ``[drawings, maps]`` of two batches (T, ...) are T, and so are
    T pairs ``[[drawing, map], ...]``. For one ControlNet of both conditions: a tensor (T, 6, H, W). `image` itself and
    None come back where it holds drawings alone. `whose` says what of the call diffusers does not know; with it, two
    pictures may be meant as two drawings. Raises ValueError where the call can be understood in two ways.
    """
    if count != 2:
        return image, None
    if not several_nets:
        both = getattr(image, "ndim", 0) == 4 and image.shape[1] == 6
        return (image[:, :3], image[:, 3:]) if both else (image, None)
    if not isinstance(image, list):
        return image, None
    if image and all(isinstance(frame, list | tuple) for frame in image):
        if any(len(frame) != 2 for frame in image):
            raise ValueError("image must hold one picture for each of two ControlNets in each of its lists.")
        drawings, maps = zip(*image, strict=True)
        return list(drawings), list(maps)
    if len(image) != 2:
        return image, None
    if all(getattr(batch, "ndim", 0) == 4 for batch in image):
        return image[0], image[1]
    if not all(is_picture(picture) for picture in image):
        return image, None
    if whose:
        raise ValueError(
            "image must be unmistakable, but of two pictures for two ControlNets diffusers makes one frame, of drawing "
            f"and FR map, and {whose} two, of drawings: give the map as fr_image, or a frnet_source."
        )
    return image[:1], image[1:]


def _paired(drawings: Iterable[Frame], others: Iterable[Frame], what: str) -> Iterator[tuple[Frame, Frame]]:
    for number, (drawing, other) in enumerate(zip_longest(drawings, others)):
        if drawing is None or other is None:
            side = "more" if drawing is None else f"only {number}"
            raise ValueError(f"{what} for each of image, but holds {side}.")
        yield drawing, other
