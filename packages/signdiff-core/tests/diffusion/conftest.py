"""Tiny Stable-Diffusion-shaped parts of the real classes, with random weights."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("transformers")

from diffusers import AutoencoderKL, ControlNetModel, DDIMScheduler, UNet2DConditionModel  # noqa: E402
from tiny_renders import quiet  # noqa: E402
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer  # noqa: E402

from signdiff_core.demo.make_base import learn_merges, write_vocabulary  # noqa: E402
from signdiff_core.diffusion import SignDiffPipeline, superimposed  # noqa: E402

WIDTHS = (8, 16)


@pytest.fixture(scope="session")
def tokenizer(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vocabulary")
    write_vocabulary(folder, learn_merges(["a person signing in a red shirt"]))
    return CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=16)


def make_unet() -> UNet2DConditionModel:
    torch.manual_seed(0)
    return UNet2DConditionModel(
        sample_size=32,
        block_out_channels=(8, 16),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=32,
        attention_head_dim=4,
        norm_num_groups=4,
    ).eval()


def loud(net: ControlNetModel, seed: int) -> ControlNetModel:
    """Give the zero convolutions weights, so that the control does something."""
    generator = torch.Generator().manual_seed(seed)
    ends = [*net.controlnet_down_blocks, net.controlnet_mid_block, net.controlnet_cond_embedding.conv_out]
    for end in ends:
        for weights in end.parameters():
            weights.data = 0.2 * torch.randn(weights.shape, generator=generator)
    return net.eval()


@pytest.fixture
def unet():
    return make_unet()


@pytest.fixture
def one_net(unet):
    """A ControlNet of three channels that does something."""
    torch.manual_seed(1)
    net = ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=WIDTHS)
    return loud(net, 1)


@pytest.fixture
def other_net(unet):
    torch.manual_seed(2)
    net = ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=WIDTHS)
    return loud(net, 2)


@pytest.fixture
def net(one_net, other_net):
    """A ControlNet of both conditions."""
    return superimposed(one_net, other_net).eval()


@pytest.fixture
def pipe(parts, net):
    """A pipeline of both conditions."""
    return quiet(SignDiffPipeline(**parts, controlnet=net))


@pytest.fixture
def parts(unet, tokenizer):
    torch.manual_seed(3)
    vae = AutoencoderKL(
        block_out_channels=(8, 8),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        layers_per_block=1,
        norm_num_groups=4,
        latent_channels=4,
    ).eval()
    text_encoder = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=1,
            num_attention_heads=4,
            max_position_embeddings=16,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    ).eval()
    scheduler = DDIMScheduler(
        beta_schedule="scaled_linear",
        clip_sample=False,
        prediction_type="v_prediction",
        timestep_spacing="trailing",
        rescale_betas_zero_snr=True,
    )
    return {
        "vae": vae,
        "text_encoder": text_encoder,
        "tokenizer": tokenizer,
        "unet": unet,
        "scheduler": scheduler,
        "safety_checker": None,
        "feature_extractor": None,
        "requires_safety_checker": False,
    }
