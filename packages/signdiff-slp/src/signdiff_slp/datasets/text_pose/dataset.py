"""A corpus of texts and poses on disk."""

from __future__ import annotations

from pathlib import Path
from typing import final

from fairseq2.data.tokenizers import Tokenizer
from fairseq2.datasets import DataPipelineReader, DataReader, SyncMode
from fairseq2.gang import Gangs
from fairseq2.logging import log

from signdiff_core.plugins import PluginError
from signdiff_core.skeleton import OPENPOSE50, Skeleton, find_skeleton
from signdiff_slp.corpora.rate import corpus_rate
from signdiff_slp.datasets.text_pose.batch import TextPoseBatch
from signdiff_slp.datasets.text_pose.config import TextPoseConfig
from signdiff_slp.datasets.text_pose.error import CorpusError
from signdiff_slp.datasets.text_pose.manifest import Example, read_manifest
from signdiff_slp.datasets.text_pose.pipeline import build_pipeline
from signdiff_slp.datasets.text_pose.scan import check_finite


@final
class TextPoseDataset:
    """Reads splits of texts and poses.

    A split is ``{split}.tsv``, a line for each example with its name, first frame, number of frames and text, without a
    header; and ``{split}.poses.npy``, (sum of T, D) float32.

    Args:
        data_dir: the folder.
        skeleton: what the poses' joints are; D is three times their number.

    Raises:
        CorpusError: the folder does not exist, or holds no split.
    """

    def __init__(self, data_dir: Path, skeleton: Skeleton = OPENPOSE50) -> None:
        self.data_dir = data_dir
        self.skeleton = skeleton
        self.splits = frozenset(path.stem for path in data_dir.glob("[!.]*.tsv"))
        if not data_dir.is_dir():
            raise CorpusError(f"dataset.config_overrides.data_dir must be a corpus's folder, but {data_dir} is none.")
        if not self.splits:
            raise CorpusError(
                f"dataset.config_overrides.data_dir must hold at least one split.tsv, but {data_dir} does not."
            )
        self._checked: dict[str, list[Example]] = {}

    def read_rate(self) -> float | None:
        """Find the frames per second of the poses; ``None`` where the corpus does not tell.

        Raises:
            CorpusError: what tells them is broken.
        """
        try:
            return corpus_rate(self.data_dir)
        except ValueError as error:
            raise CorpusError(str(error)) from error

    def read_examples(self, split: str, gangs: Gangs) -> list[Example]:
        """List a split's examples. The first time, all of its poses are checked; all ranks have to call.

        Args:
            split: one of ``splits``.
            gangs: who else reads.

        Raises:
            CorpusError: the split does not exist or is empty, its files do not fit, or its poses are not all finite.
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
        num_workers: int = 1,
        num_prefetch: int = 2,
        sync_mode: SyncMode = SyncMode.UNTIL_FIRST,
    ) -> DataReader[TextPoseBatch]:
        """Read a split in batches of similar lengths.

        Args:
            split: one of ``splits``.
            tokenizer: encodes the texts.
            gangs: who else reads; each rank gets its share.
            max_num_frames: most frames of a batch, padding included; a multiple of ``max_seq_len``.
            max_seq_len: longer examples are left out; how many is logged.
            bucket: put examples of similar lengths together, so that little is padding: the paper's Batch Optimisation.
                Without it, ``max_num_frames / max_seq_len`` examples are a batch, as they come.
            shuffle: in another order in every epoch.
            seed: of the shuffling.
            emphasized: characters that are rare; examples with one of them come more often.
            emphasis: how many times such an example comes in an epoch.
            num_accumulate: batches that the reader returns at a time.
            num_workers: examples that are loaded at the same time.
            num_prefetch: batches that are made ahead.
            sync_mode: whether all ranks stop with the first or with the last.

        Raises:
            CorpusError: the split cannot be read (see `read_examples`), or nothing is left of it.
        """
        examples = self.read_examples(split, gangs)
        num_long = sum(example.num_frames > max_seq_len for example in examples)
        if num_long:
            log.warning(
                "{} of {} examples of {} are longer than {} frames and are left out.",
                num_long,
                len(examples),
                split,
                max_seq_len,
            )
        if num_long == len(examples):
            raise CorpusError(f"split must hold an example of at most {max_seq_len} frames, but {split!r} does not.")
        rare = set(emphasized)
        pipeline = build_pipeline(
            self.data_dir,
            split,
            [example for example in examples for _ in range(emphasis if rare & set(example.text) else 1)],
            tokenizer.create_encoder(),
            tokenizer.vocab_info.pad_idx or 0,
            gangs,
            max_num_frames=max_num_frames,
            max_seq_len=max_seq_len,
            bucket=bucket,
            shuffle=shuffle,
            seed=seed,
            num_workers=num_workers,
            num_prefetch=num_prefetch,
        )
        return DataPipelineReader[TextPoseBatch](pipeline, gangs, num_accumulate=num_accumulate, sync_mode=sync_mode)


def open_text_pose_dataset(config: TextPoseConfig) -> TextPoseDataset:
    """Open a corpus."""
    try:
        skeleton = find_skeleton(config.skeleton)
    except (ValueError, PluginError) as error:
        raise CorpusError(str(error)) from error
    return TextPoseDataset(config.data_dir.expanduser().resolve(), skeleton)
