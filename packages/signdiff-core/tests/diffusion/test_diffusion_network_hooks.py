import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from diffusers import AutoencoderTiny, ControlNetModel, UNet2DConditionModel  # noqa: E402
from tiny_renders import frames, quiet  # noqa: E402

from signdiff_core.diffusion import SignDiffPipeline, superimposed  # noqa: E402

OPTIONS = {"output_type": "np", "guidance_scale": 2.0}


def render(pipe, count=3, **options):
    options = {"num_inference_steps": 4, "generator": torch.Generator().manual_seed(7), **OPTIONS, **options}
    return pipe("a person", frames(count), fr_image=frames(count, seed=1), **options).images


def counted(module):
    calls = []
    return calls, module.register_forward_hook(lambda *_: calls.append(1))


def test_a_hint_is_encoded_once_a_chunk(pipe, parts, one_net, other_net):
    calls, handle = counted(pipe.controlnet.controlnet_cond_embedding.conv_in)
    render(pipe, 5, chunk_size=2)
    assert len(calls) == 3
    handle.remove()
    two = quiet(SignDiffPipeline(**parts, controlnet=[one_net, other_net]))
    calls, _ = counted(one_net.controlnet_cond_embedding.conv_in)
    others, _ = counted(other_net.controlnet_cond_embedding.conv_in)
    render(two, 5, chunk_size=2)
    assert len(calls) == len(others) == 3


def test_a_changed_condition_is_encoded_again(pipe):
    """A callback may put other control images in; the hint that was kept is not theirs."""

    def swap(_pipe, step, _timestep, tensors):
        return {"image": 1 - tensors["image"]} if step == 1 else {}

    plain = render(pipe)
    calls, handle = counted(pipe.controlnet.controlnet_cond_embedding.conv_in)
    made = render(pipe, callback_on_step_end=swap, callback_on_step_end_tensor_inputs=["latents", "image"])
    handle.remove()
    assert len(calls) == 2
    assert np.abs(made - plain).max() > 1e-3


def wide(**options):
    """A UNet and a ControlNet whose first blocks attend too, as Stable Diffusion's do."""
    torch.manual_seed(0)
    unet = UNet2DConditionModel(
        sample_size=32,
        block_out_channels=(8, 16),
        layers_per_block=2,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        attention_head_dim=4,
        norm_num_groups=4,
        **{"cross_attention_dim": 32, **options},
    ).eval()
    net = ControlNetModel.from_unet(unet, conditioning_channels=6, conditioning_embedding_out_channels=(8, 16)).eval()
    generator = torch.Generator().manual_seed(1)
    for block in [*net.controlnet_down_blocks, net.controlnet_mid_block, net.controlnet_cond_embedding.conv_out]:
        for weights in block.parameters():
            weights.data = 0.1 * torch.randn(weights.shape, generator=generator)
    return unet, net


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_deep_features_are_reused(parts, depth):
    unet, net = wide()
    pipe = quiet(SignDiffPipeline(**{**parts, "unet": unet}, controlnet=net))
    whole = render(pipe)
    deep, handle = counted(unet.mid_block)
    controls, other = counted(net.mid_block)
    made = render(pipe, cache_interval=2, cache_depth=depth, chunk_size=3)
    handle.remove(), other.remove()
    assert len(deep) == len(controls) == 2
    difference = np.abs(made - whole).max()
    assert 1e-6 < difference < 0.2
    assert np.array_equal(render(pipe, cache_interval=1), whole)


@pytest.mark.parametrize("options", [{}, {"addition_embed_type": "text", "cross_attention_dim": 64}])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_on_features_of_the_same_step_the_outermost_layers_give_the_same(depth, options):
    """The step between is the whole step if nothing changed: timestep, latents and text are those of the last one."""
    from signdiff_core.diffusion.network_hooks import caching_steps

    unet, net = wide(**options)
    generator, width = torch.Generator().manual_seed(3), unet.config.cross_attention_dim
    sample, text = torch.randn(2, 4, 32, 32, generator=generator), torch.randn(2, 5, width, generator=generator)
    condition = torch.rand(2, 6, 64, 64, generator=generator)

    def step():
        down, mid = net(sample, 7, text, condition, return_dict=False)
        return unet(sample, 7, text, down_block_additional_residuals=down, mid_block_additional_residual=mid).sample

    with torch.no_grad():
        expected = step()
        with caching_steps(unet, net, interval=2, depth=depth):
            assert torch.equal(step(), expected)
            assert torch.allclose(step(), expected, atol=1e-6)


def test_reusing_agrees_with_guess_mode_idle_control_and_two_nets(parts, one_net, other_net):
    two = quiet(SignDiffPipeline(**parts, controlnet=[one_net, other_net]))
    one = quiet(SignDiffPipeline(**parts, controlnet=superimposed(one_net, other_net).eval()))
    for pipe, options in ((two, {}), (one, {"guess_mode": True}), (one, {"control_guidance_end": 0.5})):
        calls, handle = counted(pipe.unet.mid_block)
        assert np.isfinite(render(pipe, cache_interval=2, **options)).all()
        handle.remove()
        assert len(calls) == 2


def test_wrong_numbers_are_refused(pipe):
    with pytest.raises(ValueError, match="cache_interval must be at least 1"):
        render(pipe, cache_interval=0)
    with pytest.raises(ValueError, match="cache_depth must be from 1 to 2"):
        render(pipe, cache_interval=2, cache_depth=3)


def test_a_tiny_autoencoder_decodes(pipe):
    torch.manual_seed(0)
    pipe.vae = AutoencoderTiny(
        encoder_block_out_channels=(8, 8),
        decoder_block_out_channels=(8, 8),
        num_encoder_blocks=(1, 1),
        num_decoder_blocks=(1, 1),
        scaling_factor=1.0,
    ).eval()
    assert render(pipe).shape == (3, 64, 64, 3)


def test_channels_last_and_half_precision_are_near(pipe):
    noise = torch.randn((1, 4, 32, 32), generator=torch.Generator().manual_seed(7))  # each dtype draws its own
    expected = render(pipe, latents=noise)
    pipe.unet.to(memory_format=torch.channels_last)
    pipe.controlnet.to(memory_format=torch.channels_last)
    assert np.abs(render(pipe, latents=noise) - expected).max() < 1e-4
    pipe.to(torch.bfloat16)
    assert np.abs(render(pipe, latents=noise) - expected).mean() < 0.02
