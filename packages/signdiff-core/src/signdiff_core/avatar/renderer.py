"""The renderer ``avatar``: a parametric body performs the pose."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from signdiff_core.avatar.backdrop import Backdrop, Background
from signdiff_core.avatar.body import Motion
from signdiff_core.avatar.inverse_kinematics import fit
from signdiff_core.avatar.signer import Signer
from signdiff_core.camera import Camera
from signdiff_core.formats.files import FormatWarning
from signdiff_core.framing import Framing, choose_camera, frame_size, resolved
from signdiff_core.gaps import Missing, MissingJointsWarning, fill_gaps
from signdiff_core.lifting.poses import needs_lifting, with_depth
from signdiff_core.skeleton import NOSE, face_of

if TYPE_CHECKING:
    from pose_format import Pose

_WAYS: Final = np.stack(np.meshgrid([-1.0, 0, 1], [-1.0, -0.5, 0], [-1.0, -0.5, 0, 0.5, 1]), axis=-1).reshape(-1, 3)
"""Directions up and aside, in which a head may stick out."""


class AvatarRenderer:
    """Draws a pose as a parametric body that performs it.

    Args:
        signer: what the signer looks like; drawn by the seed of `render` if not given.
        device: a warp device, such as "cpu" or "cuda:0".
    """

    name: ClassVar[str] = "avatar"
    requires: ClassVar[tuple[str, ...]] = ("warp",)
    extra: ClassVar[str] = "signdiff-core[avatar]"

    def __init__(self, *, signer: Signer | None = None, device: str = "cpu") -> None:
        self._signer, self._device = signer, device

    def render(
        self,
        pose: Pose,
        *,
        size: int | None = None,
        width: int | None = None,
        height: int | None = None,
        framing: Framing = "signing space",
        missing: Missing = "hold",
        background: Background = None,
        seed: int = 0,
        start: int = 0,
        **options: Any,
    ) -> Iterator[NDArray[np.uint8]]:
        """Draw a pose, frame by frame, as frames are asked for.

        Args:
            pose: a pose of the 50 joints, normalised or in pixels.
            size: side of square frames in pixels; 512 if not given.
            width: of the frames in pixels, with ``height`` in place of ``size``.
            height: likewise.
            framing: "signing space" shows head and hands of all frames, "recorded" what the source picture showed; or
                a camera, or its scale and the x and y of the neck. See `signdiff_core.framing`.
            missing: what becomes of joints that are absent for long: "hold" or "hide"; see `signdiff_core.gaps`. A body
                has all of its parts: hidden is it only in frames that show nobody.
            background: what lies behind the signer, in place of the signer's own: "transparent", a colour (r, g, b) of
                bytes, its name or ``#rrggbb``, or a picture (H, W, 3) uint8 RGB or its file.
            seed: draws the signer where none was given.
            start: number of the first frame to draw.
            options: ``signer``, ``device`` or ``camera``, for this pose only.

        Returns:
            One (height, width, 3) uint8 RGB frame per frame of the pose from ``start`` on; (height, width, 4) RGBA
            where the background is transparent.

        Raises:
            OSError: the picture of the background cannot be read.
            TypeError: there is an unknown option.
            ValueError: the pose has another skeleton or shows nobody, an argument is out of range, or there is no
                device.
        """
        from signdiff_core.avatar.raycast import render_frames

        unknown = sorted(set(options) - {"signer", "device", "camera"})
        if unknown:
            raise TypeError(f"the avatar renderer takes signer, device, camera, but got {', '.join(unknown)}.")
        if start < 0:
            raise ValueError(f"start must be at least 0, but is {start}.")
        device = options.get("device", self._device)
        check_device(device)
        width, height = frame_size(size, width, height)
        Backdrop(background, width=width, height=height)  # or an error, before the work
        framing = options.get("camera") or framing
        signer = options.get("signer") or self._signer or Signer.sample(np.random.default_rng(seed))
        done = perform(pose, signer, width=width, height=height, framing=framing, missing=missing)
        return render_frames(
            signer,
            done.motion[start:],
            size=(width, height),
            camera=done.camera,
            device=device,
            background=background,
            shown=done.shown[start:],
        )


class Performance(NamedTuple):
    """A pose that a body performs, as frames of one size show it."""

    motion: Motion
    camera: Camera
    hidden: NDArray[np.bool_]
    """(T, 50) joints that are not drawn."""

    shown: NDArray[np.bool_]
    """(T,) whether there is somebody."""


def perform(pose: Pose, signer: Signer, *, width: int, height: int, framing: Framing, missing: Missing) -> Performance:
    """Let a signer's body perform a pose; arguments and errors are those of `AvatarRenderer.render`.

    A body has all of its parts: of joints that are hidden, others than all of a frame's are held, and told so.
    """
    framing = resolved(framing, pose, width=width, height=height)
    pose = _with_depth(pose)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MissingJointsWarning)
        seen, filled = fill_gaps(pose, missing), fill_gaps(pose, "hold")
    if filled.told:
        gone = int((~seen.shown).sum()) if missing == "hide" else 0
        hidden = f"; a body has all of its parts, so that only the {gone} frames without anybody are hidden" * (
            gone > 0
        )
        warnings.warn(f"{filled.told}{hidden}.", MissingJointsWarning, stacklevel=3)
    motion = fit(signer.avatar(), filled.joints, filled.confidence, face=face_of(pose))
    camera = camera_of(motion, filled.confidence, width=width, height=height, framing=framing)
    return Performance(motion, camera, seen.hidden, seen.shown if missing == "hide" else np.ones(len(motion), bool))


def _with_depth(pose: Pose) -> Pose:
    """Give a pose in normalised coordinates that can be performed; that one without depth is lifted is told."""
    if needs_lifting(pose):
        message = "depth was worked out from the picture: the pose has none, or a detector's, which has no scale."
        warnings.warn(message, FormatWarning, stacklevel=4)
    return with_depth(pose)


def camera_of(
    motion: Motion,
    confidence: NDArray[np.floating],
    *,
    width: int,
    height: int,
    framing: Framing = "signing space",
    rise: float = 0.0,
) -> Camera:
    """Choose the camera for a body that moves, as `signdiff_core.framing.choose_camera` does for joints.

    The body's whole head is shown, and one that is `rise` higher. `confidence` (T, 50) is that of the pose: hands that
    it never has do not count.
    """
    body = motion.body
    bone = body.bone("head")
    own = body.vertices[body.bone_index[:, 0] == bone]
    # The outermost of its vertices, whichever way it is turned.
    ends = own[np.unique((own @ _WAYS.T).argmax(axis=0))]
    places = [ends @ np.swapaxes(turns[:, bone], 1, 2) + shifts[:, None, bone] for turns, shifts, _ in motion.blocks()]
    hands = np.where(np.arange(confidence.shape[1]) == NOSE, 0, confidence)  # of the head more is known
    head = np.concatenate(places) - [0.0, rise, 0.0]
    return choose_camera(motion.joints, hands, width=width, height=height, framing=framing, face=head)


def check_device(device: str) -> None:
    """Raise ValueError where Warp has no device of this name, ModuleNotFoundError where Warp is not installed."""
    import warp

    from signdiff_core.avatar.kernels import load_warp

    load_warp()
    try:
        warp.get_device(device)
    except (RuntimeError, ValueError) as error:
        found = ", ".join(str(one) for one in warp.get_devices())
        raise ValueError(f"device must be one that Warp has here ({found}), but is {device!r}.") from error
