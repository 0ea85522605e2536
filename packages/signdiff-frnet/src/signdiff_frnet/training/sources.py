"""Where training pairs come from: one form for every kind of data."""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from signdiff_core import plugins
from signdiff_core.drawing import draw
from signdiff_core.prepare.reader import INDEX, METADATA
from signdiff_frnet.contract import UInt8Image
from signdiff_frnet.training.config import PredictorTrainingConfig
from signdiff_frnet.training.folders import ClipFolder, JointFolder, PairFolder, joints_of, read_pose
from signdiff_frnet.training.images import resize

_LOOK: Final = 64


class Source(Protocol):
    """Frames, their drawings, and who is in them. Any sample can be asked for at any time, from several threads."""

    def __len__(self) -> int:
        """How many samples there are."""

    def drawing(self, index: int, resolution: int) -> UInt8Image:
        """Give the OpenPose drawing of a sample as (resolution, resolution, 3) uint8 RGB, on black."""

    def frame(self, index: int, resolution: int) -> UInt8Image:
        """Give the frame of a sample as (resolution, resolution, 3) uint8 RGB."""

    def companions(self, index: int) -> list[int]:
        """List the other samples of the same signer, whose FR map can be a reference; empty if there are none."""


def open_sources(config: PredictorTrainingConfig) -> tuple[Source, Source]:
    """Open the training data and the held-out data, which are the training data where none are named."""
    if config.train_data_dir is not None:
        train = open_folder(Path(config.train_data_dir), frame_step=config.video_frame_step)
    else:
        train = AvatarSource(Path(str(config.avatar_poses_dir)), seed=config.seed)
    if config.validation_data_dir is None:
        return train, train
    return train, open_folder(Path(config.validation_data_dir), frame_step=config.video_frame_step)


def fingerprint(source: Source, *, samples: int = 4) -> str:
    """Distinguish training data by how many samples there are and what a few of them, spread over all, show."""
    digest = hashlib.sha256(str(len(source)).encode())
    for number in range(samples):
        index = number * (len(source) - 1) // max(1, samples - 1)
        digest.update(source.drawing(index, _LOOK).tobytes())
        digest.update(source.frame(index, _LOOK).tobytes())
    return digest.hexdigest()[:16]


def open_folder(root: Path, *, frame_step: int = 5) -> Source:
    """Open a folder of any of the forms that ``--train_data_dir`` takes, or refuse it with a ValueError."""
    if any((root / name).is_file() for name in (METADATA, INDEX)):
        return JointFolder(root)
    if (root / "drawings").is_dir() and (root / "frames").is_dir():
        return PairFolder(root, frame_step=frame_step)
    if root.is_dir() and any(root.rglob("*.pose")):
        return ClipFolder(root, frame_step=frame_step)
    if not root.is_dir():
        raise FileNotFoundError(f"{root}: expected a folder of training data, but there is none.")
    raise ValueError(
        f"{root} must hold metadata.jsonl, or drawings and frames, or videos with .pose files, but holds none of them."
    )


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
    """A source without files of frames, but of normalised ``.pose`` files. A sample depends on its number and the seed.

    The drawing is the pose's own, and the body, by default that of the plug-in ``avatar``, follows it as far as its
    limbs' lengths allow. A ValueError if there are no poses, an ImportError if no renderer ``avatar`` is installed.
    """

    def __init__(self, poses: Path, *, seed: int = 0, renderer: Any = None) -> None:
        self._paths = sorted(poses.glob("[!.]*.pose"))
        if not self._paths:
            raise ValueError(f"avatar_poses_dir must be a folder of .pose files, but {poses} holds none.")
        self._seed = seed
        self._renderer = plugins.load("signdiff.renderers", "avatar")() if renderer is None else renderer
        # A batch takes samples in the order of their clips: a few clips are at work at a time.
        self._clip = lru_cache(maxsize=64)(self._perform)

    def __len__(self) -> int:
        return SAMPLES

    def drawing(self, index: int, resolution: int) -> UInt8Image:
        """See `Source.drawing`."""
        clip = self._clip(index // CLIP)
        return draw(clip.joints[index % CLIP], clip.confidence[index % CLIP], size=resolution)

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
