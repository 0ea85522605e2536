import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from diffusers import ControlNetModel  # noqa: E402

from signdiff_core.diffusion import superimposed  # noqa: E402

WIDTHS = (8, 16)


def call(net, condition):
    generator = torch.Generator().manual_seed(5)
    sample = torch.randn(2, 4, 32, 32, generator=generator)
    text = torch.randn(2, 7, 32, generator=generator)
    with torch.no_grad():
        return sample, text, net(sample, torch.tensor([3, 900]), text, condition, return_dict=False)


def conditions(seed=6):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(2, 3, 64, 64, generator=generator), torch.rand(2, 3, 64, 64, generator=generator)


def test_a_new_one_leaves_the_unet_as_it_is_to_the_bit(unet):
    net = superimposed(unet, conditioning_embedding_out_channels=WIDTHS).eval()
    sample, text, (down, mid) = call(net, torch.cat(conditions(), dim=1))
    times = torch.tensor([3, 900])
    with torch.no_grad():
        plain = unet(sample, times, text).sample
        controlled = unet(
            sample, times, text, down_block_additional_residuals=down, mid_block_additional_residual=mid
        ).sample
    assert torch.equal(plain, controlled)


def test_from_one_net_it_equals_that_net_and_ignores_the_map(one_net):
    c, d = conditions()
    net = superimposed(one_net)
    _, _, (down, mid) = call(net, torch.cat([c, d], dim=1))
    _, _, (expected_down, expected_mid) = call(one_net, c)
    assert max((a - b).abs().max() for a, b in zip(down, expected_down, strict=True)) < 1e-5
    assert (mid - expected_mid).abs().max() < 1e-5
    assert expected_mid.abs().max() > 1e-2


def test_from_two_nets_the_hints_add_up(one_net, other_net):
    c, d = conditions()
    net = superimposed(one_net, other_net)
    with torch.no_grad():
        expected = one_net.controlnet_cond_embedding(c) + other_net.controlnet_cond_embedding(d)
        made = net.controlnet_cond_embedding(torch.cat([c, d], dim=1))
    assert (made - expected).abs().max() < 1e-5
    assert expected.abs().max() > 1e-3


def test_it_is_a_stock_controlnet_that_saves_and_loads(one_net, tmp_path):
    net = superimposed(one_net)
    assert type(net) is ControlNetModel
    net.save_pretrained(tmp_path)
    again = ControlNetModel.from_pretrained(tmp_path)
    assert again.config.conditioning_channels == 6
    assert all(torch.equal(a, b) for a, b in zip(net.state_dict().values(), again.state_dict().values(), strict=True))


def test_the_source_is_not_changed(one_net):
    before = {name: value.clone() for name, value in one_net.state_dict().items()}
    superimposed(one_net)
    assert all(torch.equal(before[name], value) for name, value in one_net.state_dict().items())


def test_bgr_is_refused(unet):
    net = ControlNetModel.from_unet(
        unet, conditioning_embedding_out_channels=WIDTHS, controlnet_conditioning_channel_order="bgr"
    )
    with pytest.raises(ValueError, match="rgb"):
        superimposed(net)


def test_what_does_not_fit_is_refused(unet, one_net):
    with pytest.raises(ValueError, match="3 channels, but looks at 6"):
        superimposed(superimposed(one_net))
    with pytest.raises(TypeError, match="must be None"):
        superimposed(unet, one_net)
    with pytest.raises(TypeError, match="but is a Linear"):
        superimposed(torch.nn.Linear(1, 1))
    narrow = ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=(4, 16))
    with pytest.raises(ValueError, match="widths"):
        superimposed(one_net, narrow)
