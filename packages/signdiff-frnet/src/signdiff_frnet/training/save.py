"""A trained predictor's folder: ONNX that OpenCV reads, settings and model card; written whole or not at all."""

import hashlib
import json
import logging
import tempfile
import warnings
from pathlib import Path
from typing import Final

import numpy as np
import torch

from signdiff_core.atomic import replacing_folder, restore_folder
from signdiff_core.training.kit.card import command_line, short_name, write_card
from signdiff_frnet.predictor import read_network
from signdiff_frnet.predictor_files import CONFIG_NAME, FORMAT, MODEL_NAME
from signdiff_frnet.training.config import PredictorTrainingConfig
from signdiff_frnet.training.network import INPUT_CHANNELS, StrokeProbability, StrokeUNet
from signdiff_frnet.training.scores import Validation

_TEMPLATE: Final = Path(__file__).with_name("predictor_card.md")
_MODULE: Final = "signdiff_frnet.training.train_predictor"
_FOLDERS: Final = ("train_data_dir", "avatar_poses_dir", "validation_data_dir")

OPSET: Final = 13
CLOSE: Final = 1e-5
"""Largest difference of the exported chances, for logits up to 1: what 32 bits round off grows with these."""

_SIZES: Final = ((64, 64), (128, 192))


def save_predictor(
    folder: Path, network: StrokeUNet, config: PredictorTrainingConfig, scores: Validation, *, processes: int = 1
) -> dict[str, int]:
    """Write ``model.onnx``, ``config.json`` with its size and SHA-256, and ``README.md``, the card; bytes of each.

    A FileExistsError if the folder holds anything but a predictor or a README, a RuntimeError if the export gives other
    values than the network.
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
        "frnet": config.frnet,
        "scores": scores.numbers(),
        "files": listed,
    }
    with replacing_folder(folder) as new:
        (new / MODEL_NAME).write_bytes(content)
        (new / CONFIG_NAME).write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
        _write_card(new, network, config, scores, processes)
        return {path.name: path.stat().st_size for path in new.iterdir()}


def _write_card(
    folder: Path, network: StrokeUNet, config: PredictorTrainingConfig, scores: Validation, processes: int
) -> None:
    held_out = "held-out" if config.validation_data_dir else "training"
    if config.avatar_poses_dir is not None:
        data = f"Avatars of random looks performed the poses of `{short_name(config.avatar_poses_dir)}`."
    else:
        data = f"Frames and drawings of `{short_name(config.train_data_dir)}`."
    write_card(
        folder,
        _TEMPLATE,
        {
            "license": "apache-2.0",
            "tags": ["sign-language", "controlnet", "frame-reinforcement"],
            "library_name": "signdiff-frnet",
        },
        parameters=f"{sum(weights.numel() for weights in network.parameters()):,}",
        data=data,
        frnet=", ".join(f"{name} {value}" for name, value in config.frnet.items()),
        steps=config.max_train_steps,
        samples=config.train_batch_size * config.gradient_accumulation_steps * processes,
        command=command_line(config, _MODULE, processes=processes, folders=_FOLDERS),
        scored=f"at most {config.num_validation_samples} {held_out} samples",
        side=config.resolutions[0],
        scores=scores,
    )


def check_replaceable(folder: Path) -> None:
    """Make sure, before work is spent, that a folder can take a predictor; a FileExistsError for other files."""
    restore_folder(folder)
    ours = {MODEL_NAME, CONFIG_NAME, "README.md"}
    if folder.exists() and (not folder.is_dir() or any(path.name not in ours for path in folder.iterdir())):
        raise FileExistsError(f"{folder} must be new, empty or an older predictor's folder, but holds other files.")


def to_onnx(network: StrokeUNet) -> bytes:
    """Export a network with its logistic function as ``.onnx``: (1, 4, H, W) to (1, 1, H, W), multiples of 64.

    The file names 64x64 pixels, but nothing in it depends on a size: there are only convolutions, sums and repeated
    pixels, and OpenCV works out all shapes from the input. Free axes in their place would be read by OpenCV as 1. A
    RuntimeError if the export gives other values under OpenCV than under torch, an ImportError without ``onnx``.
    """
    import onnx

    twin = StrokeProbability(network).eval().to("cpu", torch.float32)
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as home:
        path = Path(home, "model.onnx")
        # The exporter that OpenCV can read from is the one that torch calls legacy.
        warnings.simplefilter("ignore", DeprecationWarning)
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        torch.onnx.export(
            twin,
            (torch.zeros(1, INPUT_CHANNELS, 64, 64),),
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=["conditions"],
            output_names=["strokes"],
        )
        content = path.read_bytes()
    onnx.checker.check_model(onnx.load_from_string(content))
    _compare(twin, content)
    return content


@torch.inference_mode()
def _compare(twin: StrokeProbability, content: bytes) -> None:
    read = read_network(content)
    generator = torch.Generator().manual_seed(0)
    for size in _SIZES:
        conditions = _like_a_drawing(size, generator)
        read.setInput(conditions.numpy())
        difference = float(np.abs(read.forward() - twin(conditions).numpy()).max())
        close = CLOSE * max(1.0, float(twin.network(conditions).abs().max()))
        if not difference < close:
            raise RuntimeError(
                f"the export must equal the network to {close:.1e}, but at {size} differs by {difference:.1e}."
            )


def _like_a_drawing(size: tuple[int, int], generator: torch.Generator) -> torch.Tensor:
    """Make coloured bars on black, and black bars on white: on noise, logits of 100 hide the rounding of 32 bits."""
    conditions = torch.zeros(1, INPUT_CHANNELS, *size)
    conditions[:, -1] = 1
    for number in range(8):
        top, left = (int(torch.randint(0, side - 24, (1,), generator=generator)) for side in size)
        bar = (slice(top, top + 2 + 3 * number), slice(left, left + 24 - 3 * number))
        conditions[0, :-1, *bar] = torch.rand(3, 1, 1, generator=generator)
        conditions[0, -1, *bar[::-1]] = 0
    return conditions
