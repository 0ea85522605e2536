"""What earlier versions wrote still opens: poses, marks, corpora, frames, models, runs and reports.

``written_before/files.tar.xz`` holds small ones of each kind, made by ``written_before/make.py`` before the packages
were laid out as they are now. The expected values are those that the version which wrote them gave.
"""

import json
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("diffusers")
pytest.importorskip("fairseq2")

ARCHIVE = Path(__file__).parent / "written_before" / "files.tar.xz"
SHORT = ("--max_train_steps", "6", "--train_batch_size", "2", "--checkpointing_steps", "4", "--report_to", "none")
CONTROLNET = (
    *("signdiff_core.training.train_controlnet", "--pretrained_model_name_or_path", "base", *SHORT),
    *("--num_validation_images", "0", "--num_validation_frames", "0", "--validation_steps", "100"),
)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("before")
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    return folder / "files"


def run(files, first, *rest):
    """Run a command or a module there; what it prints."""
    words = [sys.executable, "-m", first] if "." in first else [str(Path(sys.executable).parent / first)]
    done = subprocess.run([*words, *rest], cwd=files, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout + done.stderr


def steps(run):
    """The steps that a run's losses tell of."""
    return {json.loads(row)["step"] for row in (run / "losses.jsonl").read_text().splitlines()}


def size(pose):
    """Frames, and how large coordinates are."""
    return len(pose.body.data), float(np.abs(pose.body.data.filled(0)).mean())


@pytest.mark.parametrize(("name", "expected"), [("poses/one.pose", (12, 0.183764)), ("hi.pose", (44, 0.248048))])
def test_poses(files, name, expected):
    from signdiff_core import formats

    assert size(formats.read(files / name)) == pytest.approx(expected, abs=1e-5)


def test_marks(files):
    from signdiff_core.provenance import read_mark

    expected = {"generator": "signdiff-slp 0.1.0", "translator": "slp", "model": "default", "protocol": "free"}
    assert read_mark(files / "hi.pose") == expected


@pytest.mark.parametrize(
    ("folder", "text", "expected"), [("model", "ab", (40, 0.158494)), ("interop", "guten tag", (2, 1.456423))]
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_models_of_text_to_pose(files, folder, text, expected):
    from signdiff_slp import TextToPose

    assert size(TextToPose.from_pretrained(files / folder)([text])[0]) == pytest.approx(expected, rel=1e-3)


def test_predictors_of_fr_maps(files):
    from signdiff_frnet import FRNetPredictor

    predictor = FRNetPredictor.from_pretrained(files / "frnet" / "predictor")
    drawing = np.zeros((64, 64, 3), np.uint8)
    assert predictor(drawing, detect_resolution=64, image_resolution=64, output_type="np").shape == (64, 64, 3)


def test_back_translators(files):
    from signdiff_core import formats
    from signdiff_eval.backtranslation import BackTranslator

    translator = BackTranslator.from_pretrained(files / "backtranslation" / "translator")
    assert translator([formats.read(files / "poses" / "one.pose")]) == [""]


def test_control_nets(files):
    from diffusers import ControlNetModel

    network = ControlNetModel.from_pretrained(files / "controlnet" / "checkpoint-4" / "controlnet")
    assert float(sum(p.detach().double().abs().sum() for p in network.parameters())) == pytest.approx(2502.2349)


@pytest.mark.parametrize("name", ["corpus", "prepared", "imported"])
def test_corpora(files, name):
    run(files, "signdiff-slp", "vocabulary", name, "-o", f"{name}.json", "--kind", "character")
    characters = set(json.loads((files / f"{name}.json").read_text())["characters"])
    assert characters >= set("abcd" if name == "corpus" else "one two three four")
    run(files, "signdiff-slp", "corpus", "export", name, "-o", f"{name}.items", "--split", "train")


def test_finished_preparations_are_known(files):
    line = ("prepare", "--train", "openpose", "texts.tsv", "-o", "prepared", "--steps", "5", "--workers", "1")
    said = run(files, "signdiff-slp", *line)
    assert "warning: --steps has no effect" in said
    assert "prepared is finished: it was made of the same inputs with the same settings (but for steps 5," in said


@pytest.mark.parametrize("frames", ["set", "shards", "avatar"])
def test_training_frames(files, frames):
    run(files, *CONTROLNET, "--train_data_dir", frames, "--output_dir", f"on-{frames}")
    assert (files / f"on-{frames}" / "pipeline" / "model_index.json").is_file()


def test_runs_of_a_controlnet(files):
    line = ("--train_data_dir", "frames", "--output_dir", "controlnet", "--resume_from_checkpoint", "checkpoint-4")
    run(files, *CONTROLNET, *line)
    assert (files / "controlnet" / "pipeline" / "model_index.json").is_file()


def test_runs_of_a_predictor(files):
    run(
        *(files, "signdiff_frnet.training.train_predictor", "--train_data_dir", "pairs", "--output_dir", "frnet"),
        *("--validation_data_dir", "pairs", *SHORT, "--validation_steps", "4", "--resolutions", "64"),
        *("--block_out_channels", "8", "8", "8", "8", "8", "--num_validation_samples", "2"),
        *("--dataloader_num_workers", "0", "--resume_from_checkpoint", "checkpoint-4"),
    )
    assert steps(files / "frnet") == {1, 2, 3, 4, 5, 6}


def test_runs_of_a_back_translator(files):
    run(
        *(files, "signdiff_eval.training.train_backtranslation", "--train_data", "corpus", *SHORT),
        *("--output_dir", "backtranslation", "--validation_steps", "4", "--d_model", "16", "--encoder_layers", "1"),
        *("--decoder_layers", "1", "--heads", "2", "--conv_channels", "16", "--resume_from_checkpoint", "checkpoint-4"),
    )
    assert steps(files / "backtranslation") == {1, 2, 3, 4, 5, 6}


def test_runs_of_text_to_pose(files):
    corpus = ("--no-rich", "--config", "dataset.config_overrides.data_dir=corpus")
    quiet = "common.metric_recorders.tensorboard.enabled=false"
    printed = run(files, "signdiff_slp.recipes.evaluate", "recipe", *corpus, quiet)
    assert "Pose Loss: 414.727" in printed  # of the test split
    assert "DTW-MJE: 0.229521" in printed
    run(files, "signdiff_slp.export", "recipe/checkpoints", "-o", "exported")
    assert (files / "exported" / "model.safetensors").read_bytes() == (files / "model/model.safetensors").read_bytes()


def test_reports(files):
    for report in ("score.json", "compare.json"):
        printed = run(files, "signdiff-eval", "score", "--ref", "poses", "--hyp", "other", "--signature", report)
        assert "dtw_mje|align:exact" in printed
