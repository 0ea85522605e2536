"""The keys under which the installed libraries load something by name are all known: read off their sources."""

import ast
import importlib.util
from pathlib import Path

import pytest
from followed_keys import followed_keys

from signdiff_core.trust.configs import FILES, NAMES, is_followed

REGISTRY = {
    "_class_name",
    "encoder",
    "feature_extractor_type",
    "image_processor_type",
    "peft_type",
    "processor_class",
    "tokenizer_class",
    "video_processor_type",
}
"""Names of the library's own classes, or parts of a class's configuration."""

ORIGIN = {"_name_or_path", "name_or_path", "_commit_hash", "revision", "version", "_ignore_files"}
"""What classes on the list don't follow: those that do have it beneath a key that is refused, or need an adapter."""

ADAPTER = {"auto_mapping", "base_model_name_or_path"}
"""What is followed in ``adapter_config.json``, which may not be there."""

INTERNAL = {"model", "module_prefix", "num_blocks_per_group", "is_prompt_learning", "pretrained_model_name_or_path"}
"""Of objects that are called configuration, but are read from no file."""

NUMBERS = {
    "batch_norm_eps",
    "block_out_channels",
    "default_num_special_tokens",
    "features_only",
    "gradient_accumulation_kwargs",
    "hidden_size",
    "in_channels",
    "layer_norm_epsilon",
    "min_num_params",
    "n_embd",
    "n_head",
    "n_inner",
    "n_layer",
    "n_positions",
    "num_channels",
    "num_feature_levels",
    "num_frames",
    "num_virtual_tokens",
    "out_indices",
    "output_attentions",
    "output_stride",
    "resid_pdrop",
    "retrieval_vector_size",
    "vocab_size",
    "xla_fsdp_v2",
}
"""Sizes and switches that are handed on."""

HARMLESS = REGISTRY | ORIGIN | ADAPTER | INTERNAL | NUMBERS

MACHINERY = {
    "transformers": ["models/clip", "models/lightglue", "models/auto", "quantizers", "utils", "generation"],
    "diffusers": ["loaders", "schedulers", "models/unets", "models/autoencoders", "models/controlnets", "utils"],
    "peft": [""],
}
"""Where classes on the list are loaded, besides what lies at the top."""


def unknown(folders):
    found = {key: place for folder in folders for key, place in followed_keys(folder).items()}
    return {
        key: place for key, place in found.items() if key not in NAMES | FILES | HARMLESS and key != "megatron_core"
    }


def source(library):
    found = importlib.util.find_spec(library)
    if found is None:
        pytest.skip(f"{library} is not installed")
    return Path(found.submodule_search_locations[0])


@pytest.mark.parametrize("library", MACHINERY)
def test_what_loads_the_parts_follows_no_other_key(library, tmp_path):
    root = source(library)
    for path in root.glob("*.py"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    assert unknown([tmp_path, *(root / name for name in MACHINERY[library] if (root / name).is_dir())]) == {}


@pytest.mark.slow
@pytest.mark.parametrize("library", ["transformers", "diffusers"])
def test_a_whole_library_follows_no_other_key(library):
    assert unknown([source(library)]) == {}


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("AutoModel.from_pretrained(config.other)", "other"),
        ("AutoModel.from_pretrained(self.config.other, **config.other_kwargs)", "other_kwargs"),
        ("import_module(getattr(config, 'other'))", "other"),
        ("cached_file(folder, config.get('other', None))", "other"),
        ("open(os.path.join(folder, config_dict['other']))", "other"),
        ("AutoModel.from_config(config.text_config, trust_remote_code=config.other)", "other"),
        ("self.name = config.other\nload(self.name)", "other"),
        ("name = config.other if a else b\npath = name\nload_file(path)", "other"),
    ],
)
def test_the_reading_of_sources_finds_keys(tmp_path, line, key):
    ast.parse(line)
    (tmp_path / "modeling.py").write_text(line)
    assert key in followed_keys(tmp_path)


@pytest.mark.parametrize("key", sorted(NAMES))
def test_each_key_is_refused_with_a_name(key):
    assert is_followed(key, "owner/name")
    assert not is_followed(key, None)
    assert not is_followed(key, 7)
