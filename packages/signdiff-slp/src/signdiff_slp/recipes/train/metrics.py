"""What is measured in training and validation: the loss with the truth at hand, and texts that are signed freely."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, Final, cast, final

import numpy as np
from fairseq2.logging import log
from fairseq2.metrics import Mean, MetricBag, Sum, format_as_float
from fairseq2.metrics.recorders import MetricDescriptor
from fairseq2.recipe import EvalUnit, TrainUnit
from fairseq2.runtime.dependency import DependencyContainer
from numpy.typing import NDArray
from torch import Tensor
from typing_extensions import override

from signdiff_eval.metrics.dtw import DTW
from signdiff_eval.metrics.metric import Metric
from signdiff_eval.metrics.movement import Duration, TotalDistance
from signdiff_slp.datasets.text_pose import TextPoseBatch
from signdiff_slp.models.progressive import ProgressiveTransformer
from signdiff_slp.models.progressive.generation import CutWarning, generate
from signdiff_slp.models.progressive.poses import as_joints, hands_from_wrists
from signdiff_slp.recipes.train.criterion import Criterion, Loss

_NAMES: Final = {
    "pose_loss": "Pose Loss",
    "counter_loss": "Counter Loss",
    "comparable_loss": "Comparable Pose Loss",
    "dtw_mje": "DTW-MJE",
    "dtw_mje_frozen": "DTW-MJE of a Frozen Mean Pose",
    "dtw_ratio": "DTW-MJE / Frozen",
    "avg_duration": "Duration / Reference",
    "total_distance": "Distance / Reference",
}

_COUNTS: Final = ("num_examples", "num_elements", "num_source_elements", "num_target_elements", "padding")
_CUT: Final = "sum of texts cut"
_SIGNED: Final = "sum of texts signed"


def register_metrics(container: DependencyContainer) -> None:
    """Register the metrics; a smaller ``pose_loss``, ``comparable_loss``, ``dtw_mje`` or ``dtw_ratio`` is better."""
    for priority, (name, display_name) in enumerate(_NAMES.items(), start=100):
        descriptor = MetricDescriptor(name, display_name, priority, format_as_float, higher_better=False)
        container.collection.register_instance(MetricDescriptor, descriptor)


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
    """Computes the loss that is minimised, and logs ``comparable_loss``, too, but in runs that began without it."""

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


@final
class FreeDecodingUnit(EvalUnit[TextPoseBatch]):
    """Signs held-out texts with nothing of the truth, and lets signdiff-eval compare with it afterwards.

    Gives ``dtw_mje``, the same of a frozen mean pose (``dtw_mje_frozen``), their quotient ``dtw_ratio``, and
    ``avg_duration`` and ``total_distance`` relative to the reference (1 is ideal). How many texts were cut is logged.
    """

    def __init__(self, model: ProgressiveTransformer) -> None:
        self._model = model

    @property
    @override
    def name(self) -> str | None:
        return "free"

    @override
    def prepare_metric_bag(self, metric_bag: MetricBag) -> None:
        for name, metric in _metrics().items():
            for column in range(metric.columns):
                metric_bag.add(_column(name, column), Sum())
        for name in ("num_examples", "num_elements", _CUT, _SIGNED):
            metric_bag.add(name, Sum())

    @override
    def process_batch(self, batch: TextPoseBatch, metric_bag: MetricBag) -> None:
        cuts: list[CutWarning] = []
        outputs = generate(self._model, batch.source_seqs, batch.source_lens, on_cut=cuts.append)
        references = [as_joints(poses[:length]) for poses, length in zip(batch.poses, batch.pose_lens, strict=True)]
        still = frozen_pose(self._model)
        for output, poses in zip(outputs, references, strict=True):
            metrics = _metrics()
            reference = poses.float().cpu().numpy()
            signed = as_joints(output[:, :-1]).cpu().numpy()
            for name, metric in metrics.items():
                is_frozen = name == "dtw_mje_frozen"
                made = np.broadcast_to(still, reference.shape) if is_frozen else signed
                metric.update(reference=reference, hypothesis=made)
                for column, value in enumerate(metric.statistics[0].tolist()):
                    metric_bag.get(_column(name, column), Sum).update(value)
        metric_bag.get(_CUT, Sum).update(sum(len(cut.places) for cut in cuts))
        metric_bag.get(_SIGNED, Sum).update(batch.num_examples)
        metric_bag.get("num_examples", Sum).update(batch.num_examples)
        metric_bag.get("num_elements", Sum).update(batch.num_elements)

    @override
    def process_metric_values(self, values: MutableMapping[str, object]) -> None:
        for name, metric in _metrics().items():
            sums = [float(cast("Any", values.pop(_column(name, column)))) for column in range(metric.columns)]
            values[name] = metric.score_of(np.array([sums]))
        cut, signed = (int(cast("Any", values.pop(name))) for name in (_CUT, _SIGNED))
        if cut:
            log.warning(
                "{} of {} texts were cut: their counter had not reached 1 within the limit of frames.", cut, signed
            )
        values["dtw_ratio"] = cast("float", values["dtw_mje"]) / cast("float", values["dtw_mje_frozen"])


def frozen_pose(model: ProgressiveTransformer) -> NDArray[np.float32]:
    """Give the corpus's mean pose, (J, 3): what a model shows that has learned nothing."""
    standardizer = model.standardizer
    mean: Tensor = hands_from_wrists(standardizer.mean, standardizer.skeleton)
    frozen: NDArray[np.float32] = as_joints(mean).float().cpu().numpy()
    return frozen


def _metrics() -> dict[str, Metric]:
    return {
        "dtw_mje": DTW("mje"),
        "dtw_mje_frozen": DTW("mje"),
        "avg_duration": Duration(),
        "total_distance": TotalDistance(),
    }


def _column(name: str, column: int) -> str:
    return f"sum of {name}.{column}"  # names that start with "total_" would be kept from `process_metric_values`
