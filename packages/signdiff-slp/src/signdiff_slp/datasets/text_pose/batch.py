"""A batch of texts and poses."""

from __future__ import annotations

from dataclasses import dataclass

from fairseq2.device import Device, SupportsDeviceTransfer
from fairseq2.nn import BatchLayout
from torch import Tensor
from typing_extensions import override


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
