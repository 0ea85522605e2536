import json
import os
import subprocess
import sys

import numpy as np
import pytest

from signdiff_core.provenance import mark_generated
from signdiff_slp.recipes.command import preset_names, preset_path

RECIPES = ("train", "generate", "evaluate")

# A recipe's command, once for each case, in one process: most of a command's time goes into importing fairseq2.
PROGRAM = """
import contextlib, importlib, io, json, sys
cases = json.loads(sys.argv[1])
results = {}
for name, (recipe, arguments) in cases.items():
    sys.argv = ["command", *arguments]
    status, output = 0, io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        try:
            importlib.import_module(f"signdiff_slp.recipes.{recipe}.__main__").main()
        except SystemExit as stop:
            status = stop.code
    results[name] = (status, output.getvalue())
print("RESULTS" + json.dumps(results))
"""


def write_split(folder, split, poses, num_examples):
    """Examples of ten frames each."""
    folder.mkdir(exist_ok=True)
    rows = [f"{split}-{number:02d}\t{10 * number}\t10\tabba\n" for number in range(num_examples)]
    (folder / f"{split}.tsv").write_text("".join(rows))
    np.save(folder / f"{split}.poses.npy", poses)


def write_corpora(folder):
    """Corpora with one fault each, the same in every split."""
    good = np.random.default_rng(0).normal(size=(160, 150)).astype(np.float32)
    three, all_but_one = good.copy(), good.copy()
    three[[5, 6, 49, 70], 3] = [np.nan, np.inf, -np.inf, np.nan]
    all_but_one[:150, 149] = np.nan
    between = np.concatenate([good, np.full((2, 150), np.nan, np.float32)])
    corpora = {"good": good, "three": three, "many": all_but_one, "between": between}
    corpora |= {"double": good.astype(np.float64), "narrow": good[:, :-1].copy()}
    for name, poses in corpora.items():
        for split in ("train", "dev", "test"):
            write_split(folder / name, split, poses, 16)
    for split in ("train", "dev", "test"):
        write_split(folder / "marked", split, good, 16)
    mark_generated(folder / "marked", "their system")
    for split in ("train", "dev", "test"):
        write_split(folder / "strange", split, good, 16)
        rows = (folder / "strange" / f"{split}.tsv").read_text(encoding="utf-8").replace("abba", "日本")
        (folder / "strange" / f"{split}.tsv").write_text(rows, encoding="utf-8")
        write_split(folder / "empty", split, good, 0)
        write_split(folder / "void", split, good[:0], 0)
        write_split(folder / "long", split, good, 16)
        rows = (folder / "long" / f"{split}.tsv").read_text().splitlines()
        rows[:2] = [row + 127 * "a" for row in rows[:2]]
        (folder / "long" / f"{split}.tsv").write_text("".join(f"{row}\n" for row in rows))


MESSAGES = {
    "nowhere": "--corpus (dataset.config_overrides.data_dir) must be a corpus's folder, but {folder}/nowhere is none.",
    ".": "--corpus (dataset.config_overrides.data_dir) must hold at least one split, such as train.tsv, but {folder} "
    "holds none.",
    "empty": "{folder}/empty/{split}.tsv must hold a line for each example, but is empty.",
    "void": "{folder}/void/{split}.tsv must hold a line for each example, but is empty.",
    "three": "{folder}/three/{split}.poses.npy must be finite, but holds NaN, infinity or numbers beyond 1000000 in "
    "3 of 16 examples: {split}-00, {split}-04, {split}-07. ",
    "many": "in 15 of 16 examples: {split}-00, {split}-01, {split}-02, {split}-03, {split}-04, {split}-05, "
    "{split}-06, {split}-07, {split}-08, {split}-09 and 5 more. ",
    "between": "holds NaN, infinity or numbers beyond 1000000 in 2 frames, though in no example. ",
    "long": "texts of {split} must have at most 128 tokens, but 2 of 16 have more: {split}-00, {split}-01. A new model",
    "strange": "texts of {split} must hold tokens that the tokenizer knows, but none does: 32 of 32 tokens (100.0%): ",
    "double": "{split}.poses.npy must be float32 (frames, 150), but is float64 (160, 150).",
    "narrow": "{split}.poses.npy must be float32 (frames, 150), but is float32 (160, 149).",
}
TOKENIZERS = {
    "fewer tokens": (
        {"characters": ["a", "b"]},
        "slp_character",
        "model must have vocab_size 6, as the tokenizer has, but has vocab_size {have}. For a new model, set "
        "model.config_overrides.vocab_size=6; with a trained one, name its own tokenizer in the section tokenizer.",
    ),
    "more tokens": (
        {"characters": [*"abcdefghijklmnopqrstuvwxyzäöüß "]},
        "slp_character",
        "model must have vocab_size 35, as the tokenizer has, but has vocab_size {have}. ",
    ),
    "other padding": (
        {"words": "as many as the model has"},
        "slp_word",
        "model must have pad_idx 1, as the tokenizer has, but has pad_idx 0. ",
    ),
    "all else": (
        {"words": ["w"]},
        "slp_word",
        "model must have vocab_size 5 and pad_idx 1, as the tokenizer has, but has vocab_size {have} and pad_idx 0. "
        "For a new model, set model.config_overrides.vocab_size=5 model.config_overrides.pad_idx=1; with",
    ),
}


def tokens_of(recipe):
    """What the model that a recipe takes here has: the preset fingerspelling, or the bundled model."""
    return 31 if recipe == "train" else 90


def arguments_for(recipe, output_dir, data_dir, *settings):
    preset = ["--preset", "fingerspelling"] if recipe == "train" else []
    return [
        str(output_dir),
        *preset,
        "--no-rich",
        "--config",
        f"dataset.config_overrides.data_dir={data_dir}",
        *settings,
    ]


CONTRADICTIONS = {
    "no free decoding": (
        "train",
        ("validate_free_decoding=false",),
        "`regime.score_metric` must be one of pose_loss, counter_loss, comparable_loss where `validate_free_decoding` "
        "is false, but is 'dtw_ratio'.",
    ),
    "no such score": (
        "train",
        ("regime.score_metric=avg_duration",),
        "`regime.score_metric` must be one of pose_loss, counter_loss, comparable_loss, dtw_mje, dtw_ratio, but is "
        "'avg_duration'.",
    ),
    "nothing to validate on": (
        "train",
        ("dataset.valid_split=null", "regime.validate_at_start=true", "regime.score_metric=null"),
        "`regime.validate_at_start` must be left out where `dataset.valid_split` is none.",
    ),
    "shorter than its warm-up": (
        "train",
        ("regime.num_steps=50", "regime.validate_every_n_steps=50", "regime.checkpoint_every_n_steps=50"),
        "`lr_scheduler.config.num_warmup_steps` must be below `regime.num_steps`, 50, but is 100.",
    ),
    "residual noise": (
        "train",
        ("loss.residual_noise=5",),
        "loss.residual_noise must be 0 for a model without residual_statistics, but is 5.0.",
    ),
    "longer than its positions": (
        "train",
        ("model.config_overrides.clock=frame", "model.config_overrides.max_target_len=8"),
        "poses of train must have at most 8 frames, but 16 of 16 have more: train-00, ",
    ),
    "too many frames a step": (
        "generate",
        ("frames_per_step=2",),
        "frames_per_step must be at most 1, the frames that the model predicts at a time, but is 2.",
    ),
    "a split that is not there": ("evaluate", ("split=valid",), "(dev, test, train), but is 'valid': give --config sp"),
    "another split": ("generate", ("split=valid",), "(dev, test, train), but is 'valid': give --config split=dev."),
    "no such setting": (
        "evaluate",
        ("protocol=gt-timing",),
        "protocol must be a setting of this recipe, but is none; it has common, dataset, evaluator, ",
    ),
    "no such setting of a section": (
        "train",
        ("trainer.speed=3",),
        "trainer.speed must be a setting of this recipe, but is none; trainer has activation_checkpointing, ",
    ),
    "a word for a number": ("train", ("regime.num_steps=many",), "regime.num_steps: invalid literal for int()"),
    "too fast": ("generate", ("speed=20",), "`speed` must be between 0.1 and 10, but is 20"),
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """What every recipe does with every fault: ``{"recipe fault": (status, output)}``, and the corpora's folder."""
    folder = tmp_path_factory.mktemp("corpora")
    write_corpora(folder)
    cases = {}
    for recipe in RECIPES:
        for fault in MESSAGES:
            output_dir = folder / f"out-{recipe}-{fault}"
            cases[f"{recipe} {fault}"] = (recipe, arguments_for(recipe, output_dir, folder / fault))
        for fault, (content, family, _) in TOKENIZERS.items():
            if isinstance(content.get("words"), str):
                content = {"words": [f"w{number}" for number in range(tokens_of(recipe) - 4)]}
            path = folder / f"{recipe}_{fault}.json".replace(" ", "_")
            path.write_text(json.dumps(content))
            settings = ("tokenizer.name=null", f"tokenizer.path={path}", f"tokenizer.family={family}")
            output_dir = folder / f"out-{recipe}-{path.stem}"
            cases[f"{recipe} {fault}"] = (recipe, arguments_for(recipe, output_dir, folder / "good", *settings))
    for recipe in ("train", "evaluate"):
        cases[f"{recipe} marked"] = (recipe, arguments_for(recipe, folder / f"out-{recipe}-marked", folder / "marked"))
    for recipe in ("train", "evaluate"):
        unknown = ["--no-rich", "--model", "nope", "--corpus", str(folder / "good")]
        cases[f"{recipe} unknown"] = (recipe, [str(folder / f"out-{recipe}-unknown"), *unknown])
    for name, (recipe, settings, _) in CONTRADICTIONS.items():
        output_dir = folder / f"out-{name}".replace(" ", "_")
        cases[name] = (recipe, arguments_for(recipe, output_dir, folder / "good", *settings))
    command = [sys.executable, "-c", PROGRAM, json.dumps(cases)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.partition("RESULTS")[2]), folder


def errors_of(output):
    return [line for line in output.splitlines() if "ERROR" in line or "CRITICAL" in line]


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("fault", MESSAGES)
def test_a_corpus_that_is_wrong(outcomes, recipe, fault):
    results, folder = outcomes
    status, output = results[f"{recipe} {fault}"]
    message = MESSAGES[fault].format(folder=folder, split="train" if recipe == "train" else "test")
    assert "Traceback" not in output
    [error] = errors_of(output)
    assert message in error
    assert status == 1


@pytest.mark.parametrize("recipe", ["train", "evaluate"])
def test_a_model_that_is_not_known_is_called_a_model(outcomes, recipe):
    status, output = outcomes[0][f"{recipe} unknown"]
    assert status == 2
    assert "--model must be the folder of a run or of a model, or the name of a fairseq2 asset with a" in output
    assert "but is nope." in output


def test_what_a_system_made_is_not_trained_on_and_told_as_a_reference(outcomes):
    results, folder = outcomes
    told = "must be ground truth, but is marked as made by their system: "
    status, output = results["train marked"]
    [error] = errors_of(output)
    assert (status, f"train of {folder}/marked {told}a model would learn" in error) == (1, True)
    status, output = results["evaluate marked"]
    assert (status, f"test of {folder}/marked {told}scores against it say how near" in output) == (0, True)


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("fault", TOKENIZERS)
def test_a_vocabulary_that_does_not_match(outcomes, recipe, fault):
    status, output = outcomes[0][f"{recipe} {fault}"]
    assert "Traceback" not in output
    [error] = errors_of(output)
    assert TOKENIZERS[fault][2].format(have=tokens_of(recipe)) in error
    assert status == 2


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_settings_that_contradict_each_other(outcomes, name):
    status, output = outcomes[0][name]
    assert "Traceback" not in output
    assert CONTRADICTIONS[name][2] in output
    assert status == (1 if "positions" in name or "split" in name else 2)


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_command_itself(recipe, tmp_path):
    """As documented, in a process of its own: an exit status, and one line."""
    command = [sys.executable, "-m", f"signdiff_slp.recipes.{recipe}"]
    command += arguments_for(recipe, tmp_path / "out", tmp_path / "nowhere")
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env={**os.environ})
    assert done.returncode == 1
    output = done.stdout + done.stderr
    assert "Traceback" not in output
    [error] = errors_of(output)
    assert f"must be a corpus's folder, but {tmp_path}/nowhere is none." in error


@pytest.mark.slow
def test_every_preset_starts_from_its_line(tmp_path):
    """The line at its head, and no more than is needed to stop early."""
    rng = np.random.default_rng(0)
    for split, number in (("train", 16), ("dev", 2)):
        write_split(tmp_path / "corpus", split, rng.normal(size=(10 * number, 150)).astype(np.float32), number)
    short = ("regime.num_steps=2", "regime.validate_every_n_steps=2", "regime.checkpoint_every_n_steps=2")
    short += ("regime.publish_metrics_every_n_steps=1", "lr_scheduler.config.num_warmup_steps=1")
    short += ("model.config_overrides.max_frames_per_token=2",)
    start, end = "python -m signdiff_slp.recipes.train OUT", "--config dataset.config_overrides.data_dir=CORPUS"
    cases = {}
    for name in preset_names():
        # Some presets are for tokenizers of one's own, and say how to name them.
        if f"{start} --preset {name} {end}\n" in preset_path(name).read_text():
            arguments = ["--preset", name, *end.replace("CORPUS", str(tmp_path / "corpus")).split(), *short]
            cases[name] = ("train", [str(tmp_path / name), *arguments, "--no-rich"])
    assert {"base", "fingerspelling", "full", "just_counter"} <= set(cases)
    command = [sys.executable, "-c", PROGRAM, json.dumps(cases)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr
    for name, (status, output) in json.loads(done.stdout.partition("RESULTS")[2]).items():
        assert status == 0, output
        lines = (tmp_path / name / "metrics/train.jsonl").read_text().splitlines()
        losses = [json.loads(line)["Pose Loss"] for line in lines]
        assert len(losses) == 2
        assert np.isfinite(losses).all()
