"""The renderer ``avatar``: a parametric body performs the pose."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from signdiff_core.avatar.body import Motion
from signdiff_core.avatar.inverse_kinematics import fit
from signdiff_core.avatar.signer import Signer
from signdiff_core.formats.coordinates import visible
from signdiff_core.skeleton import joints_of

if TYPE_CHECKING:
    from pose_format import Pose


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
        self, pose: Pose, *, size: int | None = None, seed: int = 0, start: int = 0, **options: Any
    ) -> Iterator[NDArray[np.uint8]]:
        """Draw a pose, frame by frame, as frames are asked for.

        Args:
            pose: a pose of the 50 joints, normalised or in pixels.
            size: side of the frames in pixels; 512 if not given.
            seed: draws the signer where none was given.
            start: number of the first frame to draw.
            options: ``signer``, ``device`` or ``camera``, for this pose only.

        Returns:
            One (size, size, 3) uint8 RGB frame per frame of the pose from ``start`` on.

        Raises:
            TypeError: there is an unknown option.
            ValueError: the pose has another skeleton or shows nobody, ``start`` is negative, or there is no device.
        """
        from signdiff_core.avatar.raycast import render_frames

        unknown = sorted(set(options) - {"signer", "device", "camera"})
        if unknown:
            raise TypeError(f"the avatar renderer takes signer, device, camera, but got {', '.join(unknown)}.")
        if start < 0:
            raise ValueError(f"start must be at least 0, but is {start}.")
        device = options.get("device", self._device)
        _check_device(device)
        joints, confidence = joints_of(visible(pose))
        signer = options.get("signer") or self._signer or Signer.sample(np.random.default_rng(seed))
        motion = fit(signer.avatar(), joints, confidence)
        return render_frames(
            signer,
            Motion(body=motion.body, turns=motion.turns[start:]),
            size=size or 512,
            camera=options.get("camera"),
            device=device,
        )


def _check_device(device: str) -> None:
    import warp

    from signdiff_core.avatar.kernels import load_warp

    load_warp()
    try:
        warp.get_device(device)
    except (RuntimeError, ValueError) as error:
        found = ", ".join(str(one) for one in warp.get_devices())
        raise ValueError(f"device must be one that Warp has here ({found}), but is {device!r}.") from error
