"""The counter: the share of the sequence that has been signed, by which the model knows when to stop.

After frame t of T (counting from 1) the true counter is t / T; decoding starts from 0.
"""

from __future__ import annotations

from typing import Final, Literal

from torch import Tensor

RATE_UNIT: Final = 0.01
"""The step of the counter for which a model in "rate" mode predicts 0."""


def true_counter(position_indices: Tensor, seq_lens: Tensor) -> Tensor:
    """Number the frames of a batch.

    Args:
        position_indices: (N, T) integers; -1 pads.
        seq_lens: (N) true lengths.

    Returns:
        (N, T) float32, from 1/T to 1; 0 where the batch is padded.
    """
    return (position_indices + 1).float() / seq_lens.float().unsqueeze(1)


def counter_target(mode: Literal["value", "rate"], counter: Tensor, seq_lens: Tensor) -> Tensor:
    """Give what the model is to predict.

    Args:
        mode: as in the model's configuration.
        counter: (N, T) true counters of the target frames.
        seq_lens: (N) true lengths.

    Returns:
        (N, T) float32.
    """
    if mode == "value":
        return counter
    return -(seq_lens.float() * RATE_UNIT).log().unsqueeze(1).expand_as(counter)


def advance(mode: Literal["value", "rate"], predicted: Tensor, counter: Tensor) -> Tensor:
    """Turn the model's prediction into the next counter.

    Args:
        mode: as in the model's configuration.
        predicted: (...) what the model predicts.
        counter: (...) the counter before this step.

    Returns:
        (...) the counter after this step.
    """
    if mode == "value":
        return predicted
    return counter + RATE_UNIT * predicted.exp()


def is_last(counter: Tensor, before: Tensor) -> Tensor:
    """Tell which sequences are complete: those within half a step of 1.

    Args:
        counter: (N) counters after this step.
        before: (N) counters before it.

    Returns:
        (N) bool.

    >>> import torch
    >>> is_last(torch.tensor([0.96, 0.94]), torch.tensor([0.86, 0.84]))
    tensor([ True, False])
    """
    return counter >= 1.0 - (counter - before).clamp(min=0.0) / 2
