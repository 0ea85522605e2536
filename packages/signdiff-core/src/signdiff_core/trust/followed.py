"""Keys of configurations under which a library loads something by name or path.

Read from the sources of transformers 4.57.6, diffusers 0.39.0 and peft 0.21.2; they cover diffusers 0.37.1 and 0.42.1
and transformers 5.24.0, too. A test reads the sources that are installed and fails where a new key is followed.
"""

from __future__ import annotations

from typing import Any, Final

NAMES: Final = frozenset(
    {
        # transformers
        "architecture",
        "auto_map",
        "backbone",
        "backbone_kwargs",
        "custom_pipelines",
        "download_kwargs",
        "index_path",
        "init_inputs",
        "keypoint_detector_config",
        "passages_path",
        "quantization_config",
        "semantic_model_config",
        "speaker_embeddings",
        "timm_kwargs",
        "trust_remote_code",
        "use_pretrained_backbone",
        "use_timm_backbone",
        # diffusers
        "repo_id",
        "tokenizer",
        # peft
        "cache_file",
        "covariance_file",
        "megatron_config",
        "prompt_tuning_init_state_dict_path",
        "shadow_model",
        "tokenizer_kwargs",
        "tokenizer_name_or_path",
    }
)
"""What is loaded, or arguments for it: a model, a module, code, a kernel. A quantised model is among them, since its
weights are read by further libraries, one of which a kernel from the Hub."""

FILES: Final = frozenset(
    {
        "configuration_files",
        "fast_tokenizer_files",
        "merges_file",
        "tokenizer_file",
        "transformers_weights",
        "vocab_file",
    }
)
"""Files of the same folder that transformers opens in place of the usual ones, and would open elsewhere, too."""

_IMPLEMENTATION: Final = "_implementation"
"""In keys under which transformers takes ``owner/name``, and names that begin with ``flash``, for a kernel, which it
downloads from the Hub and runs."""

_MODULE: Final = ("megatron_core", "megatron.core")
"""A key of peft that names a module, and the one that it always writes."""


def is_followed(key: str, value: Any) -> bool:
    """Tell whether a library loads, under a key, what a value names.

    Numbers are no names, so that a vocabulary may hold any word; nothing is named by null, false, or what is empty.

    Args:
        key: may have the part that it is meant for in front, as in ``unet.megatron_config``.
        value: what stands under it.

    Example:
        >>> is_followed("backbone", "owner/name"), is_followed("backbone", 7), is_followed("_name_or_path", "owner/it")
        (True, False, False)
    """
    key = key.rpartition(".")[2]
    if key in NAMES:
        return bool(value) and (not isinstance(value, int | float) or isinstance(value, bool))
    if key == _MODULE[0]:
        return value not in (None, _MODULE[1])
    if _IMPLEMENTATION in key:
        return any("/" in text or "flash" in text for text in strings(value))
    return False


def strings(value: Any) -> list[str]:
    """Give the strings in a value, at any depth; the keys of objects are not among them."""
    found, left = [], [value]
    while left:
        one = left.pop()
        if isinstance(one, str):
            found.append(one)
        elif isinstance(one, list):
            left += one
        elif isinstance(one, dict):
            left += one.values()
    return found
