"""What happens with a batch in training and in validation."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import final

import numpy as np
import torch
from fairseq2.metrics import Mean, MetricBag, Sum
from fairseq2.recipe import EvalUnit, TrainUnit
from numpy.typing import NDArray
from torch import Tensor
from typing_extensions import override

from signdiff_slp.datasets.text_pose import TextPoseBatch
from signdiff_slp.models.progressive import ProgressiveTransformer, generate
from signdiff_slp.models.progressive.standardizer import as_joints
from signdiff_slp.training.criterion import Criterion, Loss
from signdiff_slp.training.scores import distance_travelled, dtw_mje

_COUNTS = ("num_examples", "num_elements", "num_source_elements", "num_target_elements", "padding")


def _prepare_loss_metrics(metric_bag: MetricBag) -> None:
    metric_bag.add("pose_loss", Mean())
    metric_bag.add("counter_loss", Mean())
    for name in _COUNTS:
        metric_bag.add(name, Sum())
    metric_bag.add("total_num_examples", Sum())


def _update_loss_metrics(metric_bag: MetricBag, batch: TextPoseBatch, loss: Loss) -> None:
    metric_bag.get("pose_loss", Mean).update(loss.pose / loss.num_targets, weight=loss.num_targets)
    metric_bag.get("counter_loss", Mean).update(loss.counter / loss.num_targets, weight=loss.num_targets)
    for name in _COUNTS:
        metric_bag.get(name, Sum).update(getattr(batch, name))
    metric_bag.get("total_num_examples", Sum).update(batch.num_examples)


@final
class TextPoseTrainUnit(TrainUnit[TextPoseBatch]):
    """Computes the loss that is minimised."""

    def __init__(self, criterion: Criterion) -> None:
        self._criterion = criterion

    @override
    def prepare_metric_bag(self, metric_bag: MetricBag) -> None:
        _prepare_loss_metrics(metric_bag)

    @override
    def process_batch(self, batch: TextPoseBatch, metric_bag: MetricBag) -> tuple[Tensor, int | None]:
        loss = self._criterion(batch)
        _update_loss_metrics(metric_bag, batch, loss)
        return loss.total, loss.num_targets


@final
class TeacherForcedUnit(EvalUnit[TextPoseBatch]):
    """Computes the loss on held-out texts, with the true frames as the decoder's input."""

    def __init__(self, criterion: Criterion) -> None:
        self._criterion = criterion

    @property
    @override
    def name(self) -> str | None:
        return "gt-timing"

    @override
    def prepare_metric_bag(self, metric_bag: MetricBag) -> None:
        _prepare_loss_metrics(metric_bag)

    @override
    def process_batch(self, batch: TextPoseBatch, metric_bag: MetricBag) -> None:
        _update_loss_metrics(metric_bag, batch, self._criterion(batch))


@final
class FreeDecodingUnit(EvalUnit[TextPoseBatch]):
    """Signs held-out texts with nothing of the truth, and compares with it afterwards.

    Gives ``dtw_mje``, the same of a frozen mean pose (``dtw_mje_frozen``), their quotient ``dtw_ratio``, and
    ``duration_ratio`` and ``distance_ratio`` (1 is ideal).
    """

    def __init__(self, model: ProgressiveTransformer) -> None:
        self._model = model

    @property
    @override
    def name(self) -> str | None:
        return "free"

    @override
    def prepare_metric_bag(self, metric_bag: MetricBag) -> None:
        metric_bag.add("dtw_mje", Mean())
        metric_bag.add("dtw_mje_frozen", Mean())
        for name in ("frames", "reference_frames", "distance", "reference_distance", "num_examples", "num_elements"):
            metric_bag.add(name, Sum())

    @override
    def process_batch(self, batch: TextPoseBatch, metric_bag: MetricBag) -> None:
        outputs = generate(self._model, batch.source_seqs, batch.source_lens)
        still = frozen_pose(self._model)
        for output, poses, length in zip(outputs, batch.poses, batch.pose_lens, strict=True):
            hypothesis = as_joints(output[:, :-1]).cpu().numpy()
            reference = as_joints(poses[:length]).cpu().numpy()
            metric_bag.get("dtw_mje", Mean).update(dtw_mje(reference, hypothesis))
            frozen = np.broadcast_to(still, reference.shape)
            metric_bag.get("dtw_mje_frozen", Mean).update(dtw_mje(reference, frozen))
            metric_bag.get("frames", Sum).update(len(hypothesis))
            metric_bag.get("reference_frames", Sum).update(length)
            metric_bag.get("distance", Sum).update(distance_travelled(hypothesis))
            metric_bag.get("reference_distance", Sum).update(distance_travelled(reference))
        metric_bag.get("num_examples", Sum).update(batch.num_examples)
        metric_bag.get("num_elements", Sum).update(batch.num_elements)

    @override
    def process_metric_values(self, values: MutableMapping[str, object]) -> None:
        numbers = {name: float(value) for name, value in values.items()}  # type: ignore[arg-type]
        values["dtw_ratio"] = numbers["dtw_mje"] / numbers["dtw_mje_frozen"]
        values["duration_ratio"] = numbers["frames"] / numbers["reference_frames"]
        values["distance_ratio"] = numbers["distance"] / numbers["reference_distance"]
        for name in ("frames", "reference_frames", "distance", "reference_distance"):
            del values[name]


def frozen_pose(model: ProgressiveTransformer) -> NDArray[np.float32]:
    """Give the corpus's mean pose, (50, 3): what a model shows that has learned nothing."""
    standardizer = model.standardizer
    mean: Tensor = standardizer.inverse(torch.zeros_like(standardizer.mean))
    frozen: NDArray[np.float32] = as_joints(mean).float().cpu().numpy()
    return frozen
