"""Metrics in the real torchmetrics: alone, in a collection, in Lightning's log, and in two processes."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch")
torchmetrics = pytest.importorskip("torchmetrics", reason="needs signdiff-eval[torchmetrics]")

from signdiff_eval.metrics import BLEU, DTW, FID, SSIM, WER, Duration, TotalDistance  # noqa: E402
from signdiff_eval.torchmetrics import TorchMetric  # noqa: E402


@pytest.fixture
def pairs(walk):
    return [(walk(frames, joints=5), walk(others, joints=5)) for frames, others in ((6, 9), (12, 5), (7, 7))]


def of_all(metric, pairs):
    for pair in pairs:
        metric.update(*pair)
    return metric.compute()


@pytest.mark.parametrize("make", [lambda: DTW("mje"), TotalDistance, Duration])
def test_its_score_is_the_metrics_own(make, pairs):
    adapted = TorchMetric(make())
    steps = [adapted(*pair).item() for pair in pairs]  # forward gives the score of each step
    assert steps == pytest.approx([of_all(make(), [pair]) for pair in pairs], rel=1e-12)
    assert adapted.compute().item() == pytest.approx(of_all(make(), pairs), rel=1e-12)
    batch = TorchMetric(make())
    batch.update(*map(list, zip(*pairs, strict=True)))
    assert batch.compute().item() == adapted.compute().item()
    adapted.reset()
    adapted.update(*pairs[0])
    assert adapted.compute().item() == pytest.approx(of_all(make(), pairs[:1]), rel=1e-12)
    swapped = TorchMetric(make())
    swapped.update(reference=pairs[0][1], hypothesis=pairs[0][0])
    assert swapped.compute().item() == adapted.compute().item()


def test_images_and_features_go_through_with_their_details(rng):
    videos = rng.integers(0, 256, (2, 4, 24, 24, 3), dtype=np.uint8)
    boxes = [(2, 2, 20, 20), None, (0, 0, 24, 24), None]
    own, adapted = SSIM(), TorchMetric(SSIM())
    for metric in (own, adapted):
        metric.update(*videos, boxes=boxes)
    assert adapted.compute().item() == own.compute()
    features = TorchMetric(FID(brightness)), FID(brightness)
    for metric in features:
        for part in (slice(2), slice(2, 4)):
            metric.update(videos[0][part], videos[1][part])
    assert features[0].compute().item() == pytest.approx(features[1].compute(), rel=1e-12)


def brightness(images):
    return images.reshape(len(images), -1, 3).mean(axis=1)


def test_the_metric_that_is_given_stays_as_it_is(pairs):
    metric = Duration()
    metric.update(*pairs[0])
    adapted = TorchMetric(metric)
    adapted.update(*pairs[1])
    assert metric.statistics.tolist() == [[len(pairs[0][0]) / len(pairs[0][1]), 1]]
    assert adapted.compute().item() == len(pairs[1][0]) / len(pairs[1][1])


def test_without_pairs_there_is_no_score():
    with (
        pytest.warns(UserWarning, match="was called before the ``update`` method"),
        pytest.raises(ValueError, match="must be updated with at least one pair"),
    ):
        TorchMetric(Duration()).compute()


def test_batches_must_be_equally_many(pairs):
    with pytest.raises(ValueError, match="zip"):
        TorchMetric(Duration()).update([pairs[0][0]], [])


def test_a_collection_keeps_apart_what_a_perfect_first_pair_makes_equal(pairs):
    """A collection shares the states of metrics whose first ones are equal: here, 0 over as many joints."""
    kinds = {"mje": lambda: DTW("mje"), "pjpe": lambda: DTW("pjpe"), "moved": TotalDistance, "length": Duration}
    collection = torchmetrics.MetricCollection({name: TorchMetric(make()) for name, make in kinds.items()})
    steps = [(pairs[0][0], pairs[0][0]), *pairs]
    for pair in steps:
        collection.update(*pair)
    found = {name: score.item() for name, score in collection.compute().items()}
    expected = {name: of_all(make(), steps) for name, make in kinds.items()}
    assert found == pytest.approx(expected, rel=1e-12)
    assert found["mje"] != pytest.approx(found["pjpe"], rel=1e-6)
    clone = collection.clone(prefix="val_")
    assert clone.compute()["val_mje"].item() == found["mje"]


def test_lightning_logs_the_score_of_an_epoch(pairs):
    lightning = pytest.importorskip("pytorch_lightning")
    from torch.utils.data import DataLoader

    class Model(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.dtw, self.wer = TorchMetric(DTW("mje")), TorchMetric(WER())
            self.weight = torch.nn.Parameter(torch.zeros(1))

        def validation_step(self, batch, index):
            made, true = batch
            self.dtw(made, true)
            self.log("dtw", self.dtw, on_step=False, on_epoch=True, batch_size=len(made))
            self.wer("a b c", "a b d" if index else "a b c")
            self.log("wer", self.wer, on_step=False, on_epoch=True, batch_size=1)

    batches = [tuple(map(list, zip(*batch, strict=True))) for batch in (pairs[:2], pairs[2:])]
    loader = DataLoader(batches, batch_size=None)
    silent = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False)
    trainer = lightning.Trainer(accelerator="cpu", devices=1, **silent)
    for _ in range(2):  # the second time begins anew
        [scores] = trainer.validate(Model(), loader, verbose=False)
        assert scores["dtw"] == pytest.approx(of_all(DTW("mje"), pairs), rel=1e-6)
        assert scores["wer"] == pytest.approx(100 / 6, rel=1e-6)


JOB = """
import json, os, sys
import numpy as np
from signdiff_eval.metrics import BLEU, DTW, FID, Duration, TotalDistance

def brightness(images):
    return images.reshape(len(images), -1, 3).mean(axis=1)

def metrics():
    return {"dtw": DTW("mje"), "moved": TotalDistance(), "length": Duration(), "bleu": BLEU(2), "fid": FID(brightness)}

def pairs(index):
    rng = np.random.default_rng(index)
    poses = [rng.normal(size=(frames, 4, 3)) for frames in rng.integers(3, 9, 2)]
    texts = [" ".join(rng.choice(list("abcd"), size=6)) for _ in range(2)]
    return [poses] * 3 + [texts, rng.integers(0, 256, (2, 4, 12, 12, 3), dtype=np.uint8)]

if __name__ == "__main__":
    import torch
    from torch import distributed
    from signdiff_eval.torchmetrics import TorchMetric
    distributed.init_process_group("gloo")
    rank = distributed.get_rank()
    adapted = {name: TorchMetric(metric) for name, metric in metrics().items()}
    lone = TorchMetric(Duration())  # one process has seen nothing
    for index in range(5)[:3] if rank == 0 else range(5)[3:]:
        for metric, pair in zip(adapted.values(), pairs(index), strict=True):
            metric.update(*pair)
        if rank == 0:
            lone.update(*pairs(index)[2])
    scores = {name: metric.compute().item() for name, metric in adapted.items()}
    with open(os.path.join(sys.argv[1], f"{rank}.json"), "w") as file:
        json.dump({"scores": scores, "lone": lone.compute().item(), "rows": len(adapted["dtw"].values)}, file)
    distributed.destroy_process_group()
"""


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_two_processes_compute_the_score_of_one(tmp_path):
    job = tmp_path / "job.py"
    job.write_text(JOB)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", str(job)]
    done = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True, check=False, env=dict(os.environ))
    assert done.returncode == 0, done.stderr[-3000:]
    single: dict = {"__name__": "job"}
    exec(compile(JOB, str(job), "exec"), single)
    expected, lone = single["metrics"](), Duration()
    for index in range(5):
        for metric, pair in zip(expected.values(), single["pairs"](index), strict=True):
            metric.update(*pair)
        if index < 3:
            lone.update(*single["pairs"](index)[2])
    found = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2)]
    for each in found:
        scores = {name: metric.compute() for name, metric in expected.items()}
        assert each["scores"] == pytest.approx(scores, rel=1e-12, abs=1e-12)
        assert each["lone"] == pytest.approx(lone.compute(), rel=1e-12)
    assert [each["rows"] for each in found] == [3, 2]  # after computing, each has its own pairs again
    assert BLEU(2).ideal == 100
