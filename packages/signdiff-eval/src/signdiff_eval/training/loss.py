"""The training loss: cross-entropy of the tokens, and CTC on the encoder, which teaches the alignment."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from signdiff_eval.backtranslation.network import PAD
from signdiff_eval.training.batches import IGNORED


class BackTranslationLoss(nn.Module):
    """Wraps a network so that its forward pass gives the loss.

    Args:
        network: a Speech2TextForConditionalGeneration.
        label_smoothing: share of the target that is spread over all tokens.
        ctc_weight: weight of the CTC loss (Graves et al. 2006), in [0, 1): the rest is that of cross-entropy.
    """

    def __init__(self, network: Any, *, label_smoothing: float, ctc_weight: float) -> None:
        super().__init__()
        self.network = network
        self.ctc_weight = ctc_weight
        self.label_smoothing = label_smoothing
        self.ctc_head = nn.Linear(network.config.d_model, network.config.vocab_size) if ctc_weight else None

    def forward(self, features: torch.Tensor, mask: torch.Tensor, labels: torch.Tensor, share: int) -> torch.Tensor:
        """Compute the loss.

        Args:
            features: (B, T, F).
            mask: (B, T), 1 where a frame is real.
            labels: (B, N) tokens, the rest `IGNORED`.
            share: what the sum over tokens is divided by.

        Returns:
            A scalar, float32.
        """
        output = self.network(input_features=features, attention_mask=mask, labels=labels, use_cache=False)
        total = nn.functional.cross_entropy(
            output.logits.float().flatten(0, 1),
            labels.flatten(),
            ignore_index=IGNORED,
            label_smoothing=self.label_smoothing,
            reduction="sum",
        )
        if self.ctc_head is not None:
            total = (1 - self.ctc_weight) * total + self.ctc_weight * self._ctc(output, mask, labels)
        return total / share

    def _ctc(self, output: Any, mask: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        head: Any = self.ctc_head
        chances = head(output.encoder_last_hidden_state).float().log_softmax(dim=-1).transpose(0, 1)
        frames = self.network._get_feat_extract_output_lengths(mask.sum(dim=1))
        loss: torch.Tensor = nn.functional.ctc_loss(
            chances,
            labels.clamp(min=PAD),
            frames.clamp(max=len(chances)),
            (labels != IGNORED).sum(dim=1) - 1,  # without the end token
            blank=PAD,
            reduction="sum",
            zero_infinity=True,
        )
        return loss
