"""Where training pairs come from: one form for every kind of data."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from signdiff_frnet.contract import UInt8Image
    from signdiff_frnet.training.config import PredictorTrainingConfig


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
    """Open the training data and the held-out data, which are the training data where none are named.

    Args:
        config: names the folders.

    Raises:
        OSError: a file is missing.
        ValueError: a folder holds nothing that is understood.
        ImportError: the data need a library or a plug-in that is not installed.
    """
    if config.train_data_dir is not None:
        train = open_folder(Path(config.train_data_dir), frame_step=config.video_frame_step)
    else:
        from signdiff_frnet.training.avatar import AvatarSource

        train = AvatarSource(Path(str(config.avatar_poses_dir)), seed=config.seed)
    if config.validation_data_dir is None:
        return train, train
    return train, open_folder(Path(config.validation_data_dir), frame_step=config.video_frame_step)


def fingerprint(source: Source, *, samples: int = 4) -> str:
    """Tell training data from others, by how many samples there are and what a few of them show.

    Args:
        source: the data.
        samples: how many are looked at, spread over all.
    """
    digest = hashlib.sha256(str(len(source)).encode())
    for number in range(samples):
        index = number * (len(source) - 1) // max(1, samples - 1)
        digest.update(source.drawing(index, _LOOK).tobytes())
        digest.update(source.frame(index, _LOOK).tobytes())
    return digest.hexdigest()[:16]


def open_folder(root: Path, *, frame_step: int = 5) -> Source:
    """Open a folder of any of the forms that ``--train_data_dir`` takes.

    Args:
        root: the folder.
        frame_step: of videos, every so many frames are samples.

    Raises:
        OSError: a file is missing.
        ValueError: the folder holds nothing that is understood.
    """
    if (root / "metadata.jsonl").is_file():
        from signdiff_frnet.training.frame_folder import FrameFolder

        return FrameFolder(root)
    if (root / "drawings").is_dir() and (root / "frames").is_dir():
        from signdiff_frnet.training.pair_folder import PairFolder

        return PairFolder(root, frame_step=frame_step)
    if root.is_dir() and any(root.rglob("*.pose")):
        from signdiff_frnet.training.clip_folder import ClipFolder

        return ClipFolder(root, frame_step=frame_step)
    if not root.is_dir():
        raise FileNotFoundError(f"{root}: expected a folder of training data, but there is none.")
    raise ValueError(
        f"{root} must hold metadata.jsonl, or drawings and frames, or videos with .pose files, but holds none of them."
    )
