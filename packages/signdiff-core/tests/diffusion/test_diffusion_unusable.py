"""Folders that are safe to read and yet no pipeline: what is wrong is one line."""

import pytest
from model_folders import change

pytest.importorskip("torch")
pytest.importorskip("diffusers")

from safetensors.torch import load_file, save_file

from signdiff_core.diffusion import SignDiffPipeline
from signdiff_core.trust import ModelFolderError


@pytest.fixture
def folder(parts, one_net, tmp_path):
    SignDiffPipeline(**parts, controlnet=one_net).save_pretrained(tmp_path / "pipeline")
    return tmp_path / "pipeline"


@pytest.mark.parametrize("value", [[None, None], None, "unet"])
def test_a_part_that_is_not_there_is_named(folder, unet, value):
    change(folder / "model_index.json", unet=value)
    with pytest.raises(ValueError, match=r"must hold vae, .*, but its model_index\.json has no unet; to use another"):
        SignDiffPipeline.from_pretrained(folder)
    if value == [None, None]:
        SignDiffPipeline.from_pretrained(folder, unet=unet)


@pytest.mark.parametrize(
    ("file", "values"),
    [
        ("text_encoder/config.json", {"hidden_act": "os.system"}),
        ("text_encoder/config.json", {"dtype": "hub"}),
        ("text_encoder/config.json", {"num_attention_heads": 0}),
        ("vae/config.json", {"block_out_channels": 7}),
        ("unet/config.json", {"down_block_types": ["DownBlock2D"]}),
        ("unet/config.json", {"down_block_types": ["x\ny", "x\ny"]}),
        ("scheduler/scheduler_config.json", {"beta_start": {"": {}}}),
        ("tokenizer/tokenizer_config.json", {"bos_token": {"content": 0.5, "__type": "AddedToken"}}),
    ],
)
def test_what_the_libraries_make_of_a_broken_configuration_is_one_error(folder, file, values):
    change(folder / file, **values)
    with pytest.raises(
        ModelFolderError, match=r"pipeline must hold a pipeline that can be loaded, but one of"
    ) as caught:
        SignDiffPipeline.from_pretrained(folder)
    assert "\n" not in str(caught.value)


def test_weights_that_a_file_lacks_are_named(folder):
    path = folder / "vae" / "diffusion_pytorch_model.safetensors"
    held = load_file(path)
    del held["quant_conv.weight"]
    save_file(held, path, metadata={"format": "pt"})
    with pytest.raises(ModelFolderError, match=r"must hold all weights of its vae, but lacks quant_conv\.weight"):
        SignDiffPipeline.from_pretrained(folder)
