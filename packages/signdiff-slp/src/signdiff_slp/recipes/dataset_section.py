"""The part of a recipe's configuration that says what to read."""

from __future__ import annotations

from dataclasses import dataclass

from fairseq2.data.tokenizers import Tokenizer
from fairseq2.datasets import DataReader, SyncMode
from fairseq2.gang import Gangs
from fairseq2.recipe.config import DatasetSection
from fairseq2.utils.validation import ValidationResult
from typing_extensions import override

from signdiff_slp.datasets.text_pose import TEXT_POSE_FAMILY, CorpusError, TextPoseBatch, TextPoseDataset


@dataclass(kw_only=True)
class TextPoseSection(DatasetSection):
    """Names a corpus and says how it is read."""

    family: str | None = TEXT_POSE_FAMILY

    train_split: str = "train"
    """The split to train on."""

    valid_split: str | None = "dev"
    """The split to validate or generate on."""

    max_num_frames: int = 3072
    """Most frames of a batch, padding included."""

    max_seq_len: int = 512
    """Longer examples are left out."""

    bucket: bool = True
    """If ``True``, batches hold examples of similar lengths, so that little is padding."""

    emphasized: str = ""
    """Characters that are rare in the training split; examples with one of them come more often."""

    emphasis: int = 1
    """How many times such an example comes in an epoch."""

    num_prefetch: int = 2
    """Batches that are made ahead."""

    @override
    def validate(self) -> ValidationResult:
        result = super().validate()
        if self.max_seq_len < 1 or self.max_num_frames % self.max_seq_len:
            result.add_error(
                f"`max_num_frames` must be a multiple of `max_seq_len` ({self.max_seq_len}), but is "
                f"{self.max_num_frames}."
            )
        if self.emphasis < 1:
            result.add_error(f"`emphasis` must be at least 1, but is {self.emphasis}.")
        return result


def check_split(dataset: TextPoseDataset, split: str) -> None:
    """Make sure that a corpus has the split that a recipe is set to.

    Raises:
        CorpusError: it does not; the message tells the setting.
    """
    if split not in dataset.splits:
        splits = sorted(dataset.splits)
        raise CorpusError(
            f"split must be one that {dataset.data_dir} has ({', '.join(splits)}), but is {split!r}: give --config "
            f"split={splits[0]}."
        )


def create_valid_reader(
    dataset: TextPoseDataset, section: TextPoseSection, split: str, tokenizer: Tokenizer, gangs: Gangs
) -> DataReader[TextPoseBatch]:
    """Read every example of a split once, in order."""
    return dataset.create_reader(
        split,
        tokenizer,
        gangs,
        max_num_frames=section.max_num_frames,
        max_seq_len=section.max_seq_len,
        num_prefetch=section.num_prefetch,
        sync_mode=SyncMode.UNTIL_LAST,
    )
