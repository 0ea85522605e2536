"""The way from a split on disk to batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from fairseq2.data.data_pipeline import (
    CollateOptionsOverride,
    Collater,
    DataPipeline,
    create_bucket_sizes,
    read_sequence,
)
from fairseq2.data.tokenizers import TokenEncoder
from fairseq2.gang import Gangs
from numpy.typing import NDArray

from signdiff_slp.datasets.text_pose.batch import TextPoseBatch
from signdiff_slp.datasets.text_pose.manifest import Example, open_poses


def build_pipeline(
    data_dir: Path,
    split: str,
    examples: Sequence[Example],
    encoder: TokenEncoder,
    pad_idx: int,
    gangs: Gangs,
    *,
    max_num_frames: int,
    max_seq_len: int,
    bucket: bool,
    shuffle: bool,
    seed: int,
    num_workers: int,
    num_prefetch: int,
) -> DataPipeline:
    """Build the pipeline of some examples of one split; see `TextPoseDataset.create_reader` for the arguments."""
    builder = read_sequence([asdict(example) for example in examples])
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
        # In the same order on every rank, too: a step then has batches of like lengths, on no rank long ones that all
        # wait for, and of equal lengths just the examples that it has in one process with the same total batch.
        builder.shuffle(100, seed + 1)
    builder.map(_example_loader(open_poses(data_dir, split), encoder), selector="[*]", num_parallel_calls=num_workers)
    builder.map(Collater(pad_value=0, overrides=[CollateOptionsOverride("text", pad_value=pad_idx)]))
    builder.map(_to_batch)
    builder.prefetch(num_prefetch)
    return builder.and_return()


def _example_loader(poses: NDArray[np.float32], encoder: TokenEncoder) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def load(example: dict[str, Any]) -> dict[str, Any]:
        start = example["offset"]
        frames = np.array(poses[start : start + example["num_frames"]])
        return {"id": str(example["id"]), "text": encoder(example["text"]), "pose": torch.from_numpy(frames)}

    return load


def _to_batch(collated: dict[str, Any]) -> TextPoseBatch:
    text, pose = collated["text"], collated["pose"]
    return TextPoseBatch(collated["id"], text["seqs"], text["seq_lens"], pose["seqs"], pose["seq_lens"])
