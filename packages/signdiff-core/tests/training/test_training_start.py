"""Which ControlNet a run starts from, its optimizer, its rate, and what chance decides."""

import inspect

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("signdiff_frnet")
pytestmark = pytest.mark.sibling

from diffusers import AutoencoderKL, ControlNetModel, UNet2DConditionModel  # noqa: E402
from diffusers.optimization import get_scheduler  # noqa: E402

from signdiff_core.diffusion import FRMapper  # noqa: E402
from signdiff_core.diffusion.superposition import superimposed  # noqa: E402
from signdiff_core.prepare.reader import FrameFolder, SomeFrames  # noqa: E402
from signdiff_core.training import ControlNetConfig  # noqa: E402
from signdiff_core.training.controlnet_data import CHANNELS, draw_samples  # noqa: E402
from signdiff_core.training.controlnet_run import ControlNetRun, make_optimizer, schedule_options  # noqa: E402
from signdiff_core.training.kit.run import make_schedule  # noqa: E402
from signdiff_core.training.networks import (  # noqa: E402
    BaseParts,
    check_maps,
    default_hint_channels,
    start_controlnet,
)
from signdiff_core.trust import ModelFolderError  # noqa: E402


def config_for(base, **options):
    common = {"train_data_dir": "f", "output_dir": "o", "pretrained_model_name_or_path": str(base)}
    return ControlNetConfig(**common | options)


@pytest.fixture(scope="module")
def parts(base):
    return UNet2DConditionModel.from_pretrained(base, subfolder="unet"), AutoencoderKL.from_pretrained(
        base, subfolder="vae"
    )


def make_controlnet(unet, *, seed=0, channels=3, widths=(8, 8, 8), order="rgb"):
    torch.manual_seed(seed)
    net = ControlNetModel.from_unet(
        unet,
        conditioning_channels=channels,
        conditioning_embedding_out_channels=widths,
        controlnet_conditioning_channel_order=order,
    )
    for weights in net.parameters():
        torch.nn.init.normal_(weights, std=0.05)
    return net


@pytest.fixture
def saved(parts, tmp_path):
    def save(name, **options):
        net = make_controlnet(parts[0], **options)
        net.save_pretrained(tmp_path / name / "controlnet")
        return str(tmp_path / name / "controlnet"), net

    return save


def test_hint_encoders_fit_the_autoencoder():
    own = inspect.signature(ControlNetModel).parameters["conditioning_embedding_out_channels"].default
    stable_diffusion = AutoencoderKL(
        block_out_channels=(8, 8, 8, 8),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        norm_num_groups=4,
    )
    assert default_hint_channels(stable_diffusion) == tuple(own)
    # The bundled pipeline, whose autoencoder has three levels, was trained with these.
    small = AutoencoderKL(
        block_out_channels=(8, 8, 8),
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        norm_num_groups=4,
    )
    assert default_hint_channels(small) == (8, 16, 32)


@pytest.mark.parametrize(("conditions", "channels"), [("superimposed", 6), ("openpose", 3), ("frnet", 3)])
def test_a_new_one_has_the_channels_of_its_conditions(base, parts, conditions, channels):
    net = start_controlnet(config_for(base, conditions=conditions), *parts)
    assert net.config.conditioning_channels == channels
    assert len(range(6)[CHANNELS[conditions]]) == channels
    assert tuple(net.config.conditioning_embedding_out_channels) == (8, 16, 32)
    assert torch.equal(net.conv_in.weight, parts[0].conv_in.weight)


def test_drawings_come_before_maps():
    assert list(range(6)[CHANNELS["openpose"]]) == [0, 1, 2]
    assert list(range(6)[CHANNELS["frnet"]]) == [3, 4, 5]


def same(net, other):
    return all(torch.equal(value, other.state_dict()[name]) for name, value in net.state_dict().items())


def test_from_ones_that_exist(base, parts, saved):
    path, net = saved("openpose", seed=1)
    second_path, second = saved("other", seed=2)
    both_path, both = saved("both", channels=6, seed=3)
    start = {"controlnet_model_name_or_path": path}
    assert same(start_controlnet(config_for(base, conditions="openpose", **start), *parts), net)
    assert same(start_controlnet(config_for(base, conditions="frnet", **start), *parts), net)
    assert same(start_controlnet(config_for(base, **start), *parts), superimposed(net))
    start["fr_controlnet_model_name_or_path"] = second_path
    assert same(start_controlnet(config_for(base, **start), *parts), superimposed(net, second))
    assert same(start_controlnet(config_for(base, controlnet_model_name_or_path=both_path), *parts), both)


def test_ones_that_do_not_fit_are_refused(base, parts, saved, tmp_path):
    def start(path, **options):
        start_controlnet(config_for(base, controlnet_model_name_or_path=path, **options), *parts)

    six, three = saved("six", channels=6)[0], saved("three")[0]
    with pytest.raises(ValueError, match="must look at 3 channels for the conditions openpose, but looks at 6"):
        start(six, conditions="openpose")
    with pytest.raises(
        ValueError, match="must look at 3 or 6 channels for the conditions superimposed, but looks at 4"
    ):
        start(saved("four", channels=4)[0])
    with pytest.raises(ValueError, match="must both look at 3 channels, but look at 6 and 3"):
        start(six, fr_controlnet_model_name_or_path=three)
    with pytest.raises(ValueError, match="must read its condition as rgb"):
        start(saved("bgr", order="bgr")[0])
    with pytest.raises(ValueError, match=r"must halve frames 2 times .* but halves them 3 times"):
        start(saved("deep", widths=(8, 8, 8, 8))[0])
    with pytest.raises(ValueError, match="must be left out with controlnet_model_name_or_path"):
        start(three, conditioning_embedding_out_channels=(8, 8, 8))
    other = UNet2DConditionModel.from_config({**parts[0].config, "cross_attention_dim": 128})
    make_controlnet(other).save_pretrained(tmp_path / "wide")
    with pytest.raises(ValueError, match="must fit the base, whose cross_attention_dim is 64, but has 128"):
        start(str(tmp_path / "wide"))
    with pytest.raises(OSError, match=r"no file named config\.json"):
        start(str(tmp_path))
    with pytest.raises(ValueError, match="must have 3 values"):
        start_controlnet(config_for(base, conditioning_embedding_out_channels=(8, 8)), *parts)


@pytest.mark.parametrize("options", [{"conditions": "frnet"}, {"controlnet_model_name_or_path": None}])
def test_a_second_one_needs_a_first(base, options):
    start = {"controlnet_model_name_or_path": "a", "fr_controlnet_model_name_or_path": "b"}
    with pytest.raises(ValueError, match="fr_controlnet_model_name_or_path must come with"):
        config_for(base, **start | options)


def test_pickled_weights_are_not_read(base, parts, tmp_path):
    make_controlnet(parts[0]).save_pretrained(tmp_path, safe_serialization=False)
    assert (tmp_path / "diffusion_pytorch_model.bin").is_file()
    with pytest.raises(ModelFolderError, match=r"must hold its weights as safetensors"):
        start_controlnet(config_for(base, controlnet_model_name_or_path=str(tmp_path)), *parts)


def test_cut_weights_are_named(base, parts, saved, tmp_path):
    from pathlib import Path

    path = saved("openpose")[0]
    weights = Path(path, "diffusion_pytorch_model.safetensors")
    weights.write_bytes(weights.read_bytes()[:-50])
    with pytest.raises(ModelFolderError, match="openpose/controlnet"):
        start_controlnet(config_for(base, controlnet_model_name_or_path=path), *parts)


def test_maps_must_be_those_of_the_model(base, saved, tmp_path):
    mapper = FRMapper()
    path = saved("trained")[0]
    config = config_for(base, controlnet_model_name_or_path=path)
    check_maps(config, mapper)
    (tmp_path / "trained" / "frnet.json").write_text('{"threshold_method": "mean"}')
    with pytest.raises(ValueError, match="trained: FR-Net's parameters must be those of the model's training"):
        check_maps(config, mapper)
    check_maps(config_for(base, controlnet_model_name_or_path=path, conditions="openpose"), mapper)


def test_a_base_must_be_whole(base, tmp_path):
    with pytest.raises(
        ValueError, match="must hold tokenizer, text_encoder, unet, vae, scheduler, but lacks tokenizer"
    ):
        BaseParts(config_for(tmp_path))
    (tmp_path / "model.safetensors").touch()
    with pytest.raises(ValueError, match=r"but .*model\.safetensors is a file: .*from_single_file"):
        BaseParts(config_for(tmp_path / "model.safetensors"))
    given = {"tokenizer_name": str(base / "tokenizer"), "vae_model_name_or_path": str(base / "vae")}
    with pytest.raises(ValueError, match="lacks text_encoder"):
        BaseParts(config_for(tmp_path, **given))


def test_what_is_read_forgets_the_folder(base):
    parts = BaseParts(config_for(base))
    assert parts.unet().config._name_or_path == base.name
    assert parts.vae().config._name_or_path == base.name


def test_options_reach_adamw(base):
    weights = torch.nn.Parameter(torch.zeros(2))
    options = {"adam_beta1": 0.8, "adam_beta2": 0.95, "adam_epsilon": 1e-4, "adam_weight_decay": 0.5}
    optimizer = make_optimizer([weights], config_for(base, **options), learning_rate=0.1)
    assert isinstance(optimizer, torch.optim.AdamW)
    group = optimizer.param_groups[0]
    assert [group[key] for key in ("lr", "betas", "eps", "weight_decay")] == [0.1, (0.8, 0.95), 1e-4, 0.5]


def test_moments_of_eight_bits_need_bitsandbytes(base):
    weights, config = torch.nn.Parameter(torch.zeros(8192)), config_for(base, use_8bit_adam=True)
    try:
        import bitsandbytes
    except ImportError:
        with pytest.raises(RuntimeError, match="pip install bitsandbytes"):
            make_optimizer([weights], config, learning_rate=0.1)
    else:
        assert isinstance(make_optimizer([weights], config, learning_rate=0.1), bitsandbytes.optim.AdamW8bit)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("constant", {}),
        ("constant_with_warmup", {}),
        ("linear", {}),
        ("cosine", {}),
        ("cosine_with_restarts", {"num_cycles": 3}),
        ("polynomial", {"power": 2.0}),
    ],
)
def test_rates_are_those_of_diffusers_and_go_on(base, name, options):
    config = config_for(base, lr_scheduler=name, lr_num_cycles=3, lr_power=2.0, lr_warmup_steps=4, learning_rate=0.3)

    def optimizer():
        return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.3)

    def rates(schedule, count):
        found = []
        for _ in range(count):
            found += schedule.get_last_lr()
            schedule.optimizer.step()
            schedule.step()
        return found

    def schedule(step=0):
        return make_schedule(optimizer(), name, warmup_steps=4, steps=20, step=step, options=schedule_options(config))

    theirs = get_scheduler(name, optimizer(), num_warmup_steps=4, num_training_steps=20, **options)
    straight = rates(schedule(), 20)
    assert straight == rates(theirs, 20)
    assert straight[7:] == rates(schedule(7), 13)


def test_the_rate_stays_and_then_falls(base, frames, tmp_path):
    run = ControlNetRun(
        config_for(
            base,
            train_data_dir=str(frames),
            output_dir=str(tmp_path),
            lr_scheduler="warmup_stable_decay",
            lr_warmup_steps=2,
            lr_decay_steps=2,
            max_train_steps=6,
            learning_rate=1.0,
            report_to="none",
        )
    )
    rates = []
    for _ in range(7):
        rates += run.schedule.get_last_lr()
        run.optimizer.step()
        run.schedule.step()
    assert rates == [0, 0.5, 1, 1, 1, 0.5, 0]


def test_sizes_and_steps_follow_from_base_and_data(base, frames, tmp_path):
    run = ControlNetRun(
        config_for(
            base,
            train_data_dir=str(frames),
            output_dir=str(tmp_path),
            report_to="none",
            train_batch_size=2,
            gradient_accumulation_steps=2,
            num_train_epochs=3,
            max_train_samples=10,
            learning_rate=1e-4,
            scale_lr=True,
        )
    )
    assert run.frames == len(run.held_out.frames) == 10
    assert run.resolution == 64  # make_base's frames
    assert run.steps == 8  # 30 frames, 4 a step
    assert run.learning_rate == pytest.approx(4e-4)
    assert run.optimizer.param_groups[0]["initial_lr"] == pytest.approx(4e-4)


def test_some_frames_are_spread_over_the_data(frames):
    folder = FrameFolder(frames)
    some = SomeFrames(folder, 5)
    assert len(some) == 5
    for index, source in enumerate((0, 2, 4, 7, 9)):
        assert some.rows[index] == folder.rows[source]
        assert np.array_equal(some.joints(index), folder.joints(source))
        assert np.array_equal(some.image(index, 32), folder.image(source, 32))
        assert np.array_equal(some.neutral(index, 32), folder.neutral(source, 32))
        assert some.fr_map(index, 32) is None
    assert len({folder.fingerprint(), some.fingerprint(), SomeFrames(folder, 4).fingerprint()}) == 3
    assert len(SomeFrames(folder, 99)) == len(folder)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"train_batch_size": 0}, "train_batch_size must be positive, but is 0"),
        ({"max_train_steps": -1}, "max_train_steps must be positive, but is -1"),
        ({"num_validation_frames": -1}, "num_validation_frames must be 0 or more"),
        ({"seed": -1}, "seed must be 0 or more"),
        ({"ema_decay": 1.0}, r"ema_decay must lie in \[0, 1\)"),
        ({"resolution": 100}, "resolution must be a multiple of 64, but is 100"),
        ({"resolution": 64, "crop_probability": 0.5}, r"crop_sizes must be multiples of 32 up to 64, but are \(128,\)"),
        ({"resolution": 64, "frame_scales": (3,)}, "frame_scales must divide 64"),
    ],
)
def test_options_out_of_range_are_refused(base, options, message):
    with pytest.raises(ValueError, match=message):
        config_for(base, **options)


def test_draws_belong_to_the_sample_not_to_the_batch():
    options = {"seed": 5, "step": 7, "num_train_timesteps": 1000, "proportion_last_timestep": 0.5}
    whole = draw_samples((6, 4, 8, 8), first=0, **options)
    parts = [draw_samples((2, 4, 8, 8), first=first, **options) for first in (0, 2, 4)]
    for name, values in whole.items():
        assert torch.equal(values, torch.cat([part[name] for part in parts]))
    other = draw_samples((6, 4, 8, 8), first=0, **options | {"step": 8})
    assert not torch.equal(whole["noise"], other["noise"])
    assert not torch.equal(whole["noise"], whole["latents"])


def test_draws_have_the_distribution_that_is_asked_for():
    draws = draw_samples(
        (400, 4, 8, 8), seed=0, step=0, first=0, num_train_timesteps=1000, proportion_last_timestep=0.3
    )
    for name in ("noise", "latents"):
        assert draws[name].mean().abs() < 0.02  # four standard errors of 102,400 values: 0.0125
        assert draws[name].std().item() == pytest.approx(1, abs=0.02)
    last = draws["timesteps"] == 999
    assert 0.2 < last.float().mean() < 0.4
    others = draws["timesteps"][~last].float()
    assert others.min() >= 0
    assert others.mean().item() == pytest.approx(500, abs=4 * 289 / np.sqrt(len(others)))
