import json
import os
import shutil
import subprocess
import sys

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("accelerate")
pytest.importorskip("transformers")

from accelerate.state import AcceleratorState  # noqa: E402

from signdiff_core.training.kit.checkpoints import list_checkpoints  # noqa: E402
from signdiff_eval.backtranslation import BackTranslator  # noqa: E402
from signdiff_eval.training import BackTranslationConfig  # noqa: E402
from signdiff_eval.training.examples import read_examples, training_hash  # noqa: E402
from signdiff_eval.training.train_backtranslation import train_backtranslation  # noqa: E402

MODULE = "signdiff_eval.training.train_backtranslation"


@pytest.fixture(autouse=True)
def _fresh_accelerator():
    """Accelerate keeps its state for the process; each test starts without one, as a command does."""
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


def options_for(corpus, output, **options):
    return {
        "output_dir": str(output),
        "train_data": str(corpus),
        "d_model": 16,
        "encoder_layers": 1,
        "decoder_layers": 1,
        "heads": 2,
        "conv_channels": 16,
        "train_batch_size": 4,
        "max_train_steps": 4,
        "lr_warmup_steps": 1,
        "checkpointing_steps": 2,
        "validation_steps": 2,
        "report_to": "none",
        **options,
    }


def train(corpus, output, **options):
    return train_backtranslation(BackTranslationConfig(**options_for(corpus, output, **options)))


def losses(output):
    rows = [json.loads(line) for line in (output / "losses.jsonl").read_text().splitlines()]
    return {row["step"]: row["loss"] for row in rows if "loss" in row}


def command(corpus, output, **options):
    arguments = [f"--{name}={value}" for name, value in options_for(corpus, output, **options).items()]
    return ["-m", MODULE, *arguments]


def test_help_loads_nothing_heavy():
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", MODULE, "--help"], capture_output=True, text=True, check=True
    )
    assert "--early_stopping_patience" in done.stdout
    loaded = {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in done.stderr.splitlines()}
    assert not {"torch", "accelerate", "transformers", "numpy"} & loaded


@pytest.mark.parametrize(("options", "status"), [(["--d_model", "15"], 2), ([], 1)])
def test_failures_take_one_line(tmp_path, options, status):
    arguments = ["--train_data", str(tmp_path / "none"), "--output_dir", str(tmp_path / "out"), *options]
    done = subprocess.run([sys.executable, "-m", MODULE, *arguments], capture_output=True, text=True)
    assert done.returncode == status
    assert "Traceback" not in done.stderr
    assert done.stderr.strip().splitlines()[-1].partition("error: ")[2]
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_nothing_in_a_checkpoint_is_pickled_and_a_damaged_one_is_named(corpus, tmp_path):
    train(corpus, tmp_path)
    checkpoint = tmp_path / "checkpoint-2"
    shutil.rmtree(tmp_path / "checkpoint-4")
    assert {path.suffix for path in checkpoint.rglob("*.*")} == {".safetensors", ".json"}
    for name in ("network/model.safetensors", "optimizer.safetensors"):
        whole = (checkpoint / name).read_bytes()
        (checkpoint / name).write_bytes(whole[:-1])
        with pytest.raises(ValueError, match=rf"checkpoint-2/{name} must be a whole safetensors file"):
            train(corpus, tmp_path, resume_from_checkpoint="latest")
        AcceleratorState._reset_state(reset_partial_state=True)
        (checkpoint / name).write_bytes(whole)
    train(corpus, tmp_path, resume_from_checkpoint="latest")


@pytest.mark.slow
def test_a_resumed_run_repeats_the_straight_one(corpus, tmp_path):
    options = {"gradient_accumulation_steps": 2, "learning_rate": 1e-2}
    straight = train(corpus, tmp_path / "a", **options)
    train(corpus, tmp_path / "b", **options)
    assert [path.name for path in list_checkpoints(tmp_path / "b")] == ["checkpoint-2", "checkpoint-4"]
    shutil.rmtree(tmp_path / "b" / "checkpoint-4")
    resumed = train(corpus, tmp_path / "b", resume_from_checkpoint="latest", **options)
    assert losses(tmp_path / "a") == losses(tmp_path / "b")
    weights = [(folder / "model.safetensors").read_bytes() for folder in (straight, resumed)]
    assert weights[0] == weights[1]
    card = (straight / "README.md").read_text()
    assert "8 held-out ground-truth poses" in card
    assert str(tmp_path) not in card
    examples = read_examples(corpus)
    translator = BackTranslator.from_pretrained(straight)
    assert translator.details.trained_on == training_hash(examples)
    assert ("trained_on", training_hash(examples)[:12]) in translator.settings
    rows = [line.split("\t") for line in (tmp_path / "a" / "test.tsv").read_text().splitlines()]
    held_out = read_examples(corpus, split="test")
    assert [row[2] for row in rows] == translator([example.joints for example in held_out])


def test_a_resume_with_other_settings_is_refused_and_leaves_all_as_it_was(corpus, tmp_path):
    train(corpus, tmp_path / "run", checkpointing_steps=4)
    kept = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir() if path.is_file()}
    others = {"fps": (12.5, "25.0"), "velocity": (True, "False"), "ctc_weight": (0.0, "0.3"), "noise": (0.5, "0.02")}
    for name, (value, was) in others.items():
        AcceleratorState._reset_state(reset_partial_state=True)
        with pytest.raises(ValueError, match=rf"^{name} must be {was} as in .*checkpoint-4, but is {value}\.$"):
            train(corpus, tmp_path / "run", resume_from_checkpoint="latest", **{name: value})
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir() if path.is_file()} == kept
    card = (tmp_path / "run" / "translator" / "README.md").read_text()
    assert "A run that was resumed lists the options of its last part" in card
    errors = json.loads((tmp_path / "run" / "translator" / "translator.json").read_text())["scores"]["cer"]
    assert f"| character error rate | {errors:.2f}% |" in card  # often over 100, so soon


@pytest.mark.slow
def test_one_and_two_processes_have_the_same_losses(corpus, tmp_path):
    options = {"max_train_steps": 5, "dropout": 0.0, "learning_rate": 1e-2}
    one = [sys.executable, *command(corpus, tmp_path / "one", train_batch_size=4, **options)]
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    two = [*launch, *command(corpus, tmp_path / "two", train_batch_size=2, **options)]
    # Without a GPU, accelerate joins processes by gloo; one is not asked for even where there is one.
    environment = {**os.environ, "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}
    for arguments in (one, two):
        done = subprocess.run(arguments, capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stderr[-2000:]
    alone, together = losses(tmp_path / "one"), losses(tmp_path / "two")
    assert list(together) == [1, 2, 3, 4, 5]
    assert list(together.values()) == pytest.approx(list(alone.values()), rel=1e-4)
    assert "torchrun --standalone --nproc_per_node 2" in (tmp_path / "two" / "translator" / "README.md").read_text()


@pytest.mark.slow
def test_two_accumulated_batches_are_one_of_twice_the_size(corpus, tmp_path):
    options = {"dropout": 0.0, "learning_rate": 1e-2}
    train(corpus, tmp_path / "whole", train_batch_size=4, **options)
    train(corpus, tmp_path / "halves", train_batch_size=2, gradient_accumulation_steps=2, **options)
    assert list(losses(tmp_path / "halves").values()) == pytest.approx(
        list(losses(tmp_path / "whole").values()), rel=1e-4
    )


@pytest.mark.slow
def test_it_stops_when_nothing_improves(corpus, tmp_path):
    train(
        corpus,
        tmp_path,
        max_train_steps=20,
        validation_steps=1,
        early_stopping_patience=2,
        learning_rate=1e-9,
        checkpointing_steps=100,
    )
    # An untrained network reads as badly at the second and third score as at the first.
    assert list(losses(tmp_path)) == [1, 2, 3]


@pytest.mark.slow
def test_it_learns_a_made_up_alphabet(make_corpus, tmp_path):
    corpus = make_corpus(tmp_path / "corpus", {"train": 400, "dev": 20, "test": 30})
    folder = train(
        corpus,
        tmp_path / "out",
        d_model=48,
        conv_channels=48,
        conv_layers=1,
        train_batch_size=16,
        max_train_steps=800,
        learning_rate=2e-3,
        lr_warmup_steps=20,
        validation_steps=200,
        checkpointing_steps=1000,
        # A letter twice in a row is told from one by its length alone in this alphabet.
        time_stretch=0.0,
        report_to="tensorboard",
    )
    scores = json.loads((folder / "translator.json").read_text())["scores"]
    assert scores["cer"] < 15
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    (log,) = (tmp_path / "out" / "logs").glob("*/events*")
    events = EventAccumulator(str(log)).Reload()
    assert [event.value for event in events.Scalars("test_cer")] == [pytest.approx(scores["cer"])]


@pytest.mark.slow
def test_pieces_velocities_and_mixed_precision(corpus, tmp_path):
    folder = train(corpus, tmp_path, tokenizer="bpe", vocab_size=20, velocity=True, mixed_precision="bf16", num_beams=2)
    translator = BackTranslator.from_pretrained(folder)
    assert translator.details.features.size == 30
    assert len(translator([example.joints for example in read_examples(corpus, split="test")])) == 8


def test_a_run_says_what_it_is_and_keeps_its_folder(corpus, tmp_path, caplog, monkeypatch):
    caplog.set_level("INFO", "signdiff.training")
    monkeypatch.setenv("ACCELERATE_USE_CPU", "true")
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")  # as accelerate launch --cpu --num_processes 2 leaves it
    with pytest.raises(ValueError, match="mixed_precision must be no or bf16 on a CPU, but is fp16"):
        train(corpus, tmp_path / "half", mixed_precision="fp16")
    AcceleratorState._reset_state(reset_partial_state=True)
    options = {"max_train_steps": 2, "gradient_accumulation_steps": 2}
    train(corpus, tmp_path / "run", **options)
    lines = caplog.messages
    begins = "1 process on cpu, precision float32; 8 poses a step (4 x 2 accumulated x 1 process), 2 steps; "
    (line,) = [line for line in lines if line.startswith(begins)]
    assert line.endswith(f" parameters trained; to {tmp_path / 'run'}")
    assert any("accelerate launch starts one process on CPUs" in line and "torchrun" in line for line in lines)
    assert any(line.startswith("validation 000002: ") and line.endswith(" ...") for line in lines)
    kept = (tmp_path / "run" / "losses.jsonl").read_text()
    AcceleratorState._reset_state(reset_partial_state=True)
    with pytest.raises(
        FileExistsError, match=r"holds checkpoint-2, .*: give --resume_from_checkpoint latest to resume"
    ):
        train(corpus, tmp_path / "run", **options)
    assert (tmp_path / "run" / "losses.jsonl").read_text() == kept
    train(corpus, tmp_path / "run", overwrite_output_dir=True, **options)
    assert (tmp_path / "run" / "losses.jsonl").read_text() == kept  # begun anew, not added to
