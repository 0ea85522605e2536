"""What a loss asks of the weights themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.distributed.tensor import DTensor

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


def weight_norms(model: Module) -> Tensor:
    """Add up the Euclidean norms of all parameters whose name contains "weight": the Long Video loss's second term.

    Args:
        model: the model; its parameters may be sharded.

    Returns:
        Scalar.
    """
    norms = [
        torch.linalg.vector_norm(parameter.float()) for name, parameter in model.named_parameters() if "weight" in name
    ]
    return torch.stack([norm.full_tensor() if isinstance(norm, DTensor) else norm for norm in norms]).sum()
