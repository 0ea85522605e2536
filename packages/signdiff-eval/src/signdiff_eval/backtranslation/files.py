"""A back translator's folder: written whole, read with checks, and nothing in it is unpickled."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from signdiff_eval.atomic import replacing_folder, restore_folder
from signdiff_eval.backtranslation.features import PoseFeatures
from signdiff_eval.backtranslation.limits import (
    MAX_BEAMS,
    MAX_POSITIONS,
    check_config,
    check_features,
    checked_count,
)
from signdiff_eval.backtranslation.tokenizer import read_tokenizer
from signdiff_eval.console import one_line
from signdiff_eval.readers.texts import read_json

if TYPE_CHECKING:
    from pathlib import Path

    from tokenizers import Tokenizer

WEIGHTS, CONFIG, TOKENIZER, DETAILS, CARD = (
    "model.safetensors",
    "config.json",
    "tokenizer.json",
    "translator.json",
    "README.md",
)
FORMAT: Final = "signdiff-back-translator"
MAX_JSON: Final = 2**22
"""Largest JSON file that is read, in bytes."""

MAX_WEIGHTS: Final = 2**32
"""Largest file of weights that is read, in bytes."""

_BROKEN: Final = (ArithmeticError, AttributeError, ImportError, LookupError, RuntimeError, TypeError, ValueError)
"""What transformers and torch raise, among others, for configurations that no network can have."""


@dataclass(frozen=True, kw_only=True)
class Translation:
    """What a translator needs beside its network.

    Attributes:
        name: how signatures call it.
        features: from joints to the network's input.
        trained_on: SHA-256 of the training set, in hexadecimal.
        num_beams: width of the beam search.
        max_tokens: most tokens of an output.
        scores: of held-out ground truth, in percent: the translator's own ceiling.
    """

    name: str
    features: PoseFeatures
    trained_on: str
    num_beams: int
    max_tokens: int
    scores: dict[str, float]


def save(folder: Path, network: Any, tokenizer: Tokenizer, details: Translation, *, card: str) -> dict[str, int]:
    """Write a translator.

    Args:
        folder: made, or replaced if it holds a translator.
        network: a Speech2TextForConditionalGeneration; its weights are stored as float16.
        tokenizer: the network's.
        details: the rest.
        card: the model card, Markdown.

    Returns:
        Bytes of each file.

    Raises:
        FileExistsError: the folder holds other files.
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
        "name": details.name,
        "features": details.features.to_dict(),
        "trained_on": details.trained_on,
        "num_beams": details.num_beams,
        "max_tokens": details.max_tokens,
        "scores": details.scores,
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
    """Make sure that a folder can take a translator, before work is spent on it.

    Raises:
        FileExistsError: it holds files that are no translator's.
    """
    restore_folder(folder)
    ours = {WEIGHTS, CONFIG, TOKENIZER, DETAILS, CARD}
    if folder.exists() and (not folder.is_dir() or any(path.name not in ours for path in folder.iterdir())):
        raise FileExistsError(f"{folder} must be new, empty or an older translator's folder, but holds other files.")


def load(folder: Path, *, device: str) -> tuple[Any, Tokenizer, Translation, str]:
    """Read a translator.

    Whatever is wrong with a file is told in one line, with the folder's name.

    Args:
        folder: what `save` wrote.
        device: where the network is put.

    Returns:
        The network in evaluation mode, float32; its tokenizer; the rest; SHA-256 of the weights.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: a file is too large, broken, or contradicts another.
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

    from signdiff_eval.backtranslation.network import make_network

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
        raise ValueError(f"{WEIGHTS} must have the SHA-256 that {DETAILS} tells, but has {digest}.")
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
