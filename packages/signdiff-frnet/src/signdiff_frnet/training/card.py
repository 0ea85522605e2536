"""The model card that goes with a trained predictor."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from signdiff_frnet.training.config import PredictorTrainingConfig
    from signdiff_frnet.training.scores import Validation

_TEXT = """\
---
license: apache-2.0
tags: [sign-language, controlnet, frame-reinforcement]
library_name: signdiff-frnet
---
# FR-map predictor

Predicts SignDiff's frame-reinforcement map (FR-Net: adaptive threshold and erosion) from the OpenPose drawing of a
signer, optionally with one FR map of the same signer as a reference. A U-Net of {parameters:,} parameters, as ONNX.

```python
from signdiff_frnet import FRNetPredictor

predictor = FRNetPredictor.from_pretrained("FOLDER")
fr_map = predictor(drawing)  # or predictor(drawing, reference=map_of_the_signer)
```

## Data
{data}

The maps to predict were drawn with {frnet}.

## Training
{steps} steps of {samples} samples, with this command:

```
{command}
```

## Scores
Means over {scored}, at {side}x{side} pixels; a pixel is a stroke from a probability of {threshold} on.

| | IoU of the strokes | boundary F-score (2 pixels) |
|---|---|---|
| without a reference | {iou:.3f} | {boundary_f:.3f} |
| with a reference | {reference_iou:.3f} | {reference_boundary_f:.3f} |

`benchmarks/frnet_predictor.py` compares with a blank map and with the dilated drawing.

## Limits
- It guesses the edges that a pose makes likely. Hair, clothes and background it knows from the reference alone, and
  without one it draws what was usual in its training.
- It knows the signers, the camera and the light of its training data. A network that saw avatars only will not draw
  a real person's map; measure it on your frames before you rely on it.
- Fingers that hide each other are drawn where the drawing has them, whichever is in front.

## Responsible use
Sign language belongs to Deaf communities: what is generated from these maps should be reviewed by fluent signers
before it is shown as language, be marked as synthetic, and never show a real person without consent.

Licence: Apache-2.0.
"""


@dataclass(frozen=True, kw_only=True)
class CardFacts:
    """What a card says beyond the options of the run."""

    parameters: int
    """How many numbers the network has."""

    validation: Validation
    """Scores at the end."""

    processes: int
    """How many trained together."""


def model_card(config: PredictorTrainingConfig, facts: CardFacts) -> str:
    """Write a model card.

    Folders are named by their last part only: a card should say nothing of the machine that it was written on.

    Args:
        config: the run's options.
        facts: what came of it.

    Returns:
        Markdown with the metadata that the Hugging Face Hub reads.
    """
    scores = facts.validation
    held_out = "held-out" if config.validation_data_dir else "training"
    return _TEXT.format(
        parameters=facts.parameters,
        data=_data(config),
        frnet=", ".join(f"{name} {value}" for name, value in frnet_settings(config).items()),
        steps=config.max_train_steps,
        samples=config.train_batch_size * config.gradient_accumulation_steps * facts.processes,
        command=_command(config, facts.processes),
        scored=f"at most {config.num_validation_samples} {held_out} samples",
        side=config.resolutions[0],
        **vars(scores),
    )


def frnet_settings(config: PredictorTrainingConfig) -> dict[str, Any]:
    """FR-Net's parameters and the resolution at which it looks, as they are stored with a model."""
    return {**vars(config.parameters), "detect_resolution": config.detect_resolution}


def _data(config: PredictorTrainingConfig) -> str:
    if config.avatar_poses_dir is not None:
        return f"Avatars of random looks performed the poses of `{Path(config.avatar_poses_dir).name}`."
    return f"Frames and drawings of `{Path(str(config.train_data_dir)).name}`."


def _command(config: PredictorTrainingConfig, processes: int) -> str:
    # accelerate's own launcher starts a single process on CPUs; torchrun starts as many as it is told, anywhere.
    launch = f"torchrun --standalone --nproc_per_node {processes}" if processes > 1 else "accelerate launch"
    parts = [f"{launch} -m signdiff_frnet.training.train_predictor"]
    for field in fields(config):
        value = getattr(config, field.name)
        if value == field.default or field.name in ("resume_from_checkpoint", "overwrite_output_dir"):
            continue
        if field.name.endswith("_dir"):
            value = Path(value).name
        values = value if isinstance(value, tuple) else (value,)
        parts.append(f"    --{field.name} " + " ".join(shlex.quote(str(one)) for one in values))
    return " \\\n".join(parts)
