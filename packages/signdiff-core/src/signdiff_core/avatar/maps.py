"""Control images of a pose as ControlNets of the wild know them, drawn from the avatar's body, without any model.

Each follows the detector of ``controlnet_aux`` by which people's ControlNets were trained: ``depth`` MidasDetector,
``normal`` NormalBaeDetector, ``softedge`` HEDdetector and PidiNetDetector, ``canny`` CannyDetector, ``openpose``
OpenposeDetector. A detector guesses from a photograph what is known here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from signdiff_core import plugins
from signdiff_core.avatar.body import Motion
from signdiff_core.avatar.face import face_points
from signdiff_core.avatar.renderer import check_device, perform
from signdiff_core.avatar.signer import Signer
from signdiff_core.camera import Camera
from signdiff_core.drawing import draw
from signdiff_core.framing import Framing, frame_size
from signdiff_core.gaps import Missing
from signdiff_core.skeleton import BODY_HANDS_FACE, NOSE, NUM_JOINTS, OPENPOSE50, masked_as_absent

if TYPE_CHECKING:
    from PIL import Image
    from pose_format import Pose

Picture = NDArray[np.uint8]
Annotator = Callable[[Picture], Picture]
"""From the avatar's frame (H, W, 3) uint8 RGB to a map of it, likewise."""

MAPS: Final = ("openpose", "depth", "normal", "softedge", "canny", "frnet")
"""The maps that this package knows; any other name is an annotator's, which looks at the avatar's frame."""

_SURFACES: Final = ("depth", "normal", "softedge")
_NO_FRAME: Final = ("openpose", "depth", "normal")

_VIEWER, _WALL = 1.6, 0.6
"""How far the viewer is before the neck, and the wall behind it, in normalised units (of about 1.1 metres): what a
camera sees of somebody who signs. Frames are orthographic; only the depth picture needs to know."""

_MOST_RAYS: Final = 2**22
"""Surfaces are measured by 2x2 rays a pixel where these are not more."""

_COLOUR_EDGE, _NORMAL_EDGE, _DEPTH_EDGE = 1.0, 0.12, 30.0
_FLAT, _EDGE = 0.04, 0.12
"""What changes of colour (of 1), normal and nearness weigh in soft edges; the change of a pixel that is none yet, and
how much more makes a bright one."""


@dataclass(frozen=True, eq=False)
class Scene:
    """A signer who performs, as all maps of a video show it."""

    signer: Signer
    motion: Motion
    camera: Camera
    size: tuple[int, int]
    """Width and height in pixels."""

    positions: NDArray[np.float32]
    """(T, 50, 3) joints of the body; (T, 124, 3) where eyes, ears and face are drawn."""

    seen: NDArray[np.bool_]
    """(T, 50 or 124) whether a joint is drawn; a frame without any shows nobody."""

    device: str = "cpu"


def control_maps(
    pose: Pose,
    maps: Iterable[str] = ("openpose", "depth"),
    *,
    size: int | None = None,
    width: int | None = None,
    height: int | None = None,
    framing: Framing = "signing space",
    missing: Missing = "hold",
    include_face: bool = False,
    signer: Signer | None = None,
    device: str = "cpu",
    start: int = 0,
) -> Iterator[dict[str, Picture]]:
    """Draw the control images of a pose, frame by frame as they are asked for.

    All show one body that performs the pose, so they agree to the pixel; OpenPose drawings show its joints. For a
    MultiControlNet, ``list(frame.values())`` is what diffusers takes for a frame.

    Args:
        pose: a pose of any kind that `AvatarRenderer.render` takes; it is lifted where it has no depth.
        maps: names out of `MAPS`, or of annotators that are installed. "openpose": the drawing of `drawing.draw`.
            "depth": near is bright, the nearest point of a frame 255 and the farthest 0, linear in 1 / distance.
            "normal": red to the viewer's left, green upwards, blue towards the viewer; the background is a wall that
            faces the viewer, (127, 127, 255). "softedge": white lines on black. "canny": ``cv2.Canny`` of the avatar's
            frame with thresholds of 100 and 200. "frnet": FR-Net's map of that frame, of package signdiff-frnet.
        size: side of square frames in pixels; 512 if not given.
        width: of the frames in pixels, with ``height`` in place of ``size``.
        height: likewise.
        framing: as in `AvatarRenderer.render`.
        missing: likewise; with "hide", drawings leave joints out, and the body is hidden where nobody is seen.
        include_face: draw the avatar's eyes, ears and face in OpenPose drawings, too.
        signer: who performs; the neutral signer if not given.
        device: a warp device, such as "cpu" or "cuda:0".
        start: number of the first frame to draw.

    Returns:
        For each frame of the pose from ``start`` on, maps (height, width, 3) uint8 RGB by name, in the order asked.

    Raises:
        ModuleNotFoundError: the extra ``[avatar]`` is not installed.
        signdiff_core.plugins.UnknownPluginError: a map is neither known nor an annotator that is installed.
        ValueError: an argument is out of range, or the pose has another skeleton or shows nobody.

    Example:
        >>> from signdiff_core import formats  # doctest: +SKIP
        >>> frames = control_maps(formats.read("hello.pose"), ("openpose", "depth"))  # doctest: +SKIP
        >>> images = [[Image.fromarray(m) for m in frame.values()] for frame in frames]  # doctest: +SKIP
    """
    names = check_maps(maps)
    if start < 0:
        raise ValueError(f"start must be at least 0, but is {start}.")
    check_device(device)
    width, height = frame_size(size, width, height)
    signer = signer or Signer.neutral()
    done = perform(pose, signer, width=width, height=height, framing=framing, missing=missing)
    positions, seen = done.motion.joints, done.shown[:, None] & ~done.hidden
    if include_face:
        positions = np.concatenate([positions, face_points(done.motion)], axis=1)
        seen = np.concatenate([seen, np.repeat(seen[:, NOSE, None], positions.shape[1] - NUM_JOINTS, axis=1)], axis=1)
    scene = Scene(signer, done.motion, done.camera, (width, height), positions, seen, device)
    return drawn_maps(scene, names, start=start)


def check_maps(maps: Iterable[str]) -> tuple[str, ...]:
    """Give the names of maps, each of which is known.

    Raises:
        signdiff_core.plugins.UnknownPluginError: one is neither in `MAPS` nor an annotator that is installed; of one
            that is known to come with another package, the message says how to get it.
        ValueError: there is none, or one comes twice.

    Example:
        >>> check_maps(["depth", "normal"])
        ('depth', 'normal')
    """
    names = (maps,) if isinstance(maps, str) else tuple(maps)
    if not names or len(set(names)) < len(names):
        raise ValueError(f"maps must be names, each of them once, such as {', '.join(MAPS)}, but are {names!r}.")
    for name in names:
        if name == "frnet-predictor":
            raise ValueError("maps are drawn of the avatar, which frnet-predictor does not look at: expected 'frnet'.")
        if name not in MAPS or name == "frnet":
            try:
                plugins.find("signdiff.annotators", name)
            except plugins.UnknownPluginError as error:
                if name in MAPS:
                    raise
                raise plugins.UnknownPluginError(
                    f"maps must be {', '.join(MAPS)}, or an annotator that is installed, but one is {name!r}."
                ) from error
    return names


def drawn_maps(
    scene: Scene, maps: tuple[str, ...], *, start: int = 0, annotators: Mapping[str, Annotator] | None = None
) -> Iterator[dict[str, Picture]]:
    """Draw the maps of a scene from a frame on, as `control_maps` gives them.

    `annotators` draw the maps of their names, in place of the annotators that are installed.
    """
    from signdiff_core.avatar.raycast import render_frames, render_surfaces

    (width, height), count = scene.size, len(scene.positions[start:])
    drawn = {"canny": _canny, **(annotators or {})}
    drawn |= {name: _installed(name) for name in maps if name not in (*_SURFACES, "openpose", *drawn)}
    motion, seen = scene.motion[start:], scene.seen[start:]
    view: dict[str, Any] = {"camera": scene.camera, "device": scene.device, "shown": seen.any(axis=1)}
    frames: Iterable[Any] = repeat(None, count)
    surfaces: Iterable[Any] = repeat((None, None), count)
    if set(maps) - set(_NO_FRAME):
        frames = render_frames(scene.signer, motion, size=scene.size, **view)
    if set(maps) & set(_SURFACES):
        rays = 2 if 4 * width * height <= _MOST_RAYS else 1
        surfaces = render_surfaces(scene.signer, motion, size=(rays * width, rays * height), **view)
    each = zip(scene.positions[start:], seen, frames, surfaces, strict=True)

    def made(name: str, joints: Any, present: Any, frame: Any, surface: Any) -> Picture:
        depth, normals = surface
        if name == "openpose":
            return draw(joints, present, size=(height, width), camera=scene.camera)
        if name == "depth":
            return depth_picture(nearness(depth, scene.size))
        if name == "normal":
            return normal_picture(_shrunk(normals, scene.size))
        if name == "softedge":
            return soft_edges(frame, nearness(depth, scene.size), _shrunk(normals, scene.size))
        return drawn[name](frame)

    return ({name: made(name, *one) for name in maps} for one in each)


def nearness(depth: NDArray[np.float32], size: tuple[int, int] | None = None) -> NDArray[np.float32]:
    """Turn depths, infinite where nothing is, into 1 / distance from the viewer, as MiDaS guesses it.

    Args:
        depth: (H, W) of `signdiff_core.avatar.raycast.render_surfaces`; what lies behind the wall is at the wall.
        size: width and height to bring the result to, by means.
    """
    near = 1 / (_VIEWER + np.clip(depth, 0.1 - _VIEWER, _WALL))
    return _shrunk(near.astype(np.float32), size or depth.shape[::-1])


def depth_picture(near: NDArray[np.floating]) -> Picture:
    """Colour nearness (H, W) as MidasDetector does: (H, W, 3) uint8, the nearest 255, the farthest 0.

    Example:
        >>> depth_picture(np.array([[0.5, 0.75, 1.0]]))[..., 0].tolist()
        [[0, 127, 255]]
    """
    above = near - near.min()
    most = above.max()
    grey = (above / (most if most > 0 else 1) * 255.0).clip(0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def normal_picture(normals: NDArray[np.floating]) -> Picture:
    """Colour normals (H, W, 3) on the axes of normalised coordinates as NormalBaeDetector does: (H, W, 3) uint8 RGB.

    Its axes, ScanNet's, are x to the viewer's left, y upwards and z towards the viewer.

    Example:
        >>> normal_picture(np.array([[[0, 0, -1], [-1, 0, 0], [0, -1, 0]]])).tolist()
        [[[127, 127, 255], [255, 127, 127], [127, 255, 127]]]
    """
    unit = normals / np.maximum(np.linalg.norm(normals, axis=2, keepdims=True), 1e-6)
    return np.asarray(((1 - unit) * 0.5 * 255.0).clip(0, 255).astype(np.uint8))


def soft_edges(frame: Picture, near: NDArray[np.floating], normals: NDArray[np.floating]) -> Picture:
    """Draw where colour, depth or normal change, as HEDdetector does: (H, W, 3) uint8, white lines on black.

    Args:
        frame: (H, W, 3) RGB.
        near: nearness (H, W).
        normals: (H, W, 3).
    """
    values = [_COLOUR_EDGE / 255 * frame, _NORMAL_EDGE * normals, _DEPTH_EDGE * near[..., None]]
    stack = np.concatenate(values, axis=2).astype(np.float32)
    spread = max(1.0, min(near.shape) / 512)
    stack = cv2.GaussianBlur(stack, (0, 0), spread)
    slopes = [cv2.Sobel(stack, cv2.CV_32F, dx, 1 - dx, scale=spread / 8) for dx in (0, 1)]
    change = np.sqrt(sum((slope**2).sum(axis=2) for slope in slopes))
    grey = (255 * np.tanh(np.maximum(change - _FLAT, 0) / _EDGE)).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def _canny(frame: Picture) -> Picture:
    return np.repeat(np.asarray(cv2.Canny(frame, 100, 200), dtype=np.uint8)[..., None], 3, axis=2)


def _installed(name: str) -> Annotator:
    """Open an annotator that is installed; FR-Net looks at greys, and its maps stay binary."""
    annotate = plugins.load("signdiff.annotators", name).from_pretrained()

    def annotated(frame: Picture) -> Picture:
        height, width = frame.shape[:2]
        seen = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) if name == "frnet" else frame
        side = max(64, min(height, width))
        made = np.asarray(annotate(seen, detect_resolution=512, image_resolution=side, output_type="np"))
        if made.shape[:2] != (height, width):
            how = cv2.INTER_NEAREST if name == "frnet" else cv2.INTER_LINEAR
            made = cv2.resize(made, (width, height), interpolation=how)
        return np.asarray(made if made.ndim == 3 else np.repeat(made[..., None], 3, axis=2), dtype=np.uint8)

    return annotated


def _shrunk(values: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Bring (H, W) or (H, W, C) to a width and height, a whole number of times smaller, by means."""
    rays = values.shape[0] // size[1]
    return values if rays == 1 else np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_AREA))


class MapDrawer:
    """An annotator that draws one map of a known pose, where a detector of ``controlnet_aux`` looks for what it shows.

    It is called as `signdiff_core.drawing.OpenposeDrawer` is.

    Args:
        camera: where the signer stands in the frame.
    """

    map: ClassVar[str]
    """One of `MAPS`."""

    def __init__(self, *, camera: Camera | None = None) -> None:
        self.camera = camera or Camera()

    @classmethod
    def from_pretrained(cls, pretrained_model_or_path: str | None = None, **_options: Any) -> Self:
        """Make a drawer; there are no weights, and the arguments stand for symmetry with the detectors."""
        return cls()

    def __call__(
        self,
        joints: NDArray[np.floating],
        confidence: NDArray[np.floating] | None = None,
        *,
        detect_resolution: int = 512,
        image_resolution: int = 512,
        output_type: Literal["pil", "np"] = "pil",
    ) -> Image.Image | Picture:
        """Let the neutral avatar take a pose, and draw the map of that frame.

        Args:
            joints: (50, 2 or 3) normalised positions, or (124, 2 or 3) with eyes, ears and face; flat ones are lifted.
            confidence: (50,) or (124,); 0 means absent.
            detect_resolution: side of the canvas that is drawn on.
            image_resolution: side of the image that is returned.
            output_type: ``"pil"`` or ``"np"``.

        Returns:
            The map, (image_resolution, image_resolution, 3) RGB.

        Raises:
            ModuleNotFoundError: the extra ``[avatar]`` is not installed.
            ValueError: an argument has another shape or range.
        """
        if output_type not in ("pil", "np"):
            raise ValueError(f"output_type must be 'pil' or 'np', but is {output_type!r}.")
        joints, confidence = masked_as_absent(np.asarray(joints), confidence)
        kind = {skeleton.num_joints: skeleton for skeleton in (OPENPOSE50, BODY_HANDS_FACE)}.get(len(joints))
        if kind is None or joints.ndim != 2 or joints.shape[1] not in (2, 3):
            raise ValueError(f"joints must have the shape (50 or 124, 2 or 3), but have {joints.shape}.")
        whole = np.zeros((1, len(joints), 3), dtype=np.float32)
        whole[0, :, : joints.shape[1]] = joints
        pose = kind.make_pose(whole, 25, confidence=None if confidence is None else np.asarray(confidence)[None])
        made = next(control_maps(pose, [self.map], size=detect_resolution, framing=self.camera))[self.map]
        side, _ = frame_size(image_resolution, None, None)
        if side != detect_resolution:
            made = np.asarray(cv2.resize(made, (side, side), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
        if output_type == "np":
            return made
        from PIL import Image

        return Image.fromarray(made)


class DepthDrawer(MapDrawer):
    """The annotator ``depth``."""

    map = "depth"


class NormalDrawer(MapDrawer):
    """The annotator ``normal``."""

    map = "normal"


class SoftEdgeDrawer(MapDrawer):
    """The annotator ``softedge``."""

    map = "softedge"


class CannyDrawer(MapDrawer):
    """The annotator ``canny``."""

    map = "canny"
