"""Decoding with the truth at hand, as the literature does."""

from __future__ import annotations

import torch
from torch import Tensor

from signdiff_slp.datasets.text_pose import TextPoseBatch
from signdiff_slp.models.progressive import ProgressiveTransformer, generate_with_timing
from signdiff_slp.training.criterion import decoder_frames


@torch.inference_mode()
def decode_told(model: ProgressiveTransformer, batch: TextPoseBatch) -> list[Tensor]:
    """Sign a batch, told each first frame, the counters, and so each length.

    Args:
        model: the model.
        batch: texts with their true poses.

    Returns:
        Tensors (T, 151) of the true lengths: normalised coordinates and predicted counters; the first frame is true.
    """
    frames, _ = decoder_frames(model, batch)
    if frames.size(1) == 1:
        made = frames
    else:
        made = generate_with_timing(model, batch.source_seqs, batch.source_lens, frames[:, :-1])
    poses = model.standardizer.inverse(made[..., :-1])
    whole = torch.cat([poses, made[..., -1:]], dim=-1)
    return [item[:length] for item, length in zip(whole, batch.pose_lens, strict=True)]
