"""A run and a model carry what they are: recipes take either as one argument, and a run goes on with its own."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import yaml

from signdiff_slp.cli import main as slp_main

# Commands, one after another, in one process: most of a command's time goes into importing fairseq2.
PROGRAM = """
import contextlib, importlib, io, json, sys
results = {}
for name, (module, arguments) in json.loads(sys.argv[1]).items():
    sys.argv = ["command", *arguments]
    status, output = 0, io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        try:
            status = importlib.import_module(module).main()
        except SystemExit as stop:
            status = stop.code
    results[name] = (status or 0, output.getvalue())
print("RESULTS" + json.dumps(results))
"""
TEXTS = ("Nun Regen", "nun Sonne", "Morgen nun Schnee")
TINY = (
    *("model.arch=tiny", "model.config_overrides.max_frames_per_token=3", "lr_scheduler.config.num_warmup_steps=1"),
    *("regime.validate_every_n_steps=2", "regime.checkpoint_every_n_steps=2", "regime.publish_metrics_every_n_steps=2"),
    *("common.metric_recorders.tensorboard.enabled=false", "validate_free_decoding=false"),
)


def write_corpus(folder, texts):
    rng = np.random.default_rng(0)
    folder.mkdir()
    for split, number in (("train", 12), ("dev", 3), ("test", 3)):
        lines = [f"{split}-{n}\t{8 * n}\t8\t{texts[n % len(texts)]}\n" for n in range(number)]
        (folder / f"{split}.tsv").write_text("".join(lines), encoding="utf-8")
        np.save(folder / f"{split}.poses.npy", rng.normal(size=(8 * number, 150)).astype(np.float32))


def recipe(kind, *arguments):
    return f"signdiff_slp.recipes.{kind}.__main__", ["--no-rich", *arguments]


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """The whole way, and ways that are refused; outcomes by name, and the folder of it all."""
    folder = tmp_path_factory.mktemp("runs")
    write_corpus(folder / "corpus", TEXTS)
    write_corpus(folder / "other", TEXTS)
    poses = np.load(folder / "other/train.poses.npy")
    poses[50, 70] += 1
    np.save(folder / "other/train.poses.npy", poses)
    # As `vocabulary --case lower` says it.
    words = folder / "words.json"
    assert slp_main(["vocabulary", str(folder / "corpus"), "-o", str(words), "--kind", "word", "--case", "lower"]) == 0
    tokens = (f"tokenizer.path={words}", "tokenizer.family=slp_word", "tokenizer.config_overrides.lowercase=true")
    sizes = ("model.config_overrides.vocab_size=9", "model.config_overrides.pad_idx=1")
    run, model, corpus = str(folder / "run"), str(folder / "model"), str(folder / "corpus")
    export = "signdiff_slp.export"
    cases = {
        "train": recipe("train", run, "--corpus", corpus, "--config", "regime.num_steps=2", *TINY, *sizes, *tokens),
        "export": (export, [run, "-o", model]),
        "export again": (export, [model, "-o", str(folder / "again")]),
        "sign": ("signdiff_slp.cli", ["sign", "Nun", "--model", model, "-o", str(folder / "nun.pose")]),
        "sign run": ("signdiff_slp.cli", ["sign", "Nun", "--model", run, "-o", str(folder / "run.pose")]),
        "evaluate": recipe("evaluate", str(folder / "eval"), "--model", model, "--corpus", corpus),
        "evaluate run": recipe("evaluate", str(folder / "eval-run"), "--model", run),
        "generate": recipe(
            *("generate", str(folder / "told"), "--model", model, "--corpus", corpus),
            *("--config", "protocol=gt-timing", "split=dev"),
        ),
        "nowhere": recipe("evaluate", str(folder / "nowhere"), "--model", "no/where"),
        "other corpus": recipe("train", run, "--corpus", str(folder / "other")),
        "other model": recipe("train", run, "--config", "model.config_overrides.model_dim=64"),
        "other tokenizer": recipe("train", run, "--config", "tokenizer.config_overrides.lowercase=false"),
        "go on": recipe("train", run, "--config", "regime.num_steps=4"),
        "start from it": recipe(
            *("train", str(folder / "tuned"), "--model", model, "--corpus", str(folder / "other")),
            *("--config", "regime.num_steps=2", *TINY[2:]),
        ),
    }
    command = [sys.executable, "-c", PROGRAM, json.dumps(cases)]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout.partition("RESULTS")[2]), folder


@pytest.mark.parametrize(
    "name",
    [
        *("train", "export", "export again", "sign", "sign run", "evaluate", "evaluate run", "generate", "go on"),
        "start from it",
    ],
)
def test_the_whole_way(done, name):
    status, output = done[0][name]
    assert status == 0, output


def test_a_model_keeps_the_settings_of_its_tokenizer(done):
    results, folder = done
    for name in ("run/checkpoints", "model", "again"):
        saved = json.loads((folder / name / "tokenizer.json").read_text())
        assert saved["tokenizer_family"] == "slp_word"
        assert saved["config"] == {"lowercase": True, "begin": False, "end": True}
    # "Nun" stands in no vocabulary of lower case.
    assert "does not know" not in results["sign"][1]
    for name in ("evaluate", "evaluate run", "generate"):
        assert "0 of 7 tokens." in results[name][1]


def test_a_run_and_its_export_are_scored_alike(done):
    results, _ = done
    scores = [
        [
            line.partition("free - ")[2].partition("| Data Time")[0]
            for line in results[name][1].splitlines()
            if "free -" in line
        ]
        for name in ("evaluate", "evaluate run")
    ]
    assert scores[0] == scores[1]
    assert "DTW-MJE" in scores[0][0]


def test_an_exported_model_is_decoded_as_in_the_literature(done):
    from pose_format import Pose

    folder = done[1] / "told/poses"
    assert json.loads((folder / "generator.json").read_text())["protocol"] == "gt-timing"
    lengths = [len(Pose.read(path.read_bytes()).body.data) for path in sorted(folder.glob("*.pose"))]
    assert lengths == [8, 8, 8]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("other corpus", "/other holds other poses of train (12 examples"),
        (
            "other model",
            "/run/checkpoints, with model_dim 32, but has model_dim 64. Resume with the run's own settings",
        ),
        ("other tokenizer", "/run/checkpoints, but has lowercase False instead of True. "),
    ],
)
def test_a_run_does_not_go_on_as_another_one(done, name, message):
    status, output = done[0][name]
    errors = [line for line in output.splitlines() if "ERROR" in line]
    assert len(errors) == 1
    assert message in errors[0]
    assert "Traceback" not in output
    assert status == 2


def test_what_was_refused_has_changed_nothing(done):
    results, folder = done
    assert "after 4 step(s)" in results["go on"][1]
    assert yaml.safe_load((folder / "run/checkpoints/model.yaml").read_text())["model_config"]["model_dim"] == 32
    assert json.loads((folder / "run/checkpoints/corpus.json").read_text())["data_dir"] == str(folder / "corpus")
    assert "Resuming training" in results["go on"][1] or "Restoring" in results["go on"][1]
    settings = yaml.safe_load((folder / "run/checkpoints/recipe.yaml").read_text())
    assert settings["tokenizer"]["path"] == str(folder / "words.json")


def test_a_run_is_told_by_its_folder(done):
    status, output = done[0]["nowhere"]
    assert status == 1
    assert (
        "model must be the folder of a run or of a model, or the name of a fairseq2 asset, but is no/where." in output
    )


def test_runs_and_models_of_before(done, tmp_path):
    """Neither had a tokenizer beside it; what a run has written of its settings tells it."""
    from signdiff_slp.export import export
    from signdiff_slp.models.progressive.release import load_release
    from signdiff_slp.recipes.command import model_settings

    _, folder = done
    shutil.copytree(folder / "run", tmp_path / "run")
    for name in ("tokenizer.json", "corpus.json", "recipe.yaml"):
        (tmp_path / "run/checkpoints" / name).unlink()
    settings = model_settings(str(tmp_path / "run"))
    assert 'tokenizer.family="slp_word"' in settings
    assert any(item.startswith("tokenizer.config_overrides=") and '"lowercase": true' in item for item in settings)
    export(tmp_path / "run", tmp_path / "model")
    assert load_release(tmp_path / "model")[1].config.lowercase
    (tmp_path / "run/config.yaml").unlink()
    with pytest.raises(ValueError, match="must have the 9 tokens of the model"):
        export(tmp_path / "run", tmp_path / "none")
    export(tmp_path / "run", tmp_path / "named", tokenizer=str(folder / "words.json"), tokenizer_family="slp_word")
    assert not load_release(tmp_path / "named")[1].config.lowercase


@pytest.mark.parametrize("keep", [0.0, 0.5, 0.99])
def test_damaged_weights_of_a_run_are_one_error(done, tmp_path, keep):
    from signdiff_slp import TextToPose

    _, folder = done
    shutil.copytree(folder / "run", tmp_path / "run")
    [weights] = (tmp_path / "run/checkpoints/step_4/model").rglob("*.pt")
    weights.write_bytes(weights.read_bytes()[: int(keep * weights.stat().st_size)])
    with pytest.raises(ValueError, match=r"step_4/model must hold the weights of model\.yaml, but cannot be read: "):
        TextToPose.from_pretrained(tmp_path / "run")


def test_a_run_goes_on_with_its_own_tokenizer_where_the_named_one_changed(done, tmp_path):
    from signdiff_slp.recipes.command import own_settings

    _, folder = done
    shutil.copytree(folder / "run", tmp_path / "run")
    checkpoints = tmp_path / "run/checkpoints"
    assert not [item for item in own_settings(checkpoints)[1] if item.startswith("tokenizer.")]
    settings = yaml.safe_load((checkpoints / "recipe.yaml").read_text())
    for path in (tmp_path / "gone.json", tmp_path / "other.json"):
        settings["tokenizer"]["path"] = str(path)
        (checkpoints / "recipe.yaml").write_text(yaml.safe_dump(settings))
        assert f'tokenizer.path="{checkpoints}/tokenizer.json"' in own_settings(checkpoints)[1]
        (tmp_path / "other.json").write_text(json.dumps({"words": list("abcde")}))


def test_another_tokenizer_is_not_exported(done, tmp_path):
    from signdiff_slp.export import export

    (tmp_path / "w.json").write_text(json.dumps({"words": list("abcde")}))
    with pytest.raises(ValueError, match=r"must be that of .*/run/checkpoints, but .*/w.json has its tokens"):
        export(done[1] / "run", tmp_path / "model", tokenizer=str(tmp_path / "w.json"))
    export(done[1] / "run", tmp_path / "model", tokenizer=str(done[1] / "words.json"), tokenizer_family="slp_word")
