"""How fairseq2 shows and ranks this package's metrics."""

from __future__ import annotations

from typing import Final

from fairseq2.metrics import format_as_float
from fairseq2.metrics.recorders import MetricDescriptor
from fairseq2.runtime.dependency import DependencyContainer

_NAMES = {
    "pose_loss": "Pose Loss",
    "counter_loss": "Counter Loss",
    "comparable_loss": "Comparable Pose Loss",
    "dtw_mje": "DTW-MJE",
    "dtw_mje_frozen": "DTW-MJE of a Frozen Mean Pose",
    "dtw_ratio": "DTW-MJE / Frozen",
    "avg_duration": "Duration / Reference",
    "total_distance": "Distance / Reference",
}

FORCED_SCORES: Final = ("pose_loss", "counter_loss", "comparable_loss")
"""What ranks checkpoints by held-out texts that are decoded with the truth at hand."""

FREE_SCORES: Final = ("dtw_mje", "dtw_ratio")
"""What ranks checkpoints by held-out texts that are decoded freely."""


def register_metrics(container: DependencyContainer) -> None:
    """Register the metrics; a smaller ``pose_loss``, ``comparable_loss``, ``dtw_mje`` or ``dtw_ratio`` is better."""
    for priority, (name, display_name) in enumerate(_NAMES.items(), start=100):
        descriptor = MetricDescriptor(name, display_name, priority, format_as_float, higher_better=False)
        container.collection.register_instance(MetricDescriptor, descriptor)
