"""The network: transformers' Speech2Text, whose encoder takes any continuous features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch

from signdiff_eval.backtranslation.tokenizer import BOS, EOS, PAD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MARGIN: Final = 16
"""Empty frames behind the longest sequence of a batch: more than the convolutions see beyond a sequence's end, so that
what they find there does not depend on the batch."""


def make_config(
    *,
    features: int,
    vocab_size: int,
    d_model: int = 128,
    encoder_layers: int = 3,
    decoder_layers: int = 2,
    heads: int = 4,
    conv_layers: int = 2,
    conv_channels: int = 256,
    dropout: float = 0.1,
    max_tokens: int = 128,
) -> Any:
    """Describe a network.

    Args:
        features: numbers of a frame.
        vocab_size: tokens that it knows.
        d_model: width; the feed-forward layers have four times as much.
        encoder_layers: transformer layers over the frames.
        decoder_layers: transformer layers over the tokens.
        heads: of the attention.
        conv_layers: convolutions before the encoder; each halves the frame rate.
        conv_channels: their width, even.
        dropout: in training.
        max_tokens: most tokens of an output.

    Returns:
        A `transformers.Speech2TextConfig`.
    """
    from transformers import Speech2TextConfig

    return Speech2TextConfig(
        vocab_size=vocab_size,
        d_model=d_model,
        encoder_layers=encoder_layers,
        decoder_layers=decoder_layers,
        encoder_attention_heads=heads,
        decoder_attention_heads=heads,
        encoder_ffn_dim=4 * d_model,
        decoder_ffn_dim=4 * d_model,
        num_conv_layers=conv_layers,
        conv_kernel_sizes=(5,) * conv_layers,
        conv_channels=conv_channels,
        input_feat_per_channel=features,
        input_channels=1,
        dropout=dropout,
        pad_token_id=PAD,
        bos_token_id=BOS,
        eos_token_id=EOS,
        decoder_start_token_id=BOS,
        max_source_positions=2048,
        max_target_positions=max_tokens + 2,
    )


def make_network(config: Any) -> Any:
    """Make a `transformers.Speech2TextForConditionalGeneration` with random weights."""
    from transformers import Speech2TextForConditionalGeneration

    return Speech2TextForConditionalGeneration(config)


def collate(sequences: Sequence[NDArray[np.float32]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Put sequences into a batch.

    Args:
        sequences: (T, F) float32 each.

    Returns:
        Features (B, T + `MARGIN`, F) float32 with zeros behind the shorter ones, and where they are real,
        (B, T + `MARGIN`) int64.
    """
    longest = max(map(len, sequences)) + MARGIN
    features = np.zeros((len(sequences), longest, sequences[0].shape[1]), dtype=np.float32)
    mask = np.zeros(features.shape[:2], dtype=np.int64)
    for row, sequence in enumerate(sequences):
        features[row, : len(sequence)] = sequence
        mask[row, : len(sequence)] = 1
    return torch.from_numpy(features), torch.from_numpy(mask)


@torch.inference_mode()
def decode(
    network: Any, sequences: Sequence[NDArray[np.float32]], *, num_beams: int, max_tokens: int, batch_size: int
) -> list[list[int]]:
    """Search for the most likely tokens of each sequence.

    Args:
        network: in evaluation mode.
        sequences: (T, F) float32 each.
        num_beams: width of the beam search; 1 is greedy.
        max_tokens: most tokens of an output.
        batch_size: sequences that are searched together.

    Returns:
        Tokens without special ones, in the order of the sequences.
    """
    order = sorted(range(len(sequences)), key=lambda index: len(sequences[index]))
    found: list[list[int]] = [[] for _ in sequences]
    device = next(network.parameters()).device
    for start in range(0, len(order), batch_size):
        chosen = order[start : start + batch_size]
        features, mask = (part.to(device) for part in collate([sequences[index] for index in chosen]))
        tokens = network.generate(
            features, attention_mask=mask, num_beams=num_beams, max_new_tokens=max_tokens, do_sample=False
        )
        for index, row in zip(chosen, tokens.tolist(), strict=True):
            found[index] = [token for token in row if token not in (PAD, BOS, EOS)]
    return found
