r"""Write a predictor's folder from a checkpoint of its training.

python -m signdiff_frnet.training.export --checkpoint OUT/checkpoint-4000 --output_dir PREDICTOR

The options of the run, its held-out data among them, are read from OUT/training.json.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from signdiff_core.training.kit.arguments import option, parse, run
from signdiff_frnet.commands import one_line
from signdiff_frnet.training.config import PredictorTrainingConfig


@dataclass(frozen=True, kw_only=True)
class ExportConfig:
    """What to export, and where to."""

    checkpoint: str = option(help="Folder checkpoint-N within a run's folder.")
    output_dir: str = option(help="The predictor's folder, new or an older predictor's.")


def export_predictor(config: ExportConfig) -> dict[str, int]:
    """Score a checkpoint on the held-out data of its run, and save it as a predictor; bytes of each file."""
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from signdiff_frnet.training.batches import Batches
    from signdiff_frnet.training.network import StrokeUNet
    from signdiff_frnet.training.predictor_run import SETTINGS_NAME, WEIGHTS_NAME
    from signdiff_frnet.training.save import check_replaceable, save_predictor
    from signdiff_frnet.training.scores import validate
    from signdiff_frnet.training.sources import open_sources

    checkpoint, target = Path(config.checkpoint), Path(config.output_dir)
    check_replaceable(target)
    older, written = checkpoint / "model.safetensors", checkpoint.parent / SETTINGS_NAME
    try:
        settings = json.loads(written.read_text(encoding="utf-8"))
        known: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in settings.items()
        }
        options = PredictorTrainingConfig(**known)
    except (AttributeError, OSError, TypeError, ValueError) as error:
        raise ValueError(
            f"checkpoint must lie in the folder of its run, whose options {written} holds, but it cannot be read: "
            f"{one_line(error)}."
        ) from error
    network = StrokeUNet(options.block_out_channels)
    try:
        tensors = load_file(older if older.is_file() else checkpoint / WEIGHTS_NAME)
    except SafetensorError as error:
        raise ValueError(
            f"checkpoint must hold whole weights, but {checkpoint} does not: {one_line(error)}."
        ) from error
    network.load_state_dict({name.removeprefix("network."): tensor for name, tensor in tensors.items()})
    _, held_out = open_sources(options)
    scores = validate(
        network.eval(),
        Batches(held_out, options),
        samples=options.num_validation_samples,
        device=torch.device("cpu"),
    )
    return save_predictor(target, network, options, scores)


if __name__ == "__main__":
    run(lambda: print(json.dumps(export_predictor(parse(ExportConfig, description=__doc__)), indent=2)))
