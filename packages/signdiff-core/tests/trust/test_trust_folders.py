"""The folder of one part, and of a pipeline: what is let through, and what is refused."""

import contextlib
import json
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from signdiff_core.trust import MAX_TEXT, ModelFolderError, check_model_folder, check_pipeline_folder
from signdiff_core.trust.files import MAX_CONFIG, is_plain


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "unet"
    root.mkdir()
    save_file({"a": np.zeros(4, np.float32)}, root / "diffusion_pytorch_model.safetensors")
    (root / "config.json").write_text(json.dumps({"_class_name": "UNet2DConditionModel"}))
    return root


def change(folder, name="config.json", **values):
    path = folder / name
    content = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(content | values))


def test_weights_and_a_configuration_pass(folder):
    check_model_folder(folder)
    check_model_folder(str(folder))


def test_other_weights_beside_safetensors_pass(folder):
    (folder / "diffusion_pytorch_model.bin").write_bytes(b"\x80\x02}q\x00.")
    check_model_folder(folder)


@pytest.mark.parametrize(
    "name",
    ["diffusion_pytorch_model.bin", "pytorch_model-00001-of-00002.bin", "model.ckpt", "weights.pt", "model.onnx"],
)
def test_other_weights_alone_are_refused_with_a_way_out(folder, name):
    (folder / "diffusion_pytorch_model.safetensors").rename(folder / name)
    with pytest.raises(ModelFolderError, match=rf"as safetensors, but has only {name}.*save_pretrained"):
        check_model_folder(folder)


def test_every_file_of_weights_is_looked_at(folder):
    whole = (folder / "diffusion_pytorch_model.safetensors").read_bytes()
    (folder / "diffusion_pytorch_model.fp16.safetensors").write_bytes(whole[:-1])
    with pytest.raises(ModelFolderError, match=r"fp16\.safetensors must be a whole .* truncated"):
        check_model_folder(folder)


def test_code_needs_trust(folder):
    (folder / "diffusers.py").write_text("")
    with pytest.raises(ModelFolderError, match=r"diffusers\.py must not be there, since it is code"):
        check_model_folder(folder)
    check_model_folder(folder, trust_remote_code=True)


def test_trust_lets_configurations_name_code(folder):
    change(folder, auto_map={"AutoModel": "own.Own"}, backbone="owner/name", _attn_implementation="owner/kernel")
    with pytest.raises(ModelFolderError, match="set trust_remote_code=True"):
        check_model_folder(folder)
    check_model_folder(folder, trust_remote_code=True)


def test_a_function_to_generate_is_code(folder):
    (folder / "custom_generate").mkdir()
    with pytest.raises(ModelFolderError, match=r"custom_generate must not be there, since it is code"):
        check_model_folder(folder)
    check_model_folder(folder, trust_remote_code=True)


def test_an_adapter_is_refused(folder):
    change(folder, "adapter_config.json", base_model_name_or_path="elsewhere")
    with pytest.raises(ModelFolderError, match="names another model"):
        check_model_folder(folder)


@pytest.mark.parametrize(
    ("name", "values", "told"),
    [
        ("config.json", {"transformers_weights": "../model.safetensors"}, "as transformers_weights"),
        ("config.json", {"text_config": {"transformers_weights": "/a/model.safetensors"}}, "as transformers_weights"),
        ("config.json", {"_attn_implementation": "owner/kernel"}, "has 'owner/kernel' as _attn_implementation"),
        ("config.json", {"_attn_implementation": "flash_attention_2"}, "has 'flash_attention_2'"),
        ("config.json", {"attn_implementation": {"": "owner/kernel@main:f"}}, "as attn_implementation"),
        ("config.json", {"vision_config": {"_attn_implementation_internal": "sdpa"}}, None),
        ("config.json", {"_experts_implementation": "owner/kernel"}, "owner/kernel"),
        ("tokenizer_config.json", {"vocab_file": "/etc/hostname"}, "'/etc/hostname' as vocab_file"),
        ("tokenizer_config.json", {"merges_file": "../../merges.txt"}, "as merges_file"),
        ("tokenizer_config.json", {"tokenizer_file": "C:tokenizer.json"}, "as tokenizer_file"),
        ("tokenizer_config.json", {"fast_tokenizer_files": ["../tokenizer.4.0.0.json"]}, "as fast_tokenizer_files"),
        ("tokenizer_config.json", {"fast_tokenizer_files": ["tokenizer.4.0.0.json"], "tokenizer_file": None}, None),
        # Where something came from is told by many models, and nothing follows it.
        ("tokenizer_config.json", {"name_or_path": "/home/a", "special_tokens_map_file": "/home/a/b.json"}, None),
        ("config.json", {"_name_or_path": "/home/a", "auto_map": {}, "trust_remote_code": False}, None),
        ("config.json", {"auto_map": {"AutoModel": "owner/other--code.Model"}}, "as auto_map"),
        ("config.json", {"text_config": {"deep": [{"backbone": "owner/name"}]}}, "has 'owner/name' as backbone"),
        ("config.json", {"backbone_kwargs": {"trust_remote_code": True}}, "as backbone_kwargs; .*trust_remote_code"),
        ("config.json", {"keypoint_detector_config": {"_name_or_path": "/a"}}, "as keypoint_detector_config"),
        ("config.json", {"quantization_config": {"quant_method": "mxfp4"}}, "as quantization_config"),
        ("config.json", {"configuration_files": ["../../config.4.0.0.json"]}, "as configuration_files"),
        ("preprocessor_config.json", {"trust_remote_code": "yes"}, "has 'yes' as trust_remote_code"),
        ("generation_config.json", {"trust_remote_code": 1.5}, None),
        ("anything.json", {"auto_map": "own.Own"}, "as auto_map"),
        # Words of a vocabulary have numbers.
        ("vocab.json", {"backbone": 7, "auto_map": 8, "trust_remote_code": 9}, None),
        ("config.json", {"megatron_config": None, "megatron_core": "megatron.core"}, None),
        ("config.json", {"megatron_core": "own"}, "has 'own' as megatron_core"),
    ],
)
def test_configurations_lead_nowhere(folder, name, values, told):
    change(folder, name, **values)
    if told is None:
        check_model_folder(folder)
    else:
        with pytest.raises(ModelFolderError, match=told):
            check_model_folder(folder)


def test_a_kernel_under_any_of_its_keys_is_refused(folder):
    for key in ("attn_implementation", "_attn_implementation", "_attn_implementation_internal"):
        (folder / "config.json").write_text(json.dumps({key: "owner/kernel"}))
        with pytest.raises(ModelFolderError, match=f"has 'owner/kernel' as {key}"):
            check_model_folder(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"7", b"[" * 100_000, b'{"a":' * 100_000])
def test_a_broken_configuration_is_refused(folder, content):
    (folder / "config.json").write_bytes(content)
    with pytest.raises(ModelFolderError, match=r"config\.json must"):
        check_model_folder(folder)


@pytest.mark.parametrize(
    ("name", "most"), [("config.json", MAX_CONFIG), ("vocab.json", MAX_CONFIG), ("merges.txt", MAX_TEXT)]
)
def test_a_huge_text_is_refused_unread(folder, name, most):
    with (folder / name).open("wb") as file:
        file.truncate(1 << 40)  # takes no room on the disk, and would not fit into memory
    with pytest.raises(ModelFolderError, match=rf"{name} must have at most \d+ bytes"):
        check_model_folder(folder)
    (folder / name).write_bytes(b"{}" + b" " * (most - 2))
    check_model_folder(folder)


def test_links_may_not_lead_out(folder, tmp_path):
    outside = tmp_path / "outside.json"
    outside.write_text("{}")
    for target in (outside, "../outside.json"):
        link = folder / "vocab.json"
        link.symlink_to(target)
        with pytest.raises(
            ModelFolderError, match=r"vocab\.json must lie in the model's folder, but is a link to .*out"
        ):
            check_model_folder(folder)
        link.unlink()
    (folder / "vocab.json").symlink_to("config.json")
    check_model_folder(folder)


def test_links_may_lead_into_the_pipeline_that_a_part_belongs_to(folder, tmp_path):
    (tmp_path / "vocab.json").write_text("{}")
    (folder / "vocab.json").symlink_to("../vocab.json")
    check_model_folder(folder, root=tmp_path)
    with pytest.raises(ModelFolderError, match="must lie in"):
        check_model_folder(folder)


@pytest.mark.parametrize("target", ["nothing", "loop.json"])
def test_links_to_nothing_are_refused(folder, target):
    (folder / "loop.json").symlink_to(target)
    with pytest.raises(ModelFolderError, match=r"loop\.json must be a file or a folder, but is neither"):
        check_model_folder(folder)


def test_a_pipe_is_refused_and_not_waited_for(folder):
    os.mkfifo(folder / "model.safetensors")
    with pytest.raises(ModelFolderError, match="is a pipe or a device"):
        check_model_folder(folder)


def test_a_missing_folder_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        check_model_folder(tmp_path / "none")


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "/a", "a\\b", "C:a", "a\0", "a" * 256, "\u00e9" * 128, None, 7, ["a"]]
)
def test_names_with_a_path_are_not_plain(name):
    assert not is_plain(name)


texts = st.text(max_size=8) | st.sampled_from(["vocab_file", "../a", "attn_implementation", "a/b"])
values = st.recursive(
    st.none() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=10,
)


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory):
    return tmp_path_factory.mktemp("part")


@settings(max_examples=100, deadline=None)
@given(content=st.binary(max_size=100) | values.map(lambda value: json.dumps(value).encode()))
def test_random_configurations_give_the_one_error(fuzzed, content):
    (fuzzed / "tokenizer_config.json").write_bytes(content)
    with contextlib.suppress(ModelFolderError):
        check_model_folder(fuzzed)


part_texts = st.text(max_size=8) | st.sampled_from(["diffusers", "unet", "_class_name", "..", "UNet2DConditionModel"])
index_values = st.recursive(
    st.none() | st.booleans() | st.integers() | part_texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(part_texts, inner, max_size=3),
    max_leaves=10,
)


@pytest.fixture(scope="module")
def pipeline_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pipeline")


@settings(max_examples=150, deadline=None)
@given(content=st.binary(max_size=100) | index_values.map(lambda value: json.dumps(value).encode()))
def test_random_indices_give_the_one_error(pipeline_folder, content):
    (pipeline_folder / "model_index.json").write_bytes(content)
    with contextlib.suppress(ModelFolderError):
        check_pipeline_folder(pipeline_folder)


@settings(max_examples=150, deadline=None)
@given(name=part_texts, library=part_texts, kind=part_texts)
def test_random_parts_give_the_one_error(pipeline_folder, name, library, kind):
    (pipeline_folder / "model_index.json").write_text(
        json.dumps({"_class_name": "SignDiffPipeline", name: [library, kind]})
    )
    with pytest.raises(ModelFolderError):  # at the latest because there is no folder for it
        check_pipeline_folder(pipeline_folder)
