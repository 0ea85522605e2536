"""The counter: the share of the sequence that has been signed, by which the model knows when to stop.

After frame t of T (counting from 1) the true counter is t / T; decoding starts from 0.
"""

from __future__ import annotations

from typing import Final, Literal

import torch
from torch import Tensor

RATE_UNIT: Final = 0.01
"""The step of the counter for which a model in "rate" mode predicts 0."""


def true_counter(position_indices: Tensor, seq_lens: Tensor) -> Tensor:
    """Count the frames of a batch: (N, T) float32, from 1/T to 1, and 0 where ``position_indices`` pad with -1."""
    return (position_indices + 1).float() / seq_lens.float().unsqueeze(1)


def counter_target(mode: Literal["value", "rate"], counter: Tensor, seq_lens: Tensor) -> Tensor:
    """Give what the model is to predict, (N, T), for true counters (N, T) of sequences of ``seq_lens`` (N) frames."""
    if mode == "value":
        return counter
    return -(seq_lens.float() * RATE_UNIT).log().unsqueeze(1).expand_as(counter)


def advance(
    mode: Literal["value", "rate"],
    predicted: Tensor,
    counter: Tensor,
    variant: Literal["published", "fairseq2"] = "fairseq2",
    *,
    speed: float = 1.0,
) -> Tensor:
    """Turn what the model predicts for C frames in a row, (..., C), into the counters (..., C) after each.

    ``counter`` (..., 1) is the one before them; ``mode`` and ``variant`` are as in the model's configuration: in
    "published", a value is predicted for the first of the frames, and the others follow with the same step. ``speed``
    multiplies the step in "rate" mode.

    >>> import torch
    >>> advance("value", torch.tensor([0.5, 0.5]), torch.tensor([0.25]), "published").tolist()
    [0.5, 0.75]
    """
    if mode == "rate":
        return counter + speed * RATE_UNIT * predicted.exp().cumsum(-1)
    if variant == "published":
        steps = torch.arange(1, predicted.size(-1) + 1, device=predicted.device)
        return counter + (predicted - counter) * steps
    return predicted


def is_last(counter: Tensor, before: Tensor) -> Tensor:
    """Tell which sequences are complete, (N) bool: those within half a step of 1, by the counters around the step.

    >>> import torch
    >>> is_last(torch.tensor([0.96, 0.94]), torch.tensor([0.86, 0.84]))
    tensor([ True, False])
    """
    return counter >= 1.0 - (counter - before).clamp(min=0.0) / 2


def first_last(counters: Tensor, before: Tensor) -> Tensor:
    """Count the frames up to the one that completes a sequence: (N) int64 from 1 to C; C + 1 where none does.

    ``counters`` (N, C) are those after each of C frames in a row, ``before`` (N, 1) those before them.

    >>> import torch
    >>> first_last(torch.tensor([[0.8, 0.9, 1.0], [0.5, 0.6, 0.7]]), torch.tensor([[0.7], [0.4]])).tolist()
    [3, 4]
    """
    complete = is_last(counters, torch.cat([before, counters[:, :-1]], dim=1))
    open_end = torch.ones_like(complete[:, :1])
    return torch.cat([complete, open_end], dim=1).int().argmax(dim=1) + 1
