"""What happens with a batch in training and in validation."""

from __future__ import annotations

from typing import final

from fairseq2.metrics import Mean, MetricBag, Sum
from fairseq2.recipe import EvalUnit, TrainUnit
from torch import Tensor
from typing_extensions import override

from signdiff_slp.datasets.text_pose import TextPoseBatch
from signdiff_slp.training.criterion import Criterion, Loss

_COUNTS = ("num_examples", "num_elements", "num_source_elements", "num_target_elements", "padding")


def _prepare_loss_metrics(metric_bag: MetricBag, *, comparable: bool = True) -> None:
    metric_bag.add("pose_loss", Mean())
    metric_bag.add("counter_loss", Mean())
    if comparable:
        metric_bag.add("comparable_loss", Mean())
    for name in _COUNTS:
        metric_bag.add(name, Sum())
    metric_bag.add("total_num_examples", Sum())


def _update_loss_metrics(metric_bag: MetricBag, batch: TextPoseBatch, loss: Loss) -> None:
    metric_bag.get("pose_loss", Mean).update(loss.pose / loss.num_targets, weight=loss.num_targets)
    metric_bag.get("counter_loss", Mean).update(loss.counter / loss.num_targets, weight=loss.num_targets)
    if "comparable_loss" in metric_bag.metrics:
        metric_bag.get("comparable_loss", Mean).update(loss.comparable / loss.num_frames, weight=loss.num_frames)
    for name in _COUNTS:
        metric_bag.get(name, Sum).update(getattr(batch, name))
    metric_bag.get("total_num_examples", Sum).update(batch.num_examples)


@final
class TextPoseTrainUnit(TrainUnit[TextPoseBatch]):
    """Computes the loss that is minimised.

    Args:
        criterion: the loss.
        comparable: log ``comparable_loss``, too; checkpoints of runs that did not cannot be restored with it.
    """

    def __init__(self, criterion: Criterion, *, comparable: bool = True) -> None:
        self._criterion = criterion
        self._comparable = comparable

    @override
    def prepare_metric_bag(self, metric_bag: MetricBag) -> None:
        _prepare_loss_metrics(metric_bag, comparable=self._comparable)

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
