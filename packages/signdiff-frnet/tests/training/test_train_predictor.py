import json
import os
import shutil
import subprocess
import sys

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("accelerate")
pytest.importorskip("onnx")

from accelerate.state import AcceleratorState  # noqa: E402

from signdiff_core.training.kit.checkpoints import find_checkpoint, list_checkpoints  # noqa: E402
from signdiff_frnet import FRNetPredictor  # noqa: E402
from signdiff_frnet.training import PredictorTrainingConfig  # noqa: E402
from signdiff_frnet.training.export import ExportConfig, export_predictor  # noqa: E402
from signdiff_frnet.training.network import StrokeUNet  # noqa: E402
from signdiff_frnet.training.save import save_predictor  # noqa: E402
from signdiff_frnet.training.scores import Validation  # noqa: E402
from signdiff_frnet.training.train_predictor import train_predictor  # noqa: E402

SCORES = Validation(threshold=0.4, iou=0.5, boundary_f=0.6, reference_iou=0.7, reference_boundary_f=0.8)


@pytest.fixture(autouse=True)
def _fresh_accelerator():
    """Accelerate keeps its state for the process; each test starts without one, as a command does."""
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


def options_for(pairs, output, **options):
    return {
        "output_dir": str(output),
        "train_data_dir": str(pairs),
        "resolutions": (64,),
        "detect_resolution": 64,
        "block_out_channels": (8, 8, 8, 8, 8),
        "train_batch_size": 4,
        "max_train_steps": 4,
        "lr_warmup_steps": 1,
        "checkpointing_steps": 2,
        "validation_steps": 3,
        "num_validation_samples": 4,
        "report_to": "none",
        **options,
    }


def train(pairs, output, **options):
    return train_predictor(PredictorTrainingConfig(**options_for(pairs, output, **options)))


def losses(output):
    rows = [json.loads(line) for line in (output / "losses.jsonl").read_text().splitlines()]
    return {row["step"]: row["loss"] for row in rows if "loss" in row}


def command(pairs, output, **options):
    arguments = []
    for name, value in options_for(pairs, output, **options).items():
        arguments += [f"--{name}", *(str(one) for one in (value if isinstance(value, tuple) else (value,)))]
    return ["-m", "signdiff_frnet.training.train_predictor", *arguments]


def test_help_loads_nothing_heavy():
    module = "signdiff_frnet.training.train_predictor"
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", module, "--help"], capture_output=True, text=True, check=True
    )
    assert "--gradient_accumulation_steps" in done.stdout
    loaded = {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in done.stderr.splitlines()}
    assert not {"torch", "accelerate", "onnx", "cv2"} & loaded


@pytest.mark.parametrize(("options", "status"), [(["--resolutions", "100"], 2), ([], 1)])
def test_failures_take_one_line(tmp_path, options, status):
    arguments = ["--train_data_dir", str(tmp_path / "none"), "--output_dir", str(tmp_path / "out"), *options]
    done = subprocess.run(
        [sys.executable, "-m", "signdiff_frnet.training.train_predictor", *arguments], capture_output=True, text=True
    )
    assert done.returncode == status
    assert "Traceback" not in done.stderr
    assert done.stderr.strip().splitlines()[-1].partition("error: ")[2]


def test_a_folder_of_other_files_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").touch()
    config = PredictorTrainingConfig(**options_for("", tmp_path))
    with pytest.raises(FileExistsError, match="holds other files"):
        save_predictor(tmp_path, StrokeUNet((8, 8, 8, 8, 8)), config, SCORES)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_saved_predictor_is_the_network(tmp_path):
    torch.manual_seed(0)
    network = StrokeUNet((8, 8, 8, 8, 8))
    config = PredictorTrainingConfig(**options_for("/home/someone/pairs", tmp_path, offset=7.0))
    save_predictor(tmp_path / "made", network, config, SCORES)
    save_predictor(tmp_path / "made", network, config, SCORES)  # again, in its place
    assert sorted(path.name for path in tmp_path.iterdir()) == ["made"]
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == ["README.md", "config.json", "model.onnx"]
    predictor = FRNetPredictor.from_pretrained(tmp_path / "made")
    assert predictor.settings.parameters.offset == 7.0
    assert predictor.settings.threshold == 0.4
    rng = np.random.default_rng(0)
    drawings = rng.integers(0, 256, size=(2, 128, 64, 3), dtype=np.uint8)
    references = rng.integers(0, 256, size=(2, 128, 64), dtype=np.uint8)
    conditions = torch.from_numpy(np.concatenate([drawings, references[..., None]], axis=-1)).permute(0, 3, 1, 2) / 255
    with torch.no_grad():
        expected = network(conditions).sigmoid()[:, 0].numpy()
    assert np.abs(predictor.predict(drawings, references) - expected).max() < 1e-5
    card = (tmp_path / "made" / "README.md").read_text()
    assert "someone" not in card
    assert "| without a reference | 0.500 | 0.600 |" in card
    assert "--offset 7.0" in card


@pytest.mark.parametrize("written", [None, "[]", '{"output_dir": "o", "train_data": "corpus"}'])
def test_a_checkpoint_of_another_kind_is_told_in_one_line(tmp_path, written):
    (tmp_path / "checkpoint-3").mkdir()
    if written is not None:
        (tmp_path / "training.json").write_text(written)
    with pytest.raises(
        ValueError, match=r"^checkpoint must lie in the folder of its run, whose options .*training\.json"
    ):
        export_predictor(ExportConfig(checkpoint=str(tmp_path / "checkpoint-3"), output_dir=str(tmp_path / "p")))


def test_a_resume_with_other_settings_is_refused_and_the_run_is_exported_still(pairs, tmp_path):
    train(pairs, tmp_path / "run", checkpointing_steps=4)
    others = {"offset": (3.0, "10.0"), "seed": (7, "0"), "scale": ((1.0, 1.1), r"\[0.75, 1.25\]")}
    for name, (value, was) in others.items():
        AcceleratorState._reset_state(reset_partial_state=True)
        with pytest.raises(ValueError, match=rf"^{name} must be {was} as in .*checkpoint-4, but is "):
            train(pairs, tmp_path / "run", resume_from_checkpoint="latest", **{name: value})
    AcceleratorState._reset_state(reset_partial_state=True)
    with pytest.raises(ValueError, match=r"^block_out_channels must be '8,8,8,8,8' as in "):
        train(pairs, tmp_path / "run", resume_from_checkpoint="latest", block_out_channels=(8, 8, 8, 8, 16))
    export = ExportConfig(checkpoint=str(tmp_path / "run" / "checkpoint-4"), output_dir=str(tmp_path / "exported"))
    export_predictor(export)
    card = (tmp_path / "exported" / "README.md").read_text()
    assert "A run that was resumed lists the options of its last part" in card


@pytest.mark.slow
def test_nothing_in_a_checkpoint_is_pickled_and_a_damaged_one_is_named(pairs, tmp_path):
    train(pairs, tmp_path)
    checkpoint = tmp_path / "checkpoint-2"
    shutil.rmtree(tmp_path / "checkpoint-4")
    assert {path.suffix for path in checkpoint.rglob("*.*")} == {".safetensors", ".json"}
    for name in ("network/model.safetensors", "optimizer.safetensors"):
        whole = (checkpoint / name).read_bytes()
        (checkpoint / name).write_bytes(whole[:-1])
        with pytest.raises(ValueError, match=rf"checkpoint-2/{name} must be a whole safetensors file"):
            train(pairs, tmp_path, resume_from_checkpoint="latest")
        AcceleratorState._reset_state(reset_partial_state=True)
        (checkpoint / name).write_bytes(whole)
    train(pairs, tmp_path, resume_from_checkpoint="latest")


@pytest.mark.slow
def test_a_resumed_run_repeats_the_straight_one(pairs, tmp_path):
    straight = train(pairs, tmp_path / "a", gradient_accumulation_steps=2)
    train(pairs, tmp_path / "b", gradient_accumulation_steps=2)
    assert [path.name for path in list_checkpoints(tmp_path / "b")] == ["checkpoint-2", "checkpoint-4"]
    shutil.rmtree(tmp_path / "b" / "checkpoint-4")
    resumed = train(pairs, tmp_path / "b", gradient_accumulation_steps=2, resume_from_checkpoint="latest")
    assert (straight / "model.onnx").read_bytes() == (resumed / "model.onnx").read_bytes()
    assert losses(tmp_path / "a") == losses(tmp_path / "b")
    grid = cv2.imread(str(tmp_path / "a" / "validation" / "000003.png"))
    assert grid.shape == (4 * 64, 5 * 64, 3)
    sizes = export_predictor(
        ExportConfig(checkpoint=str(tmp_path / "a" / "checkpoint-4"), output_dir=str(tmp_path / "exported"))
    )
    assert sizes["model.onnx"] == (straight / "model.onnx").stat().st_size
    assert (tmp_path / "exported" / "model.onnx").read_bytes() == (straight / "model.onnx").read_bytes()


@pytest.mark.slow
def test_only_so_many_checkpoints_stay(pairs, tmp_path):
    train(pairs, tmp_path, checkpointing_steps=1, checkpoints_total_limit=1)
    assert [path.name for path in list_checkpoints(tmp_path)] == ["checkpoint-4"]
    assert find_checkpoint("latest", tmp_path).name == "checkpoint-4"
    with pytest.raises(FileNotFoundError, match="'latest' or a checkpoint"):
        find_checkpoint("checkpoint-3", tmp_path)


@pytest.mark.slow
def test_two_accumulated_batches_are_one_of_twice_the_size(pairs, tmp_path):
    train(pairs, tmp_path / "whole", train_batch_size=4, proportion_no_reference=1.0)
    train(
        pairs,
        tmp_path / "halves",
        train_batch_size=2,
        gradient_accumulation_steps=2,
        proportion_no_reference=1.0,
        dataloader_num_workers=0,
    )
    assert list(losses(tmp_path / "halves").values()) == pytest.approx(
        list(losses(tmp_path / "whole").values()), rel=1e-4
    )


@pytest.mark.slow
def test_one_and_two_processes_have_the_same_losses(pairs, tmp_path):
    one = [sys.executable, *command(pairs, tmp_path / "one", train_batch_size=4, max_train_steps=6)]
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    two = [*launch, *command(pairs, tmp_path / "two", train_batch_size=2, max_train_steps=6)]
    # Without a GPU, accelerate joins processes by gloo; one is not asked for even where there is one.
    environment = {**os.environ, "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}
    for arguments in (one, two):
        done = subprocess.run(arguments, capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stderr[-2000:]
    alone, together = losses(tmp_path / "one"), losses(tmp_path / "two")
    assert list(together) == [1, 2, 3, 4, 5, 6]
    assert list(together.values()) == pytest.approx(list(alone.values()), rel=1e-4)
    assert alone[6] < alone[1]
    assert "torchrun --standalone --nproc_per_node 2" in (tmp_path / "two" / "predictor" / "README.md").read_text()


@pytest.mark.slow
def test_it_learns_where_boxes_have_edges(pairs, tmp_path):
    options = {"block_out_channels": (16, 16, 16, 16, 16), "learning_rate": 3e-3}
    folder = train(pairs, tmp_path, max_train_steps=80, lr_warmup_steps=10, validation_steps=1000, **options)
    scores = json.loads((folder / "config.json").read_text())["scores"]
    assert scores["iou"] > 0.5
    assert scores["boundary_f"] > 0.6


@pytest.mark.slow
def test_losses_and_scores_are_logged_for_tensorboard(pairs, tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    train(pairs, tmp_path, report_to="tensorboard", mixed_precision="bf16")
    (log,) = (tmp_path / "logs").glob("*/events*")
    events = EventAccumulator(str(log)).Reload()
    written = [event.value for event in events.Scalars("loss")]
    assert written == pytest.approx(list(losses(tmp_path).values()), rel=1e-5)
    assert {"lr", "iou", "boundary_f"} <= set(events.Tags()["scalars"])


def test_a_run_says_what_it_is_and_keeps_its_folder(pairs, tmp_path, caplog, monkeypatch):
    caplog.set_level("INFO", "signdiff.training")
    monkeypatch.setenv("ACCELERATE_USE_CPU", "true")
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")  # as accelerate launch --cpu --num_processes 2 leaves it
    with pytest.raises(ValueError, match="mixed_precision must be no or bf16 on a CPU, but is fp16"):
        train(pairs, tmp_path / "half", mixed_precision="fp16")
    AcceleratorState._reset_state(reset_partial_state=True)
    options = {"max_train_steps": 2, "gradient_accumulation_steps": 2}
    train(pairs, tmp_path / "run", **options)
    lines = caplog.messages
    begins = (
        "1 process on cpu, precision float32; 8 samples of 64 pixels a step (4 x 2 accumulated x 1 process), 2 steps; "
    )
    (line,) = [line for line in lines if line.startswith(begins)]
    assert line.endswith(f" parameters trained; to {tmp_path / 'run'}")
    assert any("accelerate launch starts one process on CPUs" in line and "torchrun" in line for line in lines)
    assert any(line.startswith("validation final: ") and line.endswith(" ...") for line in lines)
    kept = (tmp_path / "run" / "losses.jsonl").read_text()
    AcceleratorState._reset_state(reset_partial_state=True)
    with pytest.raises(
        FileExistsError, match=r"holds checkpoint-2, .*: give --resume_from_checkpoint latest to resume"
    ):
        train(pairs, tmp_path / "run", **options)
    assert (tmp_path / "run" / "losses.jsonl").read_text() == kept
    train(pairs, tmp_path / "run", overwrite_output_dir=True, **options)
    assert (tmp_path / "run" / "losses.jsonl").read_text() == kept  # begun anew, not added to
