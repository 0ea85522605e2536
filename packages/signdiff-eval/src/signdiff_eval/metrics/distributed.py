"""Joins what metrics have seen in the processes of a job."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from signdiff_eval.metrics.metric import Metric


def gather(metric: Metric, group: Any | None = None) -> list[NDArray[np.float64]]:
    """Collect the statistics of a metric from all processes.

    Args:
        metric: each process' own; every process must call this.
        group: process group of `torch.distributed`; the default one if not given.

    Returns:
        One array for each process, in the order of their ranks; the same on every process.

    Raises:
        ValueError: processes hold metrics of different signatures.
    """
    import torch
    from torch import distributed

    on_gpu = distributed.get_backend(group) == "nccl"
    device = torch.device("cuda", torch.cuda.current_device()) if on_gpu else torch.device("cpu")
    size = distributed.get_world_size(group)
    mine = metric.statistics
    digest = hashlib.sha256(str(metric.signature).encode()).digest()
    about = torch.tensor([*mine.shape, int.from_bytes(digest[:7], "big")], dtype=torch.int64, device=device)
    all_about = [torch.empty_like(about) for _ in range(size)]
    distributed.all_gather(all_about, about, group=group)
    shapes = [tuple(int(number) for number in each[:2].tolist()) for each in all_about]
    if len({int(each[2]) for each in all_about}) > 1:
        raise ValueError(f"processes must hold metrics of one signature, but others differ from {metric.signature}.")
    # Tensors of one size can be gathered by every backend, so each is padded to the longest.
    padded = torch.zeros(max(rows * columns for rows, columns in shapes), dtype=torch.float64, device=device)
    padded[: mine.size] = torch.from_numpy(mine.reshape(-1)).to(device)
    parts = [torch.empty_like(padded) for _ in range(size)]
    distributed.all_gather(parts, padded, group=group)
    return [
        part[: rows * columns].cpu().numpy().reshape(rows, columns)
        for part, (rows, columns) in zip(parts, shapes, strict=True)
    ]
