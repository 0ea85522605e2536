"""Training frames made meanwhile: avatars of random looks perform poses, by the renderer registered as ``avatar``."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from signdiff_frnet.training.drawings import draw, joints_of, load_plugin, read_pose
from signdiff_frnet.training.images import resize

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from signdiff_frnet.contract import UInt8Image

CLIP = 4
"""Frames that one signer performs of one pose."""

SAMPLES = 1 << 16
SIZE = 256
"""Side at which frames are rendered, in pixels."""


class _Clip(NamedTuple):
    joints: NDArray[np.float32]
    confidence: NDArray[np.float32]
    frames: list[UInt8Image]


class AvatarSource:
    """A source without files of frames. A sample depends on its number and the seed alone.

    The drawing is the pose's own, and the body follows it as far as its limbs' lengths allow.

    Args:
        poses: a folder of ``.pose`` files with the 50 joints, normalised.
        seed: draws signers and frames.
        renderer: gives frames of a pose; by default the plug-in ``avatar``.

    Raises:
        ImportError: no renderer ``avatar`` is installed.
        ValueError: there are no poses.
    """

    def __init__(self, poses: Path, *, seed: int = 0, renderer: Any = None) -> None:
        self._paths = sorted(poses.glob("[!.]*.pose"))
        if not self._paths:
            raise ValueError(f"avatar_poses_dir must be a folder of .pose files, but {poses} holds none.")
        self._seed = seed
        self._renderer = load_plugin("signdiff.renderers", "avatar")() if renderer is None else renderer
        # A batch takes samples in the order of their clips: a few clips are at work at a time.
        self._clip = lru_cache(maxsize=64)(self._perform)

    def __len__(self) -> int:
        return SAMPLES

    def drawing(self, index: int, resolution: int) -> UInt8Image:
        """See `Source.drawing`."""
        clip = self._clip(index // CLIP)
        return draw(clip.joints[index % CLIP], clip.confidence[index % CLIP], resolution)

    def frame(self, index: int, resolution: int) -> UInt8Image:
        """See `Source.frame`."""
        return resize(self._clip(index // CLIP).frames[index % CLIP], resolution)

    def companions(self, index: int) -> list[int]:
        """See `Source.companions`."""
        first = index // CLIP * CLIP
        return [other for other in range(first, first + CLIP) if other != index]

    def _perform(self, number: int) -> _Clip:
        rng = np.random.default_rng([self._seed, number])
        pose = read_pose(self._paths[rng.integers(len(self._paths))])
        chosen = np.sort(rng.integers(len(pose.body.data), size=CLIP))
        part = type(pose)(pose.header, pose.body.select_frames(chosen.tolist()))
        joints, confidence = joints_of(part)
        frames = list(self._renderer.render(part, size=SIZE, seed=int(rng.integers(1 << 31))))
        return _Clip(joints, confidence, frames)
