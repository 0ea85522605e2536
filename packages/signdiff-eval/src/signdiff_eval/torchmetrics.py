"""Any metric of this package as a `torchmetrics.Metric`: for `MetricCollection`, and for `self.log` of Lightning."""

import copy
import hashlib
from typing import Any

from signdiff_eval.installed import need
from signdiff_eval.metrics import Metric, PoseMetric

need("torchmetrics", "torch", "torchmetrics", purpose="metrics for torchmetrics")

import torch  # noqa: E402
import torchmetrics  # noqa: E402
from torchmetrics.utilities import dim_zero_cat  # noqa: E402


class TorchMetric(torchmetrics.Metric):  # type: ignore[misc]
    """A metric whose rows are a state of torchmetrics, which moves, gathers and forgets them.

    What is computed in several processes is the score of all pairs, as with `Metric.gathered`.

    Args:
        metric: what is computed; it is copied.
        options: of `torchmetrics.Metric`, such as ``process_group``.

    Example:
        >>> from torchmetrics import MetricCollection
        >>> from signdiff_eval.metrics import BLEU, WER
        >>> scores = MetricCollection({"wer": TorchMetric(WER()), "bleu1": TorchMetric(BLEU(1))})
        >>> scores.update("the cat sat on a mat", "the cat sat on the mat")
        >>> {name: round(score.item(), 2) for name, score in scores.compute().items()}
        {'bleu1': 83.33, 'wer': 16.67}
    """

    is_differentiable = False
    full_state_update = False

    values: list[torch.Tensor]
    shapes: list[torch.Tensor]

    def __init__(self, metric: Metric, **options: Any) -> None:
        super().__init__(**options)
        self.metric = copy.deepcopy(metric)
        self.metric.reset()
        # One stretch of numbers and their shapes: a process without pairs has an empty one, which can be gathered.
        self.add_state("values", [], dist_reduce_fx="cat")
        self.add_state("shapes", [], dist_reduce_fx="cat")
        # A collection computes metrics together if their states are equal after the first pair, as those of a perfect
        # one may be; this tells them apart.
        digest = hashlib.sha256(str(metric.signature).encode()).digest()
        self.add_state("identity", torch.tensor(list(digest), dtype=torch.float64), dist_reduce_fx="max")
        self.set_dtype(torch.float64)

    def update(self, hypothesis: Any, reference: Any, **details: Any) -> None:
        """Take in one pair, or a batch: sentences and images as the metric itself, poses in lists of sequences.

        Args:
            hypothesis: what the system made.
            reference: what it should be.
            details: further arguments of the metric's own ``update``, such as ``boxes``.

        Raises:
            ValueError: as the metric's own; or batches that aren't equally many.
        """
        self.metric.reset()
        if isinstance(self.metric, PoseMetric) and isinstance(hypothesis, (list, tuple)):
            for pair in zip(hypothesis, reference, strict=True):
                self.metric.update(*pair, **details)
        else:
            self.metric.update(hypothesis, reference, **details)
        rows = self.metric.statistics
        self.metric.reset()
        self.values.append(torch.from_numpy(rows.reshape(-1)).to(self.device))
        self.shapes.append(torch.tensor(rows.shape, dtype=torch.float64, device=self.device))

    def compute(self) -> torch.Tensor:
        """Compute the score of all pairs, of all processes.

        Raises:
            ValueError: there are none, or the metric's own reasons.
        """
        whole = copy.copy(self.metric)
        whole.reset()
        if len(self.shapes):
            values, start = dim_zero_cat(self.values).cpu().numpy(), 0
            for rows, columns in dim_zero_cat(self.shapes).reshape(-1, 2).int().tolist():
                whole.absorb(values[start : start + rows * columns].reshape(rows, columns))
                start += rows * columns
        return torch.tensor(whole.compute(), dtype=torch.float64, device=self.device)
