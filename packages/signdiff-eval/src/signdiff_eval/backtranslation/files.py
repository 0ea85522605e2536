"""A back translator's folder: written whole, read with checks, and nothing in it is unpickled.

Its configuration may ask for a network that its weights fill, and for no code.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from signdiff_eval.atomic import replacing_folder, restore_folder
from signdiff_eval.backtranslation.features import PoseFeatures
from signdiff_eval.console import one_line
from signdiff_eval.readers.texts import read_json

if TYPE_CHECKING:
    from tokenizers import Tokenizer

WEIGHTS, CONFIG, TOKENIZER = "model.safetensors", "config.json", "tokenizer.json"
DETAILS, CARD = "translator.json", "README.md"
FORMAT: Final = "signdiff-back-translator"
MAX_JSON: Final = 2**22
"""Largest JSON file that is read, in bytes."""

MAX_WEIGHTS: Final = 2**32
"""Largest file of weights that is read, in bytes."""

MAX_POSITIONS: Final = 1 << 16
"""Most positions of an encoder or a decoder."""

MAX_BEAMS: Final = 1 << 10
"""Widest beam search."""

MAX_NUMBER: Final = 1e6
"""Largest mean or deviation of a coordinate."""

_NAMES: Final = ("auto_map", "backbone", "quantization_config", "trust_remote_code")
"""Keys under which transformers loads more than a folder's own weights."""

_SIZES: Final = (
    *("conv_channels", "d_model", "decoder_ffn_dim", "decoder_layers", "encoder_ffn_dim", "encoder_layers"),
    *("input_channels", "input_feat_per_channel", "max_source_positions", "max_target_positions", "num_conv_layers"),
    "vocab_size",
)

_BROKEN: Final = (ArithmeticError, AttributeError, ImportError, LookupError, RuntimeError, TypeError, ValueError)
"""What transformers and torch raise, among others, for configurations that no network can have."""


@dataclass(frozen=True, kw_only=True)
class Translation:
    """What a translator needs beside its network: its name in signatures, and what makes its input of joints.

    Also the SHA-256 of the training set, in hexadecimal, the width of the beam search, the most tokens of an output,
    and the scores of held-out ground truth, in percent, which are the translator's own ceiling.
    """

    name: str
    features: PoseFeatures
    trained_on: str
    num_beams: int
    max_tokens: int
    scores: dict[str, float]


def save(folder: Path, network: Any, tokenizer: Tokenizer, details: Translation, *, card: str) -> dict[str, int]:
    """Write a translator to a folder that is new, empty or a translator's, else a FileExistsError; bytes of each file.

    The network's weights (a Speech2TextForConditionalGeneration's) are stored as float16; the card is Markdown.
    """
    import torch
    from safetensors.torch import save as to_bytes

    check_replaceable(folder)
    state = {
        name: value.detach().to("cpu", torch.float16).contiguous()
        for name, value in network.state_dict().items()
        if name != "lm_head.weight"  # the embeddings once more
    }
    weights = to_bytes(state)
    described = {
        "format": FORMAT,
        "format_version": 1,
        **vars(details),
        "features": details.features.to_dict(),
        "sha256": hashlib.sha256(weights).hexdigest(),
    }
    config = network.config.to_diff_dict()
    config.pop("_name_or_path", None)
    files = {
        WEIGHTS: weights,
        CONFIG: (json.dumps(config, indent=2, sort_keys=True) + "\n").encode(),
        TOKENIZER: tokenizer.to_str(pretty=True).encode(),
        DETAILS: (json.dumps(described, indent=2) + "\n").encode(),
        CARD: card.encode(),
    }
    with replacing_folder(folder) as new:
        for name, content in files.items():
            (new / name).write_bytes(content)
    return {name: len(data) for name, data in files.items()}


def check_replaceable(folder: Path) -> None:
    """Make sure, before work is spent, that a folder can take a translator; a FileExistsError for other files."""
    restore_folder(folder)
    ours = {WEIGHTS, CONFIG, TOKENIZER, DETAILS, CARD}
    if folder.exists() and (not folder.is_dir() or any(path.name not in ours for path in folder.iterdir())):
        raise FileExistsError(f"{folder} must be new, empty or an older translator's folder, but holds other files.")


def load(folder: Path, *, device: str) -> tuple[Any, Tokenizer, Translation, str]:
    """Read what `save` wrote: the network (evaluation mode, float32), its tokenizer, the rest, SHA-256 of the weights.

    Whatever is too large, broken or contradictory is a ValueError of one line with the folder's name; a file that is
    missing a FileNotFoundError.
    """
    from safetensors import SafetensorError

    for name in (WEIGHTS, CONFIG, TOKENIZER, DETAILS):
        if not (folder / name).is_file():
            raise FileNotFoundError(f"{folder} must hold a back translator, but lacks {name}.")
    try:
        return _load(folder, device)
    except (SafetensorError, MemoryError, RecursionError, *_BROKEN) as error:
        reason = one_line(error)
        if isinstance(error, ValueError) and str(folder) in reason:
            raise ValueError(reason) from error
        raise ValueError(f"{folder} must hold a back translator, but: {reason or type(error).__name__}") from error


def _load(folder: Path, device: str) -> tuple[Any, Tokenizer, Translation, str]:
    from safetensors import SafetensorError
    from safetensors.torch import load as from_bytes
    from transformers import Speech2TextConfig

    from signdiff_eval.backtranslation.network import make_network, read_tokenizer

    described, config = _json(folder / DETAILS), _json(folder / CONFIG)
    if described.get("format") != FORMAT or described.get("format_version") != 1:
        raise ValueError(f"{DETAILS} must be of the format {FORMAT}, version 1, but is not.")
    try:
        details = Translation(
            name=str(described["name"]),
            features=PoseFeatures.from_dict(described["features"]),
            trained_on=str(described["trained_on"]),
            num_beams=checked_count("num_beams", described["num_beams"], MAX_BEAMS),
            max_tokens=checked_count("max_tokens", described["max_tokens"], MAX_POSITIONS),
            scores=dict(described["scores"]),
        )
        check_features(details.features)
    except (KeyError, TypeError) as error:
        raise ValueError(f"{DETAILS} must describe a translator, but lacks or garbles {error}.") from error
    if (size := (folder / WEIGHTS).stat().st_size) > MAX_WEIGHTS:
        raise ValueError(f"{WEIGHTS} must have at most {MAX_WEIGHTS} bytes, but has {size}.")
    weights = (folder / WEIGHTS).read_bytes()
    digest = hashlib.sha256(weights).hexdigest()
    if digest != described.get("sha256"):
        raise ValueError(f"{WEIGHTS} must have the SHA-256 that {DETAILS} states, but has {digest}.")
    tokenizer = read_tokenizer(folder / TOKENIZER)
    try:
        state = {name: value.float() for name, value in from_bytes(weights).items()}
        check_config(config, values=sum(value.numel() for value in state.values()))
        known = Speech2TextConfig.from_dict(config)
    except (SafetensorError, *_BROKEN) as error:
        raise ValueError(f"{CONFIG} must fit {WEIGHTS}, but: {error}") from error
    expected = (details.features.size, tokenizer.get_vocab_size())
    if (known.input_feat_per_channel, known.vocab_size) != expected:
        raise ValueError(
            f"{CONFIG} must have {expected[0]} features and {expected[1]} tokens, "
            f"but has {known.input_feat_per_channel} and {known.vocab_size}."
        )
    try:
        network = make_network(known)
        missing, extra = network.load_state_dict(state, strict=False)
    except _BROKEN as error:
        raise ValueError(f"{WEIGHTS} must fit {CONFIG}, but: {error}") from error
    if set(missing) - {"lm_head.weight"} or extra:
        raise ValueError(f"{WEIGHTS} must hold the network's weights, but lacks {missing} and has {extra} beside.")
    network.tie_weights()
    return network.to(device).eval().requires_grad_(False), tokenizer, details, digest


def _json(path: Path) -> dict[str, Any]:
    content = read_json(path, what="JSON", max_bytes=MAX_JSON)
    if not isinstance(content, dict):
        raise ValueError(f"{path} must hold a JSON object, but holds a {type(content).__name__}.")
    return content


def check_config(config: Mapping[str, Any], *, values: int) -> None:
    """Make sure, before memory is taken, that a configuration's network is no larger than its weights' ``values``.

    A ValueError, too, where a size is missing or is no positive integer, or where fields of the
    `transformers.Speech2TextConfig` name code on the Hub, which transformers would fetch.
    """
    for name in _SIZES:
        if type(config.get(name)) is not int or config[name] < 1:
            raise ValueError(f"{name} must be a positive integer, but is {config.get(name)!r}.")
    for name, value in config.items():
        if "_implementation" in name and ("/" in str(value) or "flash" in str(value)):
            raise ValueError(f"{name} must be one that transformers brings, but is {value!r}.")
        if name in _NAMES and value:
            raise ValueError(
                f"{name} must not be there, since it names what is loaded from elsewhere, but is {value!r}."
            )
    for name in ("max_source_positions", "max_target_positions"):
        if config[name] > MAX_POSITIONS:
            raise ValueError(f"{name} must be at most {MAX_POSITIONS}, but is {config[name]}.")
    needed = _parameters(config)
    if needed > values:
        raise ValueError(f"the network must have at most the {values} parameters of its weights, but has {needed}.")


def checked_count(name: str, value: object, most: int) -> int:
    """Give a count that is an integer from 1 to ``most``; a ValueError if it is none."""
    if type(value) is not int or not 1 <= value <= most:
        raise ValueError(f"{name} must be an integer from 1 to {most}, but is {value!r}.")
    return value


def check_features(features: PoseFeatures) -> None:
    """Make sure that what turns joints into features are numbers that coordinates can have; a ValueError if not."""
    checked_count("joints", features.joints, MAX_POSITIONS)
    checked_count("axes", features.axes, 3)
    if not 0 < features.fps <= 1000:
        raise ValueError(f"fps must be above 0 and at most 1000, but is {features.fps}.")
    for name, lowest in (("mean", -MAX_NUMBER), ("std", 0), ("velocity_std", 0)):
        for value in getattr(features, name):
            if type(value) not in (int, float) or not lowest <= value <= MAX_NUMBER:
                raise ValueError(f"{name} must be numbers from {lowest:g} to {MAX_NUMBER:g}, but has {value!r}.")


def _parameters(config: Mapping[str, Any]) -> int:
    """Count the parameters of the matrices and the convolutions."""
    width, channels, kernels = config["d_model"], config["conv_channels"], config.get("conv_kernel_sizes")
    if not isinstance(kernels, list) or not all(type(size) is int and size > 0 for size in kernels):
        raise ValueError(f"conv_kernel_sizes must be a list of positive integers, but is {kernels!r}.")
    encoder = config["encoder_layers"] * (4 * width + 2 * config["encoder_ffn_dim"])
    decoder = config["decoder_layers"] * (8 * width + 2 * config["decoder_ffn_dim"])
    count: int = width * (encoder + decoder + config["vocab_size"])
    incoming = config["input_feat_per_channel"] * config["input_channels"]
    for number, size in enumerate(kernels, start=1):
        outgoing = channels if number < len(kernels) else 2 * width
        count += incoming * outgoing * size
        incoming = channels // 2
    return count
