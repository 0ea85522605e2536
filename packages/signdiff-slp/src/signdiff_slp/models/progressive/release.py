"""A model in a folder: weights as safetensors, configuration, tokenizer. Nothing in it is ever unpickled."""

from __future__ import annotations

import dataclasses
import json
from io import StringIO
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from signdiff_core.atomic import replacing
from signdiff_core.trust import check_weights
from signdiff_slp.models.progressive.config import PROGRESSIVE_FAMILY, ProgressiveConfig
from signdiff_slp.models.progressive.factory import create_single_model
from signdiff_slp.models.progressive.model import ProgressiveTransformer
from signdiff_slp.tokenizers.base import check_size, read_object
from signdiff_slp.tokenizers.saved import TOKENIZER, AnyTokenizer, load_tokenizer, save_tokenizer

WEIGHTS: Final = "model.safetensors"
CONFIG: Final = "config.json"

MAX_WEIGHTS_SIZE: Final = 2 << 30
"""Largest weight file that is loaded, in bytes."""

MAX_PARAMETERS: Final = 500_000_000
"""Largest model that a configuration may ask for."""

MAX_POSITIONS: Final = 1 << 16
"""Most tokens or frames that a configuration may ask for."""

MAX_SETTING: Final = 1 << 31
"""Largest value of any other setting."""

_MAX_CONFIG_SIZE: Final = 1 << 16


def save_release(folder: Path, model: ProgressiveTransformer, tokenizer: AnyTokenizer) -> None:
    """Write a model to a folder: ``model.safetensors``, ``config.json``, ``tokenizer.json``.

    Each file is written beside its target and then renamed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config = {"model_family": PROGRESSIVE_FAMILY, **dataclasses.asdict(model.config)}
    state = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    with replacing(folder / WEIGHTS) as weights:
        save_file(state, weights, metadata={"format": "pt"})
        # safetensors makes files that only their owner reads; a model is meant to be passed on.
        weights.chmod(0o644)
    with replacing(folder / CONFIG) as temporary:
        temporary.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    save_tokenizer(folder, tokenizer)


def load_release(
    folder: Path, *, device: torch.device | str = "cpu", dtype: torch.dtype | None = None
) -> tuple[ProgressiveTransformer, AnyTokenizer]:
    """Load what `save_release` wrote: the model, in evaluation mode and by default float32, and its tokenizer.

    Names and shapes of the weights are compared with the configuration before a value is read. Raises a
    ``FileNotFoundError`` if a file is missing, a ``ValueError`` if one is too large, broken, or does not belong to the
    others.
    """
    config = check_release(folder)
    model = create_single_model(config, torch.device("cpu"))
    model.load_state_dict(load_file(folder / WEIGHTS))
    model.to(device=device, dtype=dtype or torch.float32)
    # The poses' scale is too fine for half precision.
    model.standardizer.float()
    model.requires_grad_(False).eval()
    tokenizer = load_tokenizer(folder)
    check_vocabulary(tokenizer, config, what=str(folder / TOKENIZER))
    return model, tokenizer


def check_vocabulary(tokenizer: AnyTokenizer, config: ProgressiveConfig, *, what: str) -> None:
    """Make sure that a tokenizer has the model's number of tokens; a ValueError begins with ``what`` if not."""
    if tokenizer.vocab_info.size != config.vocab_size:
        raise ValueError(
            f"{what} must have the {config.vocab_size} tokens of the model, but has {tokenizer.vocab_info.size}."
        )


def check_release(folder: Path) -> ProgressiveConfig:
    """Look a model's folder over and read its configuration; arguments and errors as for `load_release`."""
    for name in (CONFIG, TOKENIZER, WEIGHTS):
        if not (folder / name).is_file():
            raise FileNotFoundError(f"{folder} must hold {CONFIG}, {TOKENIZER} and {WEIGHTS}, but has no {name}.")
    config = _make_config(folder / CONFIG, read_object(folder / CONFIG, _MAX_CONFIG_SIZE))
    try:
        empty = create_single_model(config, torch.device("meta"))
    except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as ex:
        raise ValueError(f"{folder / CONFIG} must describe a model that can be built, but: {ex}") from ex
    _check_weights(folder / WEIGHTS, empty)
    return config


def read_run_config(path: Path) -> ProgressiveConfig:
    """Read the ``model.yaml`` beside a run's checkpoints; a ``ValueError`` if it is not of this model family."""
    content = read_yaml(path)
    if not isinstance(content, dict) or not isinstance(content.get("model_config"), dict):
        raise ValueError(f"{path} must hold the section model_config, but does not.")
    return _make_config(path, {"model_family": content.get("model_family"), **content["model_config"]})


def read_yaml(path: Path, most: int = _MAX_CONFIG_SIZE) -> Any:
    """Read the first document of a YAML file of at most ``most`` bytes; a ``ValueError`` says if it is no such YAML."""
    from fairseq2.file_system import NativeLocalFileSystem
    from fairseq2.utils.yaml import RuamelYamlLoader, YamlError

    check_size(path, most)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as ex:
        raise ValueError(f"{path} must be UTF-8 text, but is not: {ex}.") from ex
    try:
        documents: Any = RuamelYamlLoader(NativeLocalFileSystem()).load(StringIO(text))
    except (YamlError, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as ex:
        # The YAML library tells of wrong documents in several lines, and passes on what Python says of wrong scalars.
        raise ValueError(f"{path} must be YAML, but is not: {' '.join(str(ex).split())}") from ex
    return documents[0] if documents else None


def _make_config(path: Path, fields: Any) -> ProgressiveConfig:
    if not isinstance(fields, dict) or fields.pop("model_family", None) != PROGRESSIVE_FAMILY:
        raise ValueError(f"{path} must be a configuration of the family {PROGRESSIVE_FAMILY!r}, but is not.")
    defaults = dataclasses.asdict(ProgressiveConfig())
    for name, value in fields.items():
        kind = type(defaults.get(name))
        if name not in defaults or not (type(value) is kind or (kind is float and type(value) is int)):
            shown = f"{_shown(name)}: {_shown(value)}"
            raise ValueError(f"{path} holds {shown}, which is not a setting of a progressive transformer.")
        _check_number(path, name, value)
    config = ProgressiveConfig(**fields)
    result = config.validate()
    if result.has_error():
        raise ValueError(f"{path} holds settings that do not fit: {' '.join(str(result).split())}")
    if config.pad_idx >= config.vocab_size:
        raise ValueError(f"{path} must have a pad_idx below its vocab_size, but has {config.pad_idx}.")
    width = config.model_dim + config.ffn_inner_dim + config.vocab_size + config.output_dim
    positions = config.max_source_len + config.max_target_len
    layers = config.num_encoder_layers + config.num_decoder_layers + 1
    if (width * layers + positions) * config.model_dim > MAX_PARAMETERS:
        raise ValueError(f"{path} must describe a model of at most {MAX_PARAMETERS} parameters, but does not.")
    return config


def _check_number(path: Path, name: str, value: object) -> None:
    """Refuse numbers that no model can have, before anything is computed with them."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return
    lowest = 0 if name in ("pad_idx", "dropout_p") or (name.startswith("num_") and name.endswith("layers")) else 1
    if isinstance(value, float):
        lowest = 0
    highest = 1 if name == "dropout_p" else MAX_POSITIONS if name.startswith("max_") else MAX_SETTING
    if not lowest <= value <= highest:
        raise ValueError(f"{path} must hold from {lowest} to {highest} as {name}, but holds {_shown(value)}.")


def _shown(value: object) -> str:
    """Write a value of a stranger's file: in short, and Python writes no number of more than 4,300 digits."""
    try:
        shown = repr(value)
    except ValueError:
        return f"a {type(value).__name__} of very many digits"
    return shown if len(shown) <= 100 else f"{shown[:100]}..."


def _check_weights(path: Path, model: ProgressiveTransformer) -> None:
    check_size(path, MAX_WEIGHTS_SIZE)
    check_weights(path)
    wanted = {name: list(value.shape) for name, value in model.state_dict().items()}
    with safe_open(path, framework="pt") as file:
        found = {name: list(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    differing = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
    if differing:
        name = differing[0]
        raise ValueError(
            f"{path} must hold the weights of its configuration, but {len(differing)} differ; {name!r} should have the "
            f"shape {wanted.get(name)} and has {found.get(name)}."
        )
