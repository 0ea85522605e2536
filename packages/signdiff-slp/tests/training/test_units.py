import torch
from fairseq2.metrics import MetricBag

from signdiff_slp.datasets.text_pose import TextPoseBatch
from signdiff_slp.training import Criterion, LossConfig, TextPoseTrainUnit


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
