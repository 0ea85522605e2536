"""A trained predictor's folder, written whole or not at all."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from signdiff_core.atomic import replacing_folder, restore_folder
from signdiff_frnet.predictor_files import CONFIG_NAME, FORMAT, MODEL_NAME
from signdiff_frnet.training.card import CardFacts, frnet_settings, model_card
from signdiff_frnet.training.onnx_export import to_onnx

if TYPE_CHECKING:
    from pathlib import Path

    from signdiff_frnet.training.config import PredictorTrainingConfig
    from signdiff_frnet.training.network import StrokeUNet
    from signdiff_frnet.training.validation import Validation


def save_predictor(
    folder: Path, network: StrokeUNet, config: PredictorTrainingConfig, scores: Validation, *, processes: int = 1
) -> dict[str, int]:
    """Write ``model.onnx``, ``config.json`` with its size and SHA-256, and the model card ``README.md``.

    Args:
        folder: made, or replaced if it holds a predictor or a README alone.
        network: gives logits.
        config: the run's options.
        scores: of held-out samples.
        processes: how many trained together.

    Returns:
        Bytes of each file.

    Raises:
        FileExistsError: the folder holds other files.
        RuntimeError: the export gives other values than the network.
    """
    check_replaceable(folder)
    content = to_onnx(network)
    listed = {MODEL_NAME: {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}}
    settings = {
        "format": FORMAT,
        "format_version": 1,
        "block_out_channels": list(config.block_out_channels),
        "resolution": config.resolutions[0],
        "threshold": scores.threshold,
        "frnet": frnet_settings(config),
        "scores": scores.numbers(),
        "files": listed,
    }
    facts = CardFacts(
        parameters=sum(weights.numel() for weights in network.parameters()), validation=scores, processes=processes
    )
    files = {
        MODEL_NAME: content,
        CONFIG_NAME: (json.dumps(settings, indent=2) + "\n").encode(),
        "README.md": model_card(config, facts).encode(),
    }
    with replacing_folder(folder) as new:
        for name, data in files.items():
            (new / name).write_bytes(data)
    return {name: len(data) for name, data in files.items()}


def check_replaceable(folder: Path) -> None:
    """Make sure that a folder can take a predictor, before work is spent on it.

    Args:
        folder: may be missing.

    Raises:
        FileExistsError: it holds files that are no predictor's.
    """
    restore_folder(folder)
    ours = {MODEL_NAME, CONFIG_NAME, "README.md"}
    if folder.exists() and (not folder.is_dir() or any(path.name not in ours for path in folder.iterdir())):
        raise FileExistsError(f"{folder} must be new, empty or an older predictor's folder, but holds other files.")
