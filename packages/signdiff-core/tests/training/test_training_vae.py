import json
import shutil

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from diffusers import AutoencoderKL  # noqa: E402
from torch.nn import functional  # noqa: E402

from signdiff_core.demo.make_base import BaseConfig, make_vae  # noqa: E402
from signdiff_core.demo.vae_start import start_as_pooling  # noqa: E402
from signdiff_core.prepare.reader import FrameFolder  # noqa: E402
from signdiff_core.training import VAEConfig  # noqa: E402
from signdiff_core.training.train_vae import train_vae  # noqa: E402
from signdiff_core.training.vae_run import crop_batch, kl_loss, latent_noise, reconstruction_loss  # noqa: E402  # noqa: E402


def smooth_picture():
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(1, 3, 4, 4, generator=generator) * 2 - 1
    return functional.interpolate(coarse, size=(64, 64), mode="bicubic").clamp(-1, 1)


@pytest.mark.parametrize("latents", [4, 12])
def test_it_starts_as_pooling_and_smooth_upsampling(latents):
    torch.manual_seed(0)
    config = BaseConfig(train_data_dir="", output_dir="", vae_channels=(16, 32, 64), latent_channels=latents)
    vae = make_vae(config).eval()
    start_as_pooling(vae)
    picture = smooth_picture()
    with torch.no_grad():
        latent = vae.encode(picture).latent_dist.mode()
        made = vae.decode(latent).sample
    pooled = functional.avg_pool2d(picture, 4)
    if latents == 4:
        colours = latent[:, :3]
    else:
        colours = latent.unflatten(1, (3, 4)).mean(dim=2)
        corner = functional.avg_pool2d(picture, 2)[:, :, ::2, ::2]
        assert (latent[:, ::4] - corner).abs().max() < 0.06
    assert (colours - pooled).abs().max() < 0.06
    # At the border, zeros are mixed in.
    inside = (made - picture)[..., 8:-8, 8:-8]
    assert inside.abs().mean() < 0.05


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match="one normalisation group"):
        start_as_pooling(make_vae(BaseConfig(train_data_dir="", output_dir="", vae_norm_num_groups=8)))
    narrow = make_vae(BaseConfig(train_data_dir="", output_dir="", vae_channels=(8, 16, 16), latent_channels=12))
    with pytest.raises(ValueError, match="26 on its two coarsest"):
        start_as_pooling(narrow)


def test_the_loss_by_hand():
    truth = torch.zeros(1, 1, 2, 2)
    made = torch.tensor([[[[1.0, 0], [0, 0]]]])
    # One pixel of four is off by 1; one of two differences is off along each axis.
    assert reconstruction_loss(made, truth, gradient_weight=0.0).item() == pytest.approx(0.25)
    assert reconstruction_loss(made, truth, gradient_weight=2.0).item() == pytest.approx(0.25 + 2 * (0.5 + 0.5))


def test_the_divergence_agrees_with_torch():
    from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
    from torch.distributions import Normal, kl_divergence

    parameters = torch.randn(2, 8, 3, 3, generator=torch.Generator().manual_seed(0))
    posterior = DiagonalGaussianDistribution(parameters)
    expected = kl_divergence(Normal(posterior.mean, posterior.std), Normal(0.0, 1.0)).mean()
    assert kl_loss(posterior).item() == pytest.approx(expected.item(), rel=1e-5)


def config_for(base, frames, output, **options):
    return VAEConfig(
        pretrained_model_name_or_path=str(base),
        train_data_dir=str(frames),
        output_dir=str(output),
        resolution=64,
        **{
            "crop_sizes": (32, 64),
            "max_train_steps": 6,
            "checkpointing_steps": 3,
            "num_validation_images": 2,
            **options,
        },
    )


def test_batches_depend_on_the_step_alone(base, frames):
    folder, config = FrameFolder(frames), config_for(base, frames, "")
    first = crop_batch(folder, config, step=5, rank=0, world=2)
    assert torch.equal(first, crop_batch(folder, config, step=5, rank=0, world=2))
    other = crop_batch(folder, config, step=5, rank=1, world=2)
    assert other.shape == first.shape
    assert not torch.equal(first, other)
    assert first.min() >= -1
    assert first.max() <= 1


def test_two_processes_see_what_one_sees(base, frames):
    folder = FrameFolder(frames)
    one, two = (config_for(base, frames, "", train_batch_size=size) for size in (8, 4))
    for step in range(4):
        whole = crop_batch(folder, one, step=step, rank=0, world=1)
        shares = [crop_batch(folder, two, step=step, rank=rank, world=2) for rank in range(2)]
        assert torch.equal(whole, torch.cat(shares))
        shape = (len(shares[0]), 12, 8, 8)
        noise = [latent_noise(shape, seed=0, step=step, rank=rank) for rank in range(2)]
        assert torch.equal(latent_noise((len(whole), 12, 8, 8), seed=0, step=step, rank=0), torch.cat(noise))
        assert not torch.equal(*noise)


@pytest.mark.slow
def test_a_resumed_run_repeats_the_straight_one(base, frames, tmp_path):
    straight = train_vae(config_for(base, frames, tmp_path / "a"))
    train_vae(config_for(base, frames, tmp_path / "b"))
    shutil.rmtree(tmp_path / "b" / "checkpoint-6")
    resumed = train_vae(config_for(base, frames, tmp_path / "b", resume_from_checkpoint="latest"))
    one, two = (AutoencoderKL.from_pretrained(path) for path in (straight, resumed))
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), two.state_dict().values(), strict=True))
    assert one.config.scaling_factor == two.config.scaling_factor
    assert set(json.loads((tmp_path / "a" / "measured.json").read_text())) >= {"psnr", "psnr_hands"}
