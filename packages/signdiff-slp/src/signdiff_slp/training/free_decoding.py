"""What happens with a batch when held-out texts are signed freely."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, Final, cast, final

import numpy as np
from fairseq2.logging import log
from fairseq2.metrics import MetricBag, Sum
from fairseq2.recipe import EvalUnit
from numpy.typing import NDArray
from torch import Tensor
from typing_extensions import override

from signdiff_eval.metrics import DTW, Duration, Metric, TotalDistance
from signdiff_slp.datasets.text_pose import TextPoseBatch
from signdiff_slp.models.progressive import ProgressiveTransformer
from signdiff_slp.models.progressive.cutting import generate_and_tell
from signdiff_slp.models.progressive.standardizer import as_joints, hands_from_wrists

_CUT: Final = "sum of texts cut"
_SIGNED: Final = "sum of texts signed"


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
        outputs, cut = generate_and_tell(self._model, batch.source_seqs, batch.source_lens)
        references = [as_joints(poses[:length]) for poses, length in zip(batch.poses, batch.pose_lens, strict=True)]
        still = frozen_pose(self._model)
        for output, poses in zip(outputs, references, strict=True):
            metrics = _metrics()
            reference = poses.float().cpu().numpy()
            for name, metric in metrics.items():
                frozen = np.broadcast_to(still, reference.shape)
                signed = as_joints(output[:, :-1]).cpu().numpy()
                metric.update(reference, frozen if name == "dtw_mje_frozen" else signed)
                for column, value in enumerate(metric.statistics[0].tolist()):
                    metric_bag.get(_column(name, column), Sum).update(value)
        metric_bag.get(_CUT, Sum).update(0 if cut is None else len(cut.places))
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
