"""A corpus of texts and poses as a dataset of fairseq2: its configuration, its batches, and the way to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, final

import numpy as np
import torch
from fairseq2.data.data_pipeline import (
    CollateOptionsOverride,
    Collater,
    create_bucket_sizes,
    read_sequence,
)
from fairseq2.data.tokenizers import TokenEncoder, Tokenizer
from fairseq2.datasets import DataPipelineReader, DataReader, SyncMode
from fairseq2.device import Device, SupportsDeviceTransfer
from fairseq2.gang import Gangs
from fairseq2.logging import log
from fairseq2.nn import BatchLayout
from numpy.typing import NDArray
from torch import Tensor
from typing_extensions import override

from signdiff_core.plugins import PluginError
from signdiff_core.skeleton import OPENPOSE50, Skeleton, find_skeleton
from signdiff_slp.corpora.read import Row as Example
from signdiff_slp.corpora.read import corpus_rate
from signdiff_slp.datasets.files import CorpusError, check_finite, corpus_errors, open_poses, read_manifest

TEXT_POSE_FAMILY: Final = "slp_text_pose"
"""The name under which fairseq2 knows this dataset family."""


@dataclass(kw_only=True)
class TextPoseConfig:
    """Holds the configuration of a corpus."""

    data_dir: Path | None = None
    """The folder with ``{split}.tsv`` and ``{split}.poses.npy``, which must be given."""

    skeleton: str = "openpose50"
    """What joints the poses have: the name of a skeleton that is registered with `signdiff_core.skeleton`."""


@dataclass(eq=False)
class TextPoseBatch(SupportsDeviceTransfer):
    """Holds N texts and their poses."""

    ids: list[str]
    """The examples' names."""

    source_seqs: Tensor
    """(N, S) int64 tokens."""

    source_lens: list[int]
    """The texts' lengths, in tokens."""

    poses: Tensor
    """(N, T, D) float32 normalised coordinates."""

    pose_lens: list[int]
    """The poses' lengths, in frames."""

    @override
    def to(self, device: Device, *, non_blocking: bool = False) -> None:
        self.source_seqs = self.source_seqs.to(device, non_blocking=non_blocking)
        self.poses = self.poses.to(device, non_blocking=non_blocking)

    @property
    def source_layout(self) -> BatchLayout:
        """The layout of the texts."""
        return BatchLayout.of(self.source_seqs, self.source_lens)

    @property
    def pose_layout(self) -> BatchLayout:
        """The layout of the poses."""
        return BatchLayout.of(self.poses, self.pose_lens)

    @property
    def num_examples(self) -> int:
        """N."""
        return len(self.ids)

    @property
    def num_source_elements(self) -> int:
        """Tokens, without padding."""
        return sum(self.source_lens)

    @property
    def num_target_elements(self) -> int:
        """Frames, without padding."""
        return sum(self.pose_lens)

    @property
    def num_elements(self) -> int:
        """Tokens and frames, without padding."""
        return self.num_source_elements + self.num_target_elements

    @property
    def padding(self) -> int:
        """Tokens and frames that are padding."""
        return self.source_seqs.numel() + self.poses.shape[0] * self.poses.shape[1] - self.num_elements


@final
class TextPoseDataset:
    """Reads splits of texts and poses; a `CorpusError` says if the folder does not exist, or holds no split.

    A split is ``{split}.tsv``, a line for each example with its name, first frame, number of frames and text, without a
    header; and ``{split}.poses.npy``, (sum of T, D) float32, where D is three times the number of the skeleton's
    joints.
    """

    def __init__(self, data_dir: Path, skeleton: Skeleton = OPENPOSE50) -> None:
        self.data_dir = data_dir
        self.skeleton = skeleton
        self.splits = frozenset(path.stem for path in data_dir.glob("[!.]*.tsv"))
        if not data_dir.is_dir():
            raise CorpusError(
                f"--corpus (dataset.config_overrides.data_dir) must be a corpus's folder, but {data_dir} is none."
            )
        if not self.splits:
            raise CorpusError(
                f"--corpus (dataset.config_overrides.data_dir) must hold at least one split, such as "
                f"train.tsv, but {data_dir} holds none."
            )
        self._checked: dict[str, list[Example]] = {}

    def read_rate(self) -> float | None:
        """Find the frames per second of the poses; ``None`` where the corpus does not tell."""
        with corpus_errors():
            return corpus_rate(self.data_dir)

    def read_examples(self, split: str, gangs: Gangs) -> list[Example]:
        """List the examples of a split. The first time, all of its poses are checked; all ranks have to call.

        A `CorpusError` says if the split does not exist or is empty, its files do not fit, or its poses are not all
        finite.
        """
        if split not in self.splits:
            raise CorpusError(f"split must be one of {sorted(self.splits)}, but is {split!r}.")
        if split not in self._checked:
            examples = read_manifest(self.data_dir, split, 3 * self.skeleton.num_joints)
            check_finite(self.data_dir, split, examples, gangs)
            self._checked[split] = examples
        return self._checked[split]

    def create_reader(
        self,
        split: str,
        tokenizer: Tokenizer,
        gangs: Gangs,
        *,
        max_num_frames: int,
        max_seq_len: int,
        bucket: bool = True,
        shuffle: bool = False,
        seed: int = 0,
        emphasized: str = "",
        emphasis: int = 1,
        num_accumulate: int = 1,
        num_prefetch: int = 2,
        sync_mode: SyncMode = SyncMode.UNTIL_FIRST,
    ) -> DataReader[TextPoseBatch]:
        """Read a split in batches of similar lengths; each rank gets its share.

        A batch has at most ``max_num_frames``, padding included, a multiple of ``max_seq_len``; longer examples are
        left out, and how many is logged. With ``bucket``, examples of similar lengths are put together, so that little
        is padding: the paper's Batch Optimisation; without it, ``max_num_frames / max_seq_len`` examples are a batch,
        as they come. ``shuffle`` puts them in another order in every epoch. Examples with one of the rare characters
        ``emphasized`` come ``emphasis`` times. The reader returns ``num_accumulate`` batches at a time, and makes
        ``num_prefetch`` ahead; ``sync_mode`` says whether all ranks stop with the first or with the last.

        A `CorpusError` says if the split cannot be read (see `read_examples`), or nothing is left of it.
        """
        examples = self.read_examples(split, gangs)
        num_long = sum(example.num_frames > max_seq_len for example in examples)
        if num_long:
            log.warning(
                "{} of {} examples of {} are longer than {} frames and are left out.",
                *(num_long, len(examples), split, max_seq_len),
            )
        if num_long == len(examples):
            raise CorpusError(f"split must hold an example of at most {max_seq_len} frames, but {split!r} does not.")
        rare = set(emphasized)
        taken = [example for example in examples for _ in range(emphasis if rare & set(example.text) else 1)]
        builder = read_sequence([asdict(example) for example in taken])
        if shuffle:
            # The manifest is light, so all of it is shuffled, in the same order on every rank, before it is shared out.
            builder.shuffle(0, seed)
        if gangs.dp.size > 1:
            builder.shard(gangs.dp.rank, gangs.dp.size, allow_uneven=True)
        if bucket:
            sizes = create_bucket_sizes(max_num_elements=max_num_frames, max_seq_len=max_seq_len)
            builder.bucket_by_length(sizes, selector="num_frames", skip_above_max_examples=True)
        else:
            builder.filter(lambda example: bool(example["num_frames"] <= max_seq_len))
            builder.bucket(max_num_frames // max_seq_len)
        if shuffle:
            # In the same order on every rank, too: a step then has batches of like lengths, on no rank long ones that
            # all wait for, and of equal lengths just the examples that it has in one process with the same total batch.
            builder.shuffle(100, seed + 1)
        builder.map(_example_loader(open_poses(self.data_dir, split), tokenizer.create_encoder()), selector="[*]")
        pad_text = CollateOptionsOverride("text", pad_value=tokenizer.vocab_info.pad_idx or 0)
        builder.map(Collater(pad_value=0, overrides=[pad_text]))
        builder.map(_to_batch)
        builder.prefetch(num_prefetch)
        return DataPipelineReader[TextPoseBatch](
            builder.and_return(), gangs, num_accumulate=num_accumulate, sync_mode=sync_mode
        )


def open_text_pose_dataset(config: TextPoseConfig) -> TextPoseDataset:
    """Open a corpus."""
    try:
        skeleton = find_skeleton(config.skeleton)
    except (ValueError, PluginError) as error:
        raise CorpusError(str(error)) from error
    if config.data_dir is None:
        raise CorpusError("--corpus (dataset.config_overrides.data_dir) is missing.")
    return TextPoseDataset(config.data_dir.expanduser().resolve(), skeleton)


def _example_loader(poses: NDArray[np.float32], encoder: TokenEncoder) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def load(example: dict[str, Any]) -> dict[str, Any]:
        start = example["offset"]
        frames = np.array(poses[start : start + example["num_frames"]])
        return {"id": str(example["id"]), "text": encoder(example["text"]), "pose": torch.from_numpy(frames)}

    return load


def _to_batch(collated: dict[str, Any]) -> TextPoseBatch:
    text, pose = collated["text"], collated["pose"]
    return TextPoseBatch(collated["id"], text["seqs"], text["seq_lens"], pose["seqs"], pose["seq_lens"])
