"""Configurations: which classes they may ask for; none may name a file elsewhere, another model, or code.

The keys under which a library loads something by name or path were read from the sources of transformers 4.57.6,
diffusers 0.39.0 and peft 0.21.2; they cover diffusers 0.37.1 and 0.42.1 and transformers 5.24.0, too. A test reads the
sources that are installed and fails where a new key is followed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from signdiff_core.trust.files import ModelFolderError, is_plain, read_any_json, read_json

CLASSES: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "unet": {"diffusers": ("UNet2DConditionModel",)},
    "controlnet": {"diffusers": ("ControlNetModel", "MultiControlNetModel")},
    "vae": {
        "diffusers": ("AutoencoderKL", "AutoencoderTiny", "AsymmetricAutoencoderKL", "ConsistencyDecoderVAE"),
    },
    "text_encoder": {"transformers": ("CLIPTextModel",)},
    "tokenizer": {"transformers": ("CLIPTokenizer", "CLIPTokenizerFast")},
    "image_encoder": {"transformers": ("CLIPVisionModelWithProjection", "CLIPVisionModel")},
    "feature_extractor": {
        "transformers": (
            "CLIPImageProcessor",
            "CLIPImageProcessorFast",
            "CLIPImageProcessorPil",
            "CLIPFeatureExtractor",
        )
    },
    "safety_checker": {"stable_diffusion": ("StableDiffusionSafetyChecker",)},
    "scheduler": {"diffusers": ()},
    "detail_model": {"signdiff_core.diffusion.detail": ("DetailModel",)},
}
"""The classes of each part, by the library that ``model_index.json`` names; ``stable_diffusion`` is a module of
diffusers. Schedulers are let in by their base class, and with a part goes each name that any release of diffusers or
transformers gave its class. None of them reads another file than those of its own folder."""

LIBRARIES: Final = tuple(sorted({library for kinds in CLASSES.values() for library in kinds}))
"""Where parts come from. diffusers would import any other module of this name, also from the current folder."""

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

_SHOWN: Final = 80
"""Characters of a value that a message shows."""


def expected(part: str, library: str, kind: str) -> str | None:
    """Tell what a part must be, for a message, if the class that ``model_index.json`` names is none of its.

    Example:
        >>> expected("unet", "diffusers", "UNet2DConditionModel")
        >>> expected("text_encoder", "transformers", "DPTForDepthEstimation")
        'CLIPTextModel of transformers'
    """
    if part not in CLASSES:
        return f"one of the parts {', '.join(sorted(CLASSES))}"
    if part == "scheduler":
        return None if library == "diffusers" and _is_scheduler(kind) else "a scheduler of diffusers"
    if kind in CLASSES[part].get(library, ()):
        return None
    [(home, kinds)] = CLASSES[part].items()
    return f"{' or '.join(kinds)} of {home}"


def _is_scheduler(kind: str) -> bool:
    if not kind.endswith("Scheduler") or kind.startswith("Flax"):
        return False
    try:
        import diffusers
    except ImportError:  # then nothing can be loaded either
        return True
    found = getattr(diffusers, kind, None)
    return isinstance(found, type) and issubclass(found, diffusers.SchedulerMixin)


def is_followed(key: str, value: Any) -> bool:
    """Tell whether a library loads, under a key, what a value names.

    Numbers are no names, so that a vocabulary may hold any word; nothing is named by null, false, or what is empty. A
    key may have the part that it is meant for in front, as in ``unet.megatron_config``.

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


def check_config(path: Path, *, trust_remote_code: bool = False) -> None:
    """Make sure that a JSON file of a model's folder leads to nothing outside it.

    With `trust_remote_code` it may name other models and code. Raises ModelFolderError where it does otherwise, or is
    no JSON of bounded size, or a configuration is no object, OSError where it cannot be read.
    """
    content = read_json(path) if path.name.endswith("config.json") else read_any_json(path)
    check_content(path, content, trust_remote_code=trust_remote_code)


def check_content(place: object, content: Any, *, trust_remote_code: bool = False) -> None:
    """Make sure that JSON leads to nothing outside its folder, at any depth, or raise ModelFolderError.

    `place` says where it stands; with `trust_remote_code` it may name other models and code.
    """
    for key, value in _entries(content):
        if key in FILES:
            outside = [text for text in strings(value) if not is_plain(text)]
            if outside:
                raise ModelFolderError(f"{place} must name files of its own folder, but has {outside[0]!r} as {key}.")
        if not trust_remote_code and is_followed(key, value):
            raise ModelFolderError(
                f"{place} must not name what is loaded from elsewhere, but has {_short(value)} as {key}; to allow it, "
                "set trust_remote_code=True."
            )


def _entries(content: Any) -> Iterator[tuple[str, Any]]:
    """Give every key of every object, at any depth, with its value."""
    left = [content]
    while left:
        one = left.pop()
        if isinstance(one, list):
            left += one
        elif isinstance(one, dict):
            yield from one.items()
            left += one.values()


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
