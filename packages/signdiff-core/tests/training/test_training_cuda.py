"""On a GPU: training in half precision, resumed, next to single precision."""

import json
import shutil

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("signdiff_frnet")

from signdiff_core.diffusion import SignDiffPipeline  # noqa: E402
from signdiff_core.training import ControlNetConfig  # noqa: E402
from signdiff_core.training.train_controlnet import train_controlnet  # noqa: E402

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")]


@pytest.fixture(autouse=True)
def _fresh_accelerator():
    yield
    from accelerate.state import AcceleratorState

    AcceleratorState._reset_state(reset_partial_state=True)


@pytest.fixture
def train(base, frames, tmp_path, capsys):
    from accelerate.state import AcceleratorState

    def run(name, **options):
        AcceleratorState._reset_state(reset_partial_state=True)
        config = ControlNetConfig(
            pretrained_model_name_or_path=str(base),
            train_data_dir=str(frames),
            output_dir=str(tmp_path / name),
            **{
                "resolution": 64,
                "conditioning_embedding_out_channels": (8, 8, 8),
                "crop_sizes": (32,),
                "train_batch_size": 4,
                "learning_rate": 1e-3,
                "lr_warmup_steps": 1,
                "max_train_steps": 12,
                "checkpointing_steps": 6,
                "num_validation_images": 0,
                **options,
            },
        )
        folder = train_controlnet(config)
        return folder, json.loads(capsys.readouterr().out.strip().splitlines()[-1])["loss"]

    return run


@pytest.mark.parametrize("mixed_precision", ["bf16", "fp16"])
def test_half_precision_learns_as_single_precision(train, mixed_precision):
    _, expected = train("single", train_unet=True)
    folder, loss = train("half", train_unet=True, mixed_precision=mixed_precision)
    assert loss == pytest.approx(expected, rel=0.02)
    pipe = SignDiffPipeline.from_pretrained(folder)
    assert {weights.dtype for weights in pipe.controlnet.parameters()} == {torch.float32}


def test_a_resumed_run_ends_where_the_straight_one_did(train, tmp_path):
    options = {"mixed_precision": "bf16", "gradient_checkpointing": True}
    _, straight = train("a", **options)
    train("b", **options)
    shutil.rmtree(tmp_path / "b" / "checkpoint-12")
    folder, _ = train("b", resume_from_checkpoint="latest", **options)
    one, two = (
        SignDiffPipeline.from_pretrained(path).controlnet.state_dict() for path in (tmp_path / "a" / "pipeline", folder)
    )
    for name, weights in one.items():
        assert torch.allclose(weights, two[name], atol=2e-4), name
    assert straight > 0
