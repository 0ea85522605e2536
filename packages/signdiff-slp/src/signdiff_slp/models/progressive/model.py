"""The progressive transformer: text in, poses and a counter out, one frame after the other."""

from __future__ import annotations

from typing import Final, final

import torch
from fairseq2.models.transformer import TransformerDecoder, TransformerEncoder, TransformerFrontend
from fairseq2.nn import BatchLayout, IncrementalStateBag, Projection
from torch import Tensor, distributed
from torch.nn import Module
from torch.nn.functional import pad

from signdiff_slp.models.progressive.config import ProgressiveConfig
from signdiff_slp.models.progressive.frontend import PoseFrontend
from signdiff_slp.models.progressive.poses import PoseStandardizer

MOMENTUM: Final = 0.99
"""Share of the old mean in the new one, each step."""


@final
class ProgressiveTransformer(Module):
    """Predicts the next frames of a signer from a text and the frames so far.

    Source: Saunders et al., Progressive Transformers (ECCV 2020), section 3; SignDiff, section 3.2:
    f_t = E(x_t | x_1:T), p_w+1 = D(p_w | p_1:w-1, f_1:T).

    Frames are D standardised values (see `PoseStandardizer`) and a counter; D is 150 for the 50 joints.
    """

    def __init__(
        self,
        config: ProgressiveConfig,
        *,
        encoder_frontend: TransformerFrontend,
        encoder: TransformerEncoder,
        decoder_frontend: PoseFrontend,
        decoder: TransformerDecoder,
        final_proj: Projection,
        standardizer: PoseStandardizer,
        residuals: ResidualStatistics | None = None,
    ) -> None:
        super().__init__()
        self.config = config
        self.encoder_frontend = encoder_frontend
        self.encoder = encoder
        self.decoder_frontend = decoder_frontend
        self.decoder = decoder
        self.final_proj = final_proj
        self.standardizer = standardizer
        self.residuals = residuals

    def encode(self, seqs: Tensor, layout: BatchLayout) -> Tensor:
        """Encode texts, (N, S) int64 tokens, as (N, S, M)."""
        seqs, layout = self.encoder_frontend(seqs, layout)
        return self.encoder(seqs, layout)

    def decode(
        self,
        frames: Tensor,
        layout: BatchLayout,
        encoded: Tensor,
        encoded_layout: BatchLayout,
        *,
        state_bag: IncrementalStateBag | None = None,
    ) -> Tensor:
        """Predict what follows each frame.

        Args:
            frames: (N, T, D + 1) standardised poses and counters, starting with the rest pose and counter 0.
            layout: layout of ``frames``.
            encoded: (N, S, M) as `encode` returns it.
            encoded_layout: layout of ``encoded``.
            state_bag: the decoder's cache; ``frames`` are then the newest ones only. Used in evaluation mode only.

        Returns:
            (N, T, K, D + 1): the next K frames, and K predictions for the counter (see `counter.advance`). In the
            variant "published" there is one such prediction, for the first of them, and all K have it.
        """
        out = self._project(frames, layout, encoded, encoded_layout, state_bag)
        num_frames, pose_dim = self.config.num_future_frames, self.config.pose_dim
        if self.config.variant == "fairseq2":
            return out.reshape(*out.shape[:-1], num_frames, pose_dim + 1)
        poses = out[..., :-1].reshape(*out.shape[:-1], num_frames, pose_dim)
        counters = out[..., None, -1:].expand(*out.shape[:-1], num_frames, 1)
        return torch.cat([poses, counters], dim=-1)

    def forward(
        self, source_seqs: Tensor, source_layout: BatchLayout, frames: Tensor, frames_layout: BatchLayout
    ) -> Tensor:
        """Encode, then decode with the true frames as input. Shapes as in `encode` and `decode`."""
        encoded = self.encode(source_seqs, source_layout)
        return self.decode(frames, frames_layout, encoded, source_layout)

    @torch.inference_mode()
    def teacher_forced(self, src: Tensor, src_lengths: Tensor, poses: Tensor) -> Tensor:
        """Compute what the network puts out for given frames, in evaluation mode and nothing done to it.

        Args:
            src: (N, S) int64 tokens.
            src_lengths: (N,) how many of them are text.
            poses: (N, T, D + 1) standardised poses and counters; or (N, T, 1) counters, for just counter.

        Returns:
            (N, T, D_out): K poses one after the other and a counter; in the variant "fairseq2" a counter after each.

        Raises:
            ValueError: ``poses`` has another number of values.
        """
        wanted = self.config.pose_dim + 1
        if poses.shape[-1] not in ((1, wanted) if self.config.just_counter else (wanted,)):
            raise ValueError(f"poses must have {wanted} values a frame, but has {poses.shape[-1]}.")
        training = self.training
        self.eval()
        try:
            frames = pad(poses, (wanted - poses.shape[-1], 0))
            layout = BatchLayout.of(src, src_lengths.tolist())
            return self._project(frames, BatchLayout.of(frames), self.encode(src, layout), layout, None)
        finally:
            self.train(training)

    def _project(
        self,
        frames: Tensor,
        layout: BatchLayout,
        encoded: Tensor,
        encoded_layout: BatchLayout,
        state_bag: IncrementalStateBag | None,
    ) -> Tensor:
        seqs = self.decoder_frontend(frames, layout, encoded, encoded_layout, state_bag=state_bag)
        seqs = self.decoder(seqs, layout, encoded, encoded_layout, state_bag=state_bag)
        return self.final_proj(seqs)


@final
class ResidualStatistics(Module):
    """Keeps how far predictions are off: the mean square of each value's residuals, over a hundred steps or so.

    The code of Progressive Transformers takes it over an epoch; a running mean needs no epochs, and is resumed with the
    run: it is a persistent buffer.
    """

    mean_square: Tensor

    def __init__(self, pose_dim: int) -> None:
        super().__init__()
        self.register_buffer("mean_square", torch.empty(pose_dim))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Know nothing: no residuals."""
        with torch.no_grad():
            self.mean_square.zero_()

    @property
    def spread(self) -> Tensor:
        """The root of the mean square, (D,)."""
        return self.mean_square.sqrt()

    @torch.no_grad()
    def update(self, residuals: Tensor, mask: Tensor) -> None:
        """Take in a step's residuals (N, T, D), predicted minus true, of all processes where ``mask`` (N, T) is set."""
        found = torch.cat([residuals.float().square().sum((0, 1)), mask.sum().float().unsqueeze(0)])
        if distributed.is_initialized():
            distributed.all_reduce(found)
        mean = found[:-1] / found[-1].clamp(min=1.0)
        share = MOMENTUM if bool(self.mean_square.any()) else 0.0
        self.mean_square.mul_(share).add_(mean, alpha=1.0 - share)
