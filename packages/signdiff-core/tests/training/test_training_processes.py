"""Real processes: two that equal one, killed ones that go on, full disks, and errors on the command line."""

import os
import re
import resource
import shutil
import subprocess
import sys

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("signdiff_frnet")
pytestmark = pytest.mark.sibling

from accelerate.state import AcceleratorState  # noqa: E402
from diffusers import ControlNetModel, UNet2DConditionModel  # noqa: E402
from safetensors.torch import load_file  # noqa: E402

from signdiff_core.demo.make_base import BaseConfig, make_base  # noqa: E402
from signdiff_core.diffusion import SignDiffPipeline  # noqa: E402
from signdiff_core.training import ControlNetConfig  # noqa: E402
from signdiff_core.training.kit.arguments import parse, run  # noqa: E402
from signdiff_core.training.train_controlnet import train_controlnet  # noqa: E402

MODULE = "signdiff_core.training.train_controlnet"
WEIGHTS = "pipeline/controlnet/diffusion_pytorch_model.safetensors"

KILLED = f"""
import os, runpy, signal, sys
event, place = sys.argv[1:3]
def hook(name, arguments):
    if name == event and any(place in str(argument) for argument in arguments):
        os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(hook)
sys.argv = sys.argv[2:]
runpy.run_module("{MODULE}", run_name="__main__", alter_sys=True)
"""
"""A training that is killed at an event of Python's audit, in a place."""


@pytest.fixture(autouse=True)
def _fresh_accelerator():
    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


@pytest.fixture(scope="session")
def words(base, frames):
    """Makes the words of a command line."""

    def make(output, **options):
        chosen = {
            "pretrained_model_name_or_path": base,
            "train_data_dir": frames,
            "output_dir": output,
            "train_batch_size": 4,
            "crop_probability": 0.5,
            "crop_sizes": 32,
            "learning_rate": 1e-3,
            "lr_warmup_steps": 1,
            "max_train_steps": 4,
            "checkpointing_steps": 2,
            "num_validation_images": 0,
            "num_validation_frames": 0,
            "report_to": "none",
            **options,
        }
        return [str(word) for name, value in chosen.items() for word in (f"--{name}", value)]

    return make


def train(words):
    return train_controlnet(parse(ControlNetConfig, words))


def start(*arguments, **options):
    environment = os.environ | {"ACCELERATE_USE_CPU": "true", "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
        **options,
    )


@pytest.fixture(scope="module")
def straight(words, tmp_path_factory):
    """The folder of a run that nothing disturbed."""
    folder = tmp_path_factory.mktemp("straight") / "run"
    AcceleratorState._reset_state(reset_partial_state=True)
    train(words(folder))
    return folder


def errors(text):
    return re.findall(r"^error: .*$", text, flags=re.MULTILINE)


@pytest.mark.slow
def test_two_processes_equal_one(words, straight, tmp_path):
    result = start(
        *("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", 2, "-m", MODULE),
        *words(tmp_path / "run", train_batch_size=1, gradient_accumulation_steps=2),
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.count('"loss"') == 1
    one, two = load_file(straight / WEIGHTS), load_file(tmp_path / "run" / WEIGHTS)
    new = ControlNetModel.from_unet(
        UNet2DConditionModel.from_pretrained(straight / "pipeline" / "unet"),
        conditioning_channels=6,
        conditioning_embedding_out_channels=(8, 16, 32),
    ).state_dict()
    # Sums over samples are taken in another order, and AdamW divides by small second moments; a step moves a weight
    # by the learning rate, 1e-3.
    for name, weights in one.items():
        assert (weights - two[name]).abs().max() < 1e-5, name
    moved = [(one[name] - new[name]).abs().max() > 5e-4 for name in one if "controlnet_down" in name]
    assert all(moved)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("event", "place", "left", "last"),
    [
        ("open", ".checkpoint-4.tmp/training_state.json", {"checkpoint-2", ".checkpoint-4.tmp"}, "checkpoint-2"),
        ("os.rename", ".checkpoint-4.tmp", {"checkpoint-2", ".checkpoint-4.tmp"}, "checkpoint-2"),
        ("shutil.rmtree", ".checkpoint-2.old.tmp", {".checkpoint-2.old.tmp", "checkpoint-4"}, "checkpoint-4"),
        ("open", ".pipeline.tmp/README.md", {"checkpoint-4", ".pipeline.tmp"}, "checkpoint-4"),
    ],
    ids=["within a checkpoint", "before it counts", "thinning out", "within the pipeline"],
)
def test_a_killed_run_goes_on_to_the_bit(words, straight, tmp_path, event, place, left, last):
    options = words(tmp_path / "run", checkpoints_total_limit=1)
    killed = start("-c", KILLED, event, place, *options)
    assert killed.returncode == -9, killed.stderr
    assert {path.name for path in (tmp_path / "run").iterdir()} == left | {"losses.jsonl"}
    assert not [path for path in (tmp_path / "run" / last).iterdir() if path.name.startswith(".")]
    train([*options, "--resume_from_checkpoint", "latest"])
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"checkpoint-4", "losses.jsonl", "pipeline"}
    for path in sorted((straight / "pipeline").rglob("*.safetensors")):
        assert path.read_bytes() == (tmp_path / "run" / path.relative_to(straight)).read_bytes(), path


@pytest.mark.slow
def test_a_run_killed_between_checkpoints_goes_on_to_the_bit(words, straight, tmp_path):
    options = words(tmp_path / "run", max_train_steps=3000)
    process = subprocess.Popen([sys.executable, "-m", MODULE, *options], stderr=subprocess.DEVNULL)
    try:
        while not (tmp_path / "run" / "checkpoint-2").is_dir():
            assert process.poll() is None
    finally:
        process.kill()
    assert process.wait() == -9
    for later in (tmp_path / "run").glob("checkpoint-*"):
        if later.name != "checkpoint-2":
            shutil.rmtree(later)  # on a machine so fast that it was written before the kill
    train([*words(tmp_path / "run"), "--resume_from_checkpoint", "latest"])
    assert (straight / WEIGHTS).read_bytes() == (tmp_path / "run" / WEIGHTS).read_bytes()


def full_disk():
    """No file of this process can grow beyond 100 kB; the weights of a ControlNet take 230."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_a_full_disk_leaves_the_last_checkpoint(words, straight, tmp_path, processes):
    train(words(tmp_path / "run", max_train_steps=2))
    options = [
        *words(tmp_path / "run", train_batch_size=4 // processes),
        *("--resume_from_checkpoint", "latest"),
    ]
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", 2] if processes == 2 else []
    result = start(*launcher, "-m", MODULE, *options, preexec_fn=full_disk)
    assert result.returncode == 1
    (line,) = (line for line in errors(result.stderr) if "the main process" not in line)
    assert line == (
        f"error: cannot write to {tmp_path}/run/checkpoint-4: File too large; "
        "checkpoint-2 is whole: resume with --resume_from_checkpoint latest."
    )
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"checkpoint-2", "losses.jsonl", "pipeline"}
    SignDiffPipeline.from_pretrained(tmp_path / "run" / "pipeline")
    if processes == 1:
        assert "Traceback" not in result.stderr
        train([*words(tmp_path / "run"), "--resume_from_checkpoint", "latest"])
        assert (straight / WEIGHTS).read_bytes() == (tmp_path / "run" / WEIGHTS).read_bytes()


@pytest.mark.slow
def test_errors_are_one_line(words, tmp_path):
    result = start("-m", MODULE, *words(tmp_path / "run", train_data_dir=tmp_path / "nothing"))
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith("error: ")
    assert f"{tmp_path}/nothing" in result.stderr
    assert result.stdout == ""


@pytest.fixture
def narrow(tmp_path):
    """A ControlNet for another base."""
    unet = UNet2DConditionModel(
        block_out_channels=(8, 8),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=8,
        attention_head_dim=2,
        norm_num_groups=4,
    )
    ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=(8, 8, 8)).save_pretrained(tmp_path / "narrow")
    return tmp_path / "narrow"


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ({"train_data_dir": "{tmp}/nothing"}, 1, "train_data_dir must be a folder of frames, but .*nothing is none"),
        ({"train_data_dir": "{tmp}/narrow"}, 1, "narrow/metadata.jsonl"),
        ({"validation_data_dir": "{tmp}/nothing"}, 1, "validation_data_dir must be a folder of frames"),
        ({"pretrained_model_name_or_path": "{tmp}"}, 1, "pretrained_model_name_or_path must hold .* lacks tokenizer"),
        ({"controlnet_model_name_or_path": "{tmp}/nothing"}, 1, "nothing"),
        ({"controlnet_model_name_or_path": "{tmp}/narrow"}, 1, "must fit the base, whose in_channels is 12, but has 4"),
        ({"vae_model_name_or_path": "{tmp}/nothing"}, 1, "nothing"),
        (
            {"pretrained_model_name_or_path": "no/body/at all"},
            1,
            "pretrained_model_name_or_path must .* but is 'no/body",
        ),
        ({"fr_detect_resolution": 20}, 2, "fr_detect_resolution must be above 32, but is 20"),
        ({"resume_from_checkpoint": "checkpoint-9"}, 1, "must be 'latest' or a checkpoint's folder, but is 'chec"),
        ({"resume_from_checkpoint": "{tmp}/narrow"}, 1, "must hold training_state.json, but has none"),
        ({"report_to": "nobody"}, 1, "nobody"),
        ({"lr_scheduler": "steep"}, 2, "invalid choice: 'steep'"),
        ({"conditions": "both"}, 2, "invalid choice: 'both'"),
        ({"resolution": 65}, 2, "resolution must be a multiple of 64, but is 65"),
        ({"max_train_steps": 0}, 2, "max_train_steps must be positive, but is 0"),
    ],
)
def test_each_mistake_has_its_line(words, narrow, tmp_path, capsys, options, code, message):
    options = {name: str(value).replace("{tmp}", str(tmp_path)) for name, value in options.items()}
    with pytest.raises(SystemExit) as exit_:
        run(lambda: train(words(tmp_path / "run", **options)))
    assert exit_.value.code == code
    last = capsys.readouterr().err.splitlines()[-1]
    assert re.search(message, last), last
    assert "error: " in last
    assert not list((tmp_path / "run").glob("pipeline"))


@pytest.mark.slow
def test_three_options_are_enough(frames, tmp_path):
    """The shortest command line, from a base whose autoencoder has four levels as Stable Diffusion's."""
    make_base(
        BaseConfig(
            train_data_dir=str(frames),
            output_dir=str(tmp_path / "base"),
            resolution=64,
            vae_channels=(16, 16, 32, 32),
            unet_channels=(8, 16),
            text_width=64,
            text_layers=1,
            text_length=16,
        )
    )
    words = ["--pretrained_model_name_or_path", tmp_path / "base", "--train_data_dir", frames]
    result = start("-m", MODULE, *words, "--output_dir", tmp_path / "run", "--max_train_steps", 1)
    assert result.returncode == 0, result.stderr
    net = ControlNetModel.from_pretrained(tmp_path / "run" / "pipeline", subfolder="controlnet")
    assert tuple(net.config.conditioning_embedding_out_channels) == (16, 32, 96, 256)
    assert (tmp_path / "run" / "validation" / "final.mp4").is_file()
