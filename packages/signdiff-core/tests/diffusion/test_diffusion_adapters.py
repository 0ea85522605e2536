"""What is loaded beside a pipeline: LoRA, textual inversions, IP-Adapters."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from diffusers import StableDiffusionControlNetPipeline  # noqa: E402
from PIL import Image  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from tiny_adapters import ip_adapter  # noqa: E402
from tiny_renders import OPTIONS, PROMPT, frames, quiet, render, seeded, tensor  # noqa: E402

from signdiff_core.diffusion import SignDiffPipeline  # noqa: E402
from signdiff_core.trust import ModelFolderError  # noqa: E402


def test_a_lora_changes_frames_and_goes_again(pipe, tmp_path):
    pytest.importorskip("peft")
    before = render(pipe)
    generator = torch.Generator().manual_seed(0)
    weights = {}
    for name, module in pipe.unet.named_modules():
        if name.endswith(("to_q", "to_v")):
            weights[f"unet.{name}.lora_A.weight"] = torch.randn(2, module.in_features, generator=generator)
            weights[f"unet.{name}.lora_B.weight"] = torch.randn(module.out_features, 2, generator=generator)
    save_file(weights, tmp_path / "lora.safetensors")
    pipe.load_lora_weights(tmp_path, weight_name="lora.safetensors")
    made = render(pipe)
    assert np.abs(made - before).max() > 1e-2
    half = render(pipe, cross_attention_kwargs={"scale": 0.5})
    assert np.abs(half - made).max() > 1e-3
    assert np.abs(render(pipe, cross_attention_kwargs={"scale": 0.0}) - before).max() < 1e-5
    assert np.isfinite(render(pipe, cache_interval=2)).all()
    pipe.unload_lora_weights()
    assert np.array_equal(render(pipe), before)


@pytest.mark.parametrize(("token", "more", "told"), [("", 0, "must name the token"), ("<x>", 1, "must hold an emb")])
def test_a_textual_inversion_that_does_not_fit_changes_nothing(pipe, tmp_path, token, more, told):
    width = pipe.text_encoder.config.hidden_size + more
    save_file({token: torch.randn(1, width)}, tmp_path / "signer.safetensors")
    before = pipe.text_encoder.get_input_embeddings().weight.clone()
    with pytest.raises(ModelFolderError, match=told) as caught:
        pipe.load_textual_inversion(str(tmp_path / "signer.safetensors"))
    assert "signer.safetensors" in str(caught.value)
    assert torch.equal(pipe.text_encoder.get_input_embeddings().weight, before)


@pytest.mark.parametrize(
    "weights",
    [
        {"junk": torch.zeros(2)},
        {"unet.nope.lora_A.weight": torch.zeros(2, 8), "unet.nope.lora_B.weight": torch.zeros(8, 2)},
    ],
    ids=["junk", "module"],
)
def test_a_lora_that_does_not_fit_is_named_and_changes_nothing(pipe, tmp_path, weights):
    pytest.importorskip("peft")
    before = render(pipe, 1)
    save_file(weights, tmp_path / "lora.safetensors")
    told = r"lora\.safetensors must hold a LoRA for this pipeline, but: "
    with pytest.raises(ModelFolderError, match=told):
        pipe.load_lora_weights(tmp_path, weight_name="lora.safetensors")
    with pytest.raises(ModelFolderError, match=told):
        pipe.load_lora_weights(str(tmp_path / "lora.safetensors"))
    assert np.array_equal(render(pipe, 1), before)


def test_a_mistyped_path_is_not_looked_for_on_the_hub(pipe, tmp_path):
    for name in ("ad/nothere.safetensors", "./nothere", str(tmp_path / "nothere"), "a/b/c"):
        with pytest.raises(FileNotFoundError, match=f"there is no file or folder {name}"):
            pipe.load_lora_weights(name)
        with pytest.raises(FileNotFoundError, match="there is no file or folder"):
            pipe.load_textual_inversion(name)
        with pytest.raises(FileNotFoundError, match="there is no file or folder"):
            pipe.load_ip_adapter(name, subfolder="", weight_name="ip.safetensors")


def test_an_ip_adapter_that_does_not_fit_is_named(pipe, tmp_path):
    save_file({"junk": torch.zeros(2)}, tmp_path / "junk.safetensors")
    with pytest.raises(ModelFolderError, match="must hold an image encoder in image_encoder, but there is no such fol"):
        pipe.load_ip_adapter(tmp_path, subfolder="", weight_name="junk.safetensors")
    with pytest.raises(ModelFolderError, match=r"junk\.safetensors must hold an IP-Adapter for this pipeline, but: "):
        pipe.load_ip_adapter(tmp_path, subfolder="", weight_name="junk.safetensors", image_encoder_folder=None)


def test_textual_inversion(pipe, tmp_path):
    save_file({"<signer>": torch.full((1, 32), 2.0)}, tmp_path / "signer.safetensors")
    pipe.load_textual_inversion(tmp_path / "signer.safetensors", token="<signer>")
    c, d = frames(1), frames(1, seed=1)
    options = {"fr_image": d, "generator": seeded(), **OPTIONS}
    one = pipe("a <signer>", c, **options).images
    other = pipe("a person", c, **options).images
    assert np.abs(one - other).max() > 1e-4


def test_an_ip_adapter_brings_the_signer_in(parts, net, tmp_path):
    from transformers import CLIPImageProcessor, CLIPVisionConfig, CLIPVisionModelWithProjection

    torch.manual_seed(0)
    encoder = CLIPVisionModelWithProjection(
        CLIPVisionConfig(
            hidden_size=16,
            intermediate_size=16,
            projection_dim=12,
            num_hidden_layers=1,
            num_attention_heads=2,
            image_size=32,
            patch_size=16,
        )
    ).eval()
    processor = CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    parts |= {"image_encoder": encoder, "feature_extractor": processor}
    pipe = quiet(SignDiffPipeline(**parts, controlnet=net))
    before = render(pipe)
    pipe.load_ip_adapter(tmp_path, subfolder="", weight_name=ip_adapter(pipe.unet, tmp_path), image_encoder_folder=None)
    red, blue = (Image.new("RGB", (48, 48), colour) for colour in ("red", "blue"))
    calls = []
    handle = encoder.register_forward_hook(lambda *_: calls.append(1))
    made = render(pipe, ip_adapter_image=red, chunk_size=2)
    handle.remove()
    assert len(calls) == 1  # encoded once a video
    assert np.abs(made - render(pipe, ip_adapter_image=blue, chunk_size=2)).max() > 1e-3
    embeds = pipe.prepare_ip_adapter_image_embeds(red, None, "cpu", 1, True)
    assert np.array_equal(render(pipe, ip_adapter_image_embeds=embeds, chunk_size=2), made)
    assert np.isfinite(render(pipe, ip_adapter_image=red, cache_interval=2)).all()
    stock = StableDiffusionControlNetPipeline.from_pipe(pipe)
    control = torch.cat([tensor(frames(1)), tensor(frames(1, seed=1))], dim=1)
    expected = stock(PROMPT, control, ip_adapter_image=red, generator=seeded(), **OPTIONS).images
    assert np.array_equal(render(pipe, 1, ip_adapter_image=red), expected)
    pipe.set_ip_adapter_scale(0.0)
    assert np.abs(render(pipe, ip_adapter_image=red) - before).max() < 1e-5
    pipe.unload_ip_adapter()
    assert np.array_equal(render(pipe), before)
