"""What a run makes sure of and tells before it begins."""

import os
import re
import subprocess
import sys

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("signdiff_frnet")
pytestmark = pytest.mark.sibling

from accelerate.state import AcceleratorState  # noqa: E402
from diffusers import AutoencoderKL  # noqa: E402

from signdiff_core.training import ControlNetConfig, VAEConfig  # noqa: E402
from signdiff_core.training.kit.arguments import RunConfig, parse, run  # noqa: E402
from signdiff_core.training.kit.checkpoints import run_folder  # noqa: E402
from signdiff_core.training.options import DIFFUSERS_ONLY  # noqa: E402
from signdiff_core.training.train_controlnet import train_controlnet  # noqa: E402
from signdiff_core.training.train_vae import train_vae  # noqa: E402

WORDS = """
adam_beta1 adam_beta2 adam_epsilon adam_weight_decay allow_tf32 cache_dir caption_column checkpointing_steps
checkpoints_total_limit conditioning_image_column controlnet_model_name_or_path dataloader_num_workers
dataset_config_name dataset_name enable_xformers_memory_efficient_attention gradient_accumulation_steps
gradient_checkpointing hub_model_id hub_token image_column learning_rate logging_dir lr_num_cycles lr_power
lr_scheduler lr_warmup_steps max_grad_norm max_train_samples max_train_steps mixed_precision num_train_epochs
num_validation_images output_dir pretrained_model_name_or_path proportion_empty_prompts push_to_hub report_to
resolution resume_from_checkpoint revision scale_lr seed set_grads_to_none tokenizer_name tracker_project_name
train_batch_size train_data_dir use_8bit_adam validation_image validation_prompt validation_steps variant
"""
DIFFUSERS = set(WORDS.split())
"""The flags of diffusers' examples/controlnet/train_controlnet.py."""


@pytest.fixture(autouse=True)
def _fresh_accelerator(monkeypatch):
    monkeypatch.setenv("ACCELERATE_USE_CPU", "true")
    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


@pytest.fixture
def call(base, frames, capsys, caplog):
    """Train as the command line does; gives exit status and lines, those that are logged first."""

    def call(output, **options):
        chosen = {
            "pretrained_model_name_or_path": base,
            "train_data_dir": frames,
            "output_dir": output,
            "train_batch_size": 3,
            "gradient_accumulation_steps": 2,
            "max_train_steps": 1,
            "crop_sizes": 32,
            "num_validation_images": 2,
            "num_validation_frames": 0,
            "validation_inference_steps": 1,
            "report_to": "none",
            **options,
        }
        words = [str(word) for name, value in chosen.items() for word in (f"--{name}", value) if word is not None]
        caplog.clear()
        try:
            run(lambda: train_controlnet(parse(ControlNetConfig, words, elsewhere=DIFFUSERS_ONLY)))
        except SystemExit as exit_:
            return exit_.code, [*caplog.messages, *capsys.readouterr().err.splitlines()]
        return 0, [*caplog.messages, *capsys.readouterr().err.splitlines()]

    return call


def test_a_run_tells_what_it_is_and_what_takes_long(call, base, tmp_path, monkeypatch):
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")  # as accelerate launch --cpu --num_processes 2 leaves it
    status, lines = call(tmp_path / "run")
    assert status == 0
    (line,) = [line for line in lines if line.startswith("1 process")]
    told = r"1 process on cpu, precision float32; 6 frames a step \(3 x 2 accumulated x 1 process\), 1 steps; "
    told += r"([\d,]+) of ([\d,]+) parameters trained; to (.*)"
    trained, everything, output = re.fullmatch(told, line).groups()
    from diffusers import ControlNetModel, UNet2DConditionModel
    from transformers import CLIPTextModel

    net = ControlNetModel.from_pretrained(tmp_path / "run" / "pipeline", subfolder="controlnet")
    others = [
        UNet2DConditionModel.from_pretrained(base, subfolder="unet"),
        AutoencoderKL.from_pretrained(base, subfolder="vae"),
        CLIPTextModel.from_pretrained(base, subfolder="text_encoder"),
    ]
    assert int(trained.replace(",", "")) == net.num_parameters()
    assert int(everything.replace(",", "")) == net.num_parameters() + sum(part.num_parameters() for part in others)
    assert output == str(tmp_path / "run")
    assert any("accelerate launch starts one process on CPUs" in line and "torchrun" in line for line in lines)
    assert any("latents of 12 frames" in line for line in lines)
    assert "validation final: renders 2 frames in 1 steps each ..." in lines
    assert any(line.startswith("validation final: renders 2 frames in 1 steps each: done in") for line in lines)

    before = (tmp_path / "run" / "pipeline" / "model_index.json").stat()
    status, lines = call(tmp_path / "run")
    told = "must be new or without a run, but .* holds pipeline, losses.jsonl: give --resume_from_checkpoint latest"
    assert status == 1
    assert re.search(told, lines[-1])
    assert (tmp_path / "run" / "pipeline" / "model_index.json").stat() == before
    monkeypatch.delenv("MASTER_ADDR")
    AcceleratorState._reset_state(reset_partial_state=True)
    status, lines = call(tmp_path / "run", overwrite_output_dir=None, num_validation_images=0)
    assert status == 0
    assert not any("torchrun" in line for line in lines)


def test_a_resume_that_is_refused_says_why_and_leaves_all_as_it_was(call, tmp_path):
    def told(output, resume, **options):
        AcceleratorState._reset_state(reset_partial_state=True)
        status, lines = call(output, resume_from_checkpoint=resume, **{"num_validation_images": 0, **options})
        assert status == 1, lines
        return lines[-1]

    run_dir = tmp_path / "run"
    status, lines = call(run_dir, resume_from_checkpoint="latest", checkpointing_steps=1, num_validation_images=0)
    assert status == 0
    anew = f"resume_from_checkpoint is latest, but {run_dir} has no checkpoint: the run starts anew"
    assert [line for line in lines if "anew" in line] == [anew]
    kept = run_dir / "checkpoint-1"
    assert told(run_dir, "latest", seed=1) == f"error: seed must be 0 as in {kept}, but is 1."
    assert told(run_dir, "latest", **{"no-use_ema": None}) == f"error: use_ema must be on as in {kept}, but is off."
    step = "train_batch_size x gradient_accumulation_steps x processes"
    assert told(run_dir, "latest", train_batch_size=4) == f"error: {step} must be 6 as in {kept}, but is 8."
    told_of = told(tmp_path / "new", kept, report_to="tensorboard", crop_probability=0.5)
    assert told_of == f"error: crop_probability must be 0.0 as in {kept}, but is 0.5."
    assert not (tmp_path / "new").exists()
    missing = "error: resume_from_checkpoint must be 'latest' or a checkpoint's folder, but is 'checkpoint-99'."
    assert told(run_dir, "checkpoint-99") == missing
    (tmp_path / "file").touch()
    told_of = told(tmp_path / "file", "latest")
    assert told_of == f"error: output_dir must be a folder, but {tmp_path}/file is a file."
    assert {path.name for path in run_dir.iterdir()} == {"checkpoint-1", "losses.jsonl", "pipeline"}


def test_a_tracker_that_does_not_start_is_told(call, tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("WANDB_ERROR_REPORTING", "false")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    status, lines = call(tmp_path / "run", report_to="wandb")
    assert status == 1
    assert re.match("error: report_to names wandb, which does not start: .*(api|API)", lines[-1])


def test_half_precision_on_a_cpu_is_refused(call, base, frames, tmp_path):
    status, lines = call(tmp_path / "run", mixed_precision="fp16")
    assert (status, lines[-1]) == (1, "error: mixed_precision must be no or bf16 on a CPU, but is fp16.")
    AcceleratorState._reset_state(reset_partial_state=True)
    config = VAEConfig(
        pretrained_model_name_or_path=str(base),
        train_data_dir=str(frames),
        output_dir=str(tmp_path / "vae"),
        resolution=64,
        crop_sizes=(32,),
        mixed_precision="fp16",
    )
    with pytest.raises(ValueError, match="mixed_precision must be no or bf16 on a CPU, but is fp16"):
        train_vae(config)


def test_every_flag_of_diffusers_is_here_or_is_told_by_name(capsys):
    ours = set(ControlNetConfig.__dataclass_fields__)
    assert not DIFFUSERS - ours - set(DIFFUSERS_ONLY)
    assert not ours & set(DIFFUSERS_ONLY)
    required = ["--pretrained_model_name_or_path", "b", "--train_data_dir", "f", "--output_dir", "o"]
    for name, instead in DIFFUSERS_ONLY.items():
        for words in ([f"--{name}"], [f"--{name}", "one", "two"], [f"--{name}=one"]):
            with pytest.raises(SystemExit) as exit_:
                parse(ControlNetConfig, [*required, *words], elsewhere=DIFFUSERS_ONLY)
            assert exit_.value.code == 2
            assert f"error: --{name} is not an option here: {instead}. (see" in capsys.readouterr().err
    assert parse(ControlNetConfig, required, elsewhere=DIFFUSERS_ONLY) == parse(ControlNetConfig, required)


def test_a_folder_is_one_runs(tmp_path):
    run_dir, results = tmp_path / "run", ["pipeline"]

    def opened(resume=None, *, overwrite=False):
        return run_folder(
            RunConfig(output_dir=str(run_dir), resume_from_checkpoint=resume, overwrite_output_dir=overwrite), results
        )

    with opened() as folder:
        (folder / "checkpoint-5").mkdir()
        with pytest.raises(BlockingIOError, match="another run is at work in"), opened("latest"):
            pass
    (tmp_path / "other" / "checkpoint-5").mkdir(parents=True)
    for resume in (None, str(tmp_path / "other" / "checkpoint-5")):
        with pytest.raises(FileExistsError, match="holds checkpoint-5: give --resume_from_checkpoint"), opened(resume):
            pass
    for resume in ("latest", "checkpoint-5", str(run_dir / "checkpoint-5")):
        with opened(resume) as folder:
            assert (folder / "checkpoint-5").is_dir()
    with opened(overwrite=True) as folder:
        assert not (folder / "checkpoint-5").exists()


def test_another_process_at_work_is_told_and_a_killed_one_is_not_waited_for(tmp_path):
    code = (
        "import sys; from signdiff_core.training.kit.checkpoints import run_folder\n"
        "from signdiff_core.training.kit.arguments import RunConfig\n"
        "with run_folder(RunConfig(output_dir=sys.argv[1]), []): print('in', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ
    )
    try:
        assert other.stdout.readline() == b"in\n"
        with (
            pytest.raises(BlockingIOError, match="another run is at work in"),
            run_folder(RunConfig(output_dir=str(tmp_path), resume_from_checkpoint="latest"), []),
        ):
            pass
    finally:
        other.kill()
        other.wait()
    with run_folder(RunConfig(output_dir=str(tmp_path)), []) as folder:
        assert folder == tmp_path


def test_other_processes_of_a_run_need_no_lock(tmp_path, monkeypatch):
    with run_folder(RunConfig(output_dir=str(tmp_path)), []):
        monkeypatch.setenv("RANK", "1")
        with run_folder(RunConfig(output_dir=str(tmp_path)), []):
            pass
