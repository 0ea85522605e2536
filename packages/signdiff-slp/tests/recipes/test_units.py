import warnings

import torch
from fairseq2.metrics import MetricBag

from signdiff_slp.datasets.text_pose import TextPoseBatch
from signdiff_slp.recipes.train.config import LossConfig
from signdiff_slp.recipes.train.criterion import Criterion
from signdiff_slp.recipes.train.metrics import FreeDecodingUnit, TextPoseTrainUnit


def test_a_run_of_before_keeps_the_metrics_that_its_checkpoints_hold(make_model):
    model = make_model()
    criterion = Criterion(model, model, LossConfig())
    batch = TextPoseBatch(["a"], torch.tensor([[4, 5]]), [2], torch.randn(1, 6, 150), [6])
    states = {}
    for comparable in (True, False):
        unit, bag = TextPoseTrainUnit(criterion, comparable=comparable), MetricBag(torch.device("cpu"))
        unit.prepare_metric_bag(bag)
        unit.process_batch(batch, bag)
        states[comparable] = bag.state_dict()
    # fairseq2 restores a bag from just the metrics that it has.
    assert states[True].keys() - states[False].keys() == {"comparable_loss"}
    assert states[True]["pose_loss"] == states[False]["pose_loss"]


def test_texts_that_validation_cuts_are_one_line_of_the_log(make_model, caplog):
    model = make_model(max_frames_per_token=1)  # too few for weights that have learned nothing
    unit, bag = FreeDecodingUnit(model), MetricBag(torch.device("cpu"))
    unit.prepare_metric_bag(bag)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for names in (["a", "b"], ["c"]):
            count = len(names)
            batch = TextPoseBatch(
                names, torch.full((count, 3), 4), [3] * count, torch.randn(count, 6, 150), [6] * count
            )
            unit.process_batch(batch, bag)
    values = {name: metric.compute() for name, metric in bag.metrics.items()}
    unit.process_metric_values(values)
    told = [record.getMessage() for record in caplog.records]
    assert told == ["3 of 3 texts were cut: their counter had not reached 1 within the limit of frames."]
    assert not [name for name in values if name.startswith("sum of")]
