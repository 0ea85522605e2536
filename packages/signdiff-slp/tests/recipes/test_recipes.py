import json
import logging
import os
from dataclasses import replace

import numpy as np
import pytest
import torch
from fairseq2.recipe import run
from fairseq2.recipe.config import (
    AdamWConfig,
    CommonSection,
    LRSchedulerSection,
    ModelSection,
    NoamLRConfig,
    OptimizerSection,
    RegimeSection,
)
from safetensors.torch import load_file

from signdiff_core.skeleton import limb_lengths
from signdiff_slp.datasets.files import read_manifest
from signdiff_slp.export import export
from signdiff_slp.export import main as export_main
from signdiff_slp.models.progressive import ProgressiveConfig
from signdiff_slp.models.progressive.release import load_release
from signdiff_slp.recipes.corpus import TextPoseSection
from signdiff_slp.recipes.evaluate.recipe import EvaluateConfig, TextToPoseEvaluateRecipe
from signdiff_slp.recipes.generate.recipe import GenerateConfig, TextToPoseGenerateRecipe
from signdiff_slp.recipes.train.config import LossConfig, TrainConfig
from signdiff_slp.recipes.train.recipe import TextToPoseTrainRecipe
from signdiff_slp.runs import find_run


def section(corpus):
    return TextPoseSection(
        family="slp_text_pose", config_overrides={"data_dir": corpus}, max_num_frames=128, max_seq_len=64
    )


def configuration(corpus, num_steps, *, every=None, **changes):
    every = every or num_steps
    config = TrainConfig(
        model=ModelSection(family="slp_progressive", arch="tiny", config_overrides={"max_frames_per_token": 10}),
        dataset=section(corpus),
        loss=LossConfig(kind="smooth_l1"),
        optimizer=OptimizerSection(config=AdamWConfig(lr=2e-2)),
        lr_scheduler=LRSchedulerSection(name="noam", config=NoamLRConfig(num_warmup_steps=10)),
        regime=RegimeSection(
            num_steps=num_steps,
            score_metric="pose_loss",
            validate_every_n_steps=every,
            checkpoint_every_n_steps=every,
            publish_metrics_every_n_steps=every,
        ),
        common=CommonSection(no_sweep_dir=True),
    )
    config.common.metric_recorders.tensorboard.enabled = False
    return replace(config, **changes)


def train(config, output_dir):
    run(TextToPoseTrainRecipe(), config, output_dir, no_rich=True)
    return find_run(output_dir / "checkpoints").step


def weights(step):
    return torch.load(step / "model/pp_00/tp_00/sdp_00.pt", weights_only=True)


@pytest.fixture(scope="module")
def trained(corpus, tmp_path_factory):
    output_dir = tmp_path_factory.mktemp("run")
    os.environ["SIGNDIFF_TEST_SECRET"] = "do-not-log"
    try:
        train(configuration(corpus, 60, every=30), output_dir)
    finally:
        del os.environ["SIGNDIFF_TEST_SECRET"]
    return output_dir


def values_of(log, name):
    marker = f"{name}: "
    return [float(line.split(marker)[1].split(" ")[0]) for line in log.splitlines() if marker in line]


def test_training_learns_and_says_so(trained):
    [log] = (trained / "logs").glob("*.log")
    text = log.read_text()
    losses = values_of(text, " - Pose Loss")
    assert losses[-1] < 0.95 * losses[0]
    assert "DTW-MJE / Frozen" in text
    assert "do-not-log" not in text


def test_each_split_is_told_what_is_unknown_of_it(trained, corpus):
    [log] = (trained / "logs").glob("*.log")
    for split in ("train", "dev"):
        letters = sum(len(example.text) for example in read_manifest(corpus, split))
        assert f"Unknown to the tokenizer in {split}: 0 of {letters} tokens." in log.read_text()


def test_the_corpus_is_measured_before_training(trained, corpus):
    state = weights(find_run(trained / "checkpoints").step)
    state = state.get("model", state)
    first = np.load(corpus / "train.poses.npy")[0]
    np.testing.assert_allclose(state["standardizer.rest"].numpy(), first, atol=1e-3)


def test_resuming_equals_going_on(corpus, tmp_path):
    straight = train(configuration(corpus, 8, every=4, validate_free_decoding=False), tmp_path / "straight")
    train(configuration(corpus, 4, validate_free_decoding=False), tmp_path / "resumed")
    resumed = train(configuration(corpus, 8, every=4, validate_free_decoding=False), tmp_path / "resumed")
    expected, got = weights(straight), weights(resumed)
    assert expected.keys() == got.keys()
    for name, value in expected.items():
        torch.testing.assert_close(got[name], value, msg=name)


def test_generate_and_evaluate_the_checkpoint(trained, corpus, tmp_path):
    from pose_format import Pose

    config = GenerateConfig(dataset=section(corpus), split="test")
    config.model.name = "last_checkpoint"
    config.tokenizer.name = "slp_latin_characters"
    config.common.assets.prev_checkpoint_dir = trained / "checkpoints"
    config.common.metric_recorders.tensorboard.enabled = False
    run(TextToPoseGenerateRecipe(), config, tmp_path / "generated", no_rich=True)
    assert json.loads((tmp_path / "generated/poses/generator.json").read_text())["protocol"] == "free"
    paths = sorted((tmp_path / "generated/poses").glob("*.pose"))
    assert [path.name for path in paths] == [f"test-{number:04d}.pose" for number in range(3)]
    pose = Pose.read(paths[0].read_bytes())
    assert pose.body.fps == 25
    config.protocol = "gt-timing"
    run(TextToPoseGenerateRecipe(), config, tmp_path / "told", no_rich=True)
    assert json.loads((tmp_path / "told/poses/generator.json").read_text())["protocol"] == "gt-timing"
    true = [example.num_frames for example in read_manifest(corpus, "test")]
    told = [Pose.read((tmp_path / "told/poses" / path.name).read_bytes()) for path in paths]
    assert [len(each.body.data) for each in told] == true
    lengths = limb_lengths(np.asarray(pose.body.data[:, 0].data))
    np.testing.assert_allclose(lengths, lengths[:1].repeat(len(lengths), axis=0), rtol=1e-3, atol=1e-4)

    config = EvaluateConfig(dataset=section(corpus), split="test", common=config.common)
    config.model.name = "last_checkpoint"
    config.tokenizer.name = "slp_latin_characters"
    run(TextToPoseEvaluateRecipe(), config, tmp_path / "evaluated", no_rich=True)
    [log] = (tmp_path / "evaluated/logs").glob("*.log")
    assert values_of(log.read_text(), "DTW-MJE / Frozen")[0] > 0
    assert values_of(log.read_text(), "Duration / Reference")[0] > 0


def test_export(trained, tmp_path):
    (tmp_path / "card.md").write_text("# A card\n")
    step = find_run(trained / "checkpoints").step
    assert step.name == "step_60"
    export(step, tmp_path / "release", card=tmp_path / "card.md")
    model, _ = load_release(tmp_path / "release")
    assert isinstance(model.config, ProgressiveConfig)
    assert (tmp_path / "release/MODEL_CARD.md").read_text() == "# A card\n"
    state = load_file(tmp_path / "release/model.safetensors")
    expected = weights(step)
    expected = expected.get("model", expected)
    assert all(torch.equal(state[name], value) for name, value in expected.items())


def test_export_of_nothing(tmp_path, capsys):
    assert export_main([str(tmp_path), "-o", str(tmp_path / "out")]) == 2
    assert "checkpoint must be a run's folder" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_warning_for_sections_that_do_not_fit(corpus):
    wrong = section(corpus)
    wrong.max_num_frames = 100
    assert wrong.validate().has_error()
    assert logging.getLogger("fairseq2").filters
