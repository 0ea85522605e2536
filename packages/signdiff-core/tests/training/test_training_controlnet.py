import json
import shutil

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("signdiff_frnet")
pytestmark = pytest.mark.sibling

from accelerate.state import AcceleratorState  # noqa: E402
from diffusers import AutoencoderKL, UNet2DConditionModel  # noqa: E402
from safetensors.torch import load_file  # noqa: E402
from transformers import CLIPTokenizer  # noqa: E402

from signdiff_core.diffusion import FRMapper, SignDiffPipeline  # noqa: E402
from signdiff_core.drawing import draw  # noqa: E402
from signdiff_core.prepare.reader import FrameFolder  # noqa: E402
from signdiff_core.training import ControlNetConfig  # noqa: E402
from signdiff_core.training.conditions import NEUTRAL, TRUE, ConditionCache  # noqa: E402
from signdiff_core.training.controlnet_data import Batches  # noqa: E402
from signdiff_core.training.kit.checkpoints import list_checkpoints  # noqa: E402
from signdiff_core.training.train_controlnet import train_controlnet  # noqa: E402


def config_for(base, frames, output, **options):
    return ControlNetConfig(
        pretrained_model_name_or_path=str(base),
        train_data_dir=str(frames),
        output_dir=str(output),
        **{
            "resolution": 64,
            "conditioning_embedding_out_channels": (8, 8, 8),
            "crop_sizes": (32,),
            "train_batch_size": 2,
            "crop_probability": 0.5,
            "learning_rate": 1e-3,
            "lr_warmup_steps": 1,
            "max_train_steps": 4,
            "checkpointing_steps": 2,
            "validation_steps": 3,
            "num_validation_images": 0,
            "num_validation_frames": 0,
            "validation_inference_steps": 2,
            "report_to": "none",
            **options,
        },
    )


@pytest.fixture(scope="module")
def cache(base, frames):
    vae = AutoencoderKL.from_pretrained(base, subfolder="vae").eval()
    return ConditionCache(FrameFolder(frames), vae=vae, mapper=FRMapper(), resolution=64)


@pytest.fixture
def batches(cache, base, frames):
    def make(**options):
        tokenizer = CLIPTokenizer.from_pretrained(base, subfolder="tokenizer")
        return Batches(cache, tokenizer, config_for(base, frames, "", **options))

    return make


def test_conditions_are_the_drawing_and_the_maps(cache):
    folder, mapper = cache.frames, FRMapper()
    control = cache.control(3, TRUE)
    assert np.array_equal(control[:3].transpose(1, 2, 0), draw(folder.joints(3), size=64))
    assert np.array_equal(control[3], mapper(folder.image(3, 64), size=64))
    assert np.array_equal(control[4], control[3])
    neutral = cache.control(3, NEUTRAL)
    assert np.array_equal(neutral[5], mapper(folder.neutral(3, 64), size=64))
    assert not cache.control(3, None)[3:].any()


def test_moments_are_those_of_the_autoencoder(cache, base):
    vae = AutoencoderKL.from_pretrained(base, subfolder="vae").eval()
    pixels = torch.from_numpy(cache.frames.image(2, 64)).permute(2, 0, 1)[None] / 127.5 - 1
    with torch.no_grad():
        expected = vae.encode(pixels).latent_dist.parameters[0].numpy()
    assert np.abs(cache.moments[2] - expected).max() < 2e-2


def test_the_cache_is_made_once(cache, base, frames):
    vae = AutoencoderKL.from_pretrained(base, subfolder="vae").eval()
    folders = sorted(frames.glob("cache-*"))
    before = (folders[0] / "maps.npy").stat().st_mtime_ns
    ConditionCache(FrameFolder(frames), vae=vae, mapper=FRMapper(), resolution=64)
    assert (folders[0] / "maps.npy").stat().st_mtime_ns == before
    ConditionCache(FrameFolder(frames), vae=vae, mapper=FRMapper(offset=3.0), resolution=64)
    assert len(list(frames.glob("cache-*"))) == len(folders) + 1


def test_whole_frames_and_crops(batches):
    whole = batches(crop_probability=0.0)(0, rank=0, world=1)
    assert whole["control"].shape == (2, 6, 64, 64)
    assert whole["moments"].shape == (2, 24, 16, 16)
    reduced = batches(crop_probability=0.0, frame_scales=(2,))(0, rank=0, world=1)
    assert reduced["control"].shape == (8, 6, 32, 32)
    first = torch.nn.functional.avg_pool2d(whole["moments"], 2)
    assert torch.equal(reduced["moments"][:2], first)
    crops = batches(crop_probability=1.0)(0, rank=0, world=1)
    assert crops["control"].shape == (8, 6, 32, 32)
    assert crops["moments"].shape == (8, 24, 8, 8)
    for batch in (whole, crops):
        assert batch["weight"].mean().item() == pytest.approx(1.0, abs=1e-5)
        assert 0 <= batch["control"].min() <= batch["control"].max() <= 1


def test_hands_weigh_more(batches):
    batch = batches(crop_probability=0.0, detail_loss_weight=4.0)(0, rank=0, world=1)
    for weight in batch["weight"]:
        assert (weight.max() / weight.min()).item() == pytest.approx(4.0)


def test_shares_of_maps_and_captions(batches):
    def absent(**options):
        make = batches(train_batch_size=12, crop_probability=0.0, **options)
        return [not sample[3:].any() for step in range(4) for sample in make(step, rank=0, world=1)["control"]]

    assert all(absent(proportion_no_fr=1.0, proportion_neutral_fr=0.0))
    assert not any(absent(proportion_no_fr=0.0))
    assert 0.2 < np.mean(absent(proportion_no_fr=0.5, proportion_neutral_fr=0.5)) < 0.8
    ids = batches(proportion_empty_prompts=1.0)(0, rank=0, world=1)["input_ids"]
    assert (ids[:, 1:] == ids[0, 1]).all()


def test_a_batch_depends_on_its_number_alone(batches):
    make = batches()
    first, again = make(7, rank=1, world=2), batches()(7, rank=1, world=2)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["moments"], make(7, rank=0, world=2)["moments"])


TOGETHER = {
    "train_unet": True,
    "train_text_encoder": True,
    "gradient_accumulation_steps": 2,
    "dataloader_num_workers": 2,
    "frame_scales": (1, 2),
    "lr_scheduler": "cosine",
    "num_validation_images": 1,
}


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        TOGETHER,
        TOGETHER | {"gradient_checkpointing": True, "mixed_precision": "bf16", "cache_conditions": False},
        {"use_ema": False, "gradient_checkpointing": True, "conditions": "frnet", "lr_scheduler": "polynomial"},
    ],
    ids=["all", "half", "bare"],
)
def test_a_resumed_run_repeats_the_straight_one(base, frames, tmp_path, options):
    def train(name, **more):
        AcceleratorState._reset_state(reset_partial_state=True)
        return train_controlnet(config_for(base, frames, tmp_path / name, max_train_steps=6, **options, **more))

    straight = train("a", checkpoints_total_limit=2)
    assert [path.name for path in list_checkpoints(tmp_path / "a")] == ["checkpoint-4", "checkpoint-6"]
    train("b", checkpoints_total_limit=3)
    for step in (4, 6):
        shutil.rmtree(tmp_path / "b" / f"checkpoint-{step}")
    resumed = train("b", resume_from_checkpoint="latest", validation_steps=5)
    AcceleratorState._reset_state(reset_partial_state=True)
    for path in sorted(straight.rglob("*.safetensors")):
        assert path.read_bytes() == (resumed / path.relative_to(straight)).read_bytes(), path


@pytest.mark.slow
def test_gradient_checkpointing_changes_no_gradient(base, frames, tmp_path):
    folders = [
        train_controlnet(config_for(base, frames, tmp_path / str(on), gradient_checkpointing=on, train_unet=True))
        for on in (False, True)
    ]
    plain, saving = (load_file(folder / "unet" / "diffusion_pytorch_model.safetensors") for folder in folders)
    assert all(torch.allclose(plain[name], saving[name], atol=1e-6) for name in plain)


@pytest.mark.slow
def test_the_averages_are_saved_and_used(base, frames, tmp_path):
    folder = train_controlnet(config_for(base, frames, tmp_path, ema_decay=0.9))
    saved = load_file(folder / "controlnet" / "diffusion_pytorch_model.safetensors")
    averages = load_file(tmp_path / "checkpoint-4" / "averages.safetensors")
    weights = load_file(tmp_path / "checkpoint-4" / "controlnet" / "diffusion_pytorch_model.safetensors")
    assert all(torch.equal(saved[name], averages[f"controlnet.{name}"]) for name in saved)
    assert any(not torch.equal(saved[name], weights[name]) for name in saved)


@pytest.mark.slow
@pytest.mark.parametrize("mixed_precision", ["no", "bf16"])
def test_by_default_the_base_is_locked(base, frames, tmp_path, mixed_precision):
    AcceleratorState._reset_state(reset_partial_state=True)
    options = {"max_train_steps": 2, "num_validation_images": 1, "mixed_precision": mixed_precision}
    folder = train_controlnet(config_for(base, frames, tmp_path, **options))
    AcceleratorState._reset_state(reset_partial_state=True)
    pipe = SignDiffPipeline.from_pretrained(folder)
    unet = UNet2DConditionModel.from_pretrained(base, subfolder="unet").state_dict()
    assert all(torch.equal(unet[name], value) for name, value in pipe.unet.state_dict().items())
    ends = [block.weight for block in pipe.controlnet.controlnet_down_blocks]
    assert any(weights.abs().max() > 0 for weights in ends)


@pytest.mark.slow
def test_training_lowers_the_loss(base, frames, tmp_path, capsys):
    losses = []
    for steps in (2, 60):
        config = config_for(
            base,
            frames,
            tmp_path / str(steps),
            max_train_steps=steps,
            learning_rate=3e-3,
            train_unet=True,
            checkpointing_steps=1000,
        )
        train_controlnet(config)
        losses.append(json.loads(capsys.readouterr().out.splitlines()[-1])["loss"])
    assert losses[1] < 0.8 * losses[0]
