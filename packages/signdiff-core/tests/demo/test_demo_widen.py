import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from diffusers import ControlNetModel, UNet2DConditionModel  # noqa: E402

from signdiff_core.demo.widen import WidenConfig, widen, widen_network, widened  # noqa: E402
from signdiff_core.diffusion import SignDiffPipeline  # noqa: E402
from signdiff_core.diffusion.renderer import BUNDLED  # noqa: E402


def network(kind, widths=(16, 32, 24), **options):
    """A random network that attends at its coarsest level only."""
    torch.manual_seed(0)
    down = ("DownBlock2D", "DownBlock2D", "CrossAttnDownBlock2D")
    net = kind(
        in_channels=4,
        block_out_channels=widths,
        down_block_types=down,
        layers_per_block=1,
        cross_attention_dim=32,
        attention_head_dim=4,
        norm_num_groups=4,
        **options,
    )
    for name, weights in net.named_parameters():
        if name.startswith("controlnet_"):  # these begin as zeros
            torch.nn.init.normal_(weights, std=0.3)
    return net.eval()


def inputs():
    generator = torch.Generator().manual_seed(1)
    sample, text, hint = (torch.randn(2, *shape, generator=generator) for shape in ((4, 16, 16), (5, 32), (3, 32, 32)))
    return (sample, 700, text), hint


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_a_wider_controlnet_says_the_same_twice(noise):
    net = network(ControlNetModel, conditioning_embedding_out_channels=(4, 8))
    wider = widen_network(net, noise=noise)
    seen, hint = inputs()
    with torch.no_grad():
        (narrow, middle), (wide, wide_middle) = (part(*seen, hint, return_dict=False) for part in (net, wider))
    assert [residual.shape[1] for residual in wide] == [32, 32, 32, 64, 64, 24]
    for one, two in zip(narrow, wide, strict=True):
        assert torch.allclose(one.repeat_interleave(two.shape[1] // one.shape[1], dim=1), two, atol=1e-4)
    assert torch.allclose(middle, wide_middle, atol=1e-4)
    weights = wider.state_dict()["down_blocks.0.resnets.0.conv1.weight"]
    assert torch.equal(weights[:, 0::2], weights[:, 1::2]) == (noise == 0)


def test_a_wider_unet_makes_nearly_the_same():
    net = network(UNet2DConditionModel, out_channels=4, up_block_types=("CrossAttnUpBlock2D", "UpBlock2D", "UpBlock2D"))
    wider = widen_network(net)
    seen, _ = inputs()
    with torch.no_grad():
        one, two = net(*seen).sample, wider(*seen).sample
    assert (one - two).abs().mean() < 0.1 * one.abs().mean()
    assert wider.config.block_out_channels == (32, 64, 24)


def test_what_cannot_be_widened_is_told():
    with pytest.raises(ValueError, match=r"levels must be from 1 to 3, but is 4"):
        widen_network(network(ControlNetModel), levels=4)
    with pytest.raises(ValueError, match=r"\(32, 32, 24\) would lose down_blocks\.1\.resnets\.0\.conv_shortcut"):
        widen_network(network(ControlNetModel), levels=1)
    with pytest.raises(ValueError, match=r"shape must be at most twice \(2,\), but is \(5,\)"):
        widened(torch.zeros(2), (5,))


def test_a_pipeline_is_written_whole(tmp_path):
    config = WidenConfig(pretrained_model_name_or_path=str(BUNDLED), output_dir=str(tmp_path / "wide"), levels=3)
    folder = widen(config)
    before, after = (SignDiffPipeline.from_pretrained(path) for path in (BUNDLED, folder))
    for part in ("unet", "controlnet"):
        one, two = (getattr(pipeline, part).config.block_out_channels for pipeline in (before, after))
        assert [wide / narrow for narrow, wide in zip(one, two, strict=True)] == [2, 2, 2, 1]
    assert {"frnet.json", "renderer.json"} < {path.name for path in folder.iterdir()}
    with pytest.raises(OSError, match="wide"):
        widen(config)
