"""The decoder's way in: frames and counters to vectors."""

from __future__ import annotations

from typing import Literal, final

from fairseq2.nn import BatchLayout, IncrementalStateBag, Linear, PositionEncoder
from torch import Tensor
from torch.nn import Dropout, Module

from signdiff_slp.models.progressive.source_reader import SourceReader


@final
class PoseFrontend(Module):
    """Embeds the frames that have been signed so far.

    Args:
        pose_dim: values of a frame, D.
        model_dim: dimensionality of the model, M; even.
        just_counter: leave the pose out and embed the counter only.
        clock: "frame" adds ``pos_encoder``'s code of the frame's number. "token" has no frame numbers; it adds what
            `SourceReader` reads at the place that the counter stands for.
        pos_encoder: encodes frame numbers; needed for the clock "frame".
        dropout_p: dropout probability.
    """

    def __init__(
        self,
        pose_dim: int,
        model_dim: int,
        *,
        just_counter: bool,
        clock: Literal["frame", "token"],
        pos_encoder: PositionEncoder | None,
        dropout_p: float,
    ) -> None:
        super().__init__()
        self.pose_dim = pose_dim
        self.just_counter = just_counter
        self.clock = clock
        self.proj = Linear((0 if just_counter else pose_dim) + 1, model_dim, bias=True)
        self.pos_encoder = pos_encoder
        self.source_reader = SourceReader(model_dim) if clock == "token" else None
        self.dropout = Dropout(dropout_p)

    def forward(
        self,
        frames: Tensor,
        layout: BatchLayout,
        encoded: Tensor,
        encoded_layout: BatchLayout,
        *,
        state_bag: IncrementalStateBag | None = None,
    ) -> Tensor:
        """Embed frames.

        Args:
            frames: (N, T, D + 1) float32 standardised poses, and counters in [0, 1]. Half precision could not count
                the frames.
            layout: layout of ``frames``.
            encoded: (N, S, M) the encoder's output.
            encoded_layout: layout of ``encoded``.
            state_bag: keeps the position between the steps of a decoder.

        Returns:
            (N, T, M).
        """
        inputs = frames[..., self.pose_dim :] if self.just_counter else frames
        seqs: Tensor = self.proj(inputs.to(self.proj.weight.dtype))
        if self.source_reader is not None:
            seqs = seqs + self.source_reader(frames[..., self.pose_dim :], encoded, encoded_layout)
        if self.pos_encoder is not None:
            seqs = self.pos_encoder(seqs, layout, state_bag=state_bag)
        output: Tensor = self.dropout(seqs)
        return output
