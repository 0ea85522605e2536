"""The model card of a trained pipeline: what it was made from, how, and what must not be expected of it."""

from __future__ import annotations

import dataclasses
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from signdiff_core.training.controlnet_config import ControlNetConfig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from signdiff_core.diffusion.folder import RendererSettings

PICTURE_NAME: Final = "validation.png"
"""The validation picture's file beside the card."""

_FOLDERS: Final = (
    "pretrained_model_name_or_path",
    "train_data_dir",
    "output_dir",
    "controlnet_model_name_or_path",
    "fr_controlnet_model_name_or_path",
    "vae_model_name_or_path",
    "tokenizer_name",
    "cache_dir",
    "validation_data_dir",
    "resume_from_checkpoint",
    "logging_dir",
)
_UNTOLD: Final = ("hub_token", "overwrite_output_dir")

_LOOKS_AT: Final = {
    "superimposed": "skeleton drawings and FR maps, superimposed in six channels (SignDiff, equation 4)",
    "openpose": "skeleton drawings alone: the first of the two ControlNets of a MultiControlNet",
    "frnet": "FR maps alone: the second of the two ControlNets of a MultiControlNet",
}
_USE: Final = {
    "superimposed": """\
from signdiff_core import SignDiffPipeline

pipe = SignDiffPipeline.from_pretrained("{name}")
images = pipe("{prompt}", image=pose{options}).images  # a pose; or image=drawings, fr_image=maps""",
    "openpose": """\
from diffusers import ControlNetModel
from signdiff_core import SignDiffPipeline

openpose = ControlNetModel.from_pretrained("{name}", subfolder="controlnet")
frnet = ControlNetModel.from_pretrained("the ControlNet of FR maps", subfolder="controlnet")
pipe = SignDiffPipeline.from_pretrained("{name}", controlnet=[openpose, frnet])
images = pipe("{prompt}", image=drawings, fr_image=maps{options}).images""",
    "frnet": """\
from diffusers import ControlNetModel
from signdiff_core import SignDiffPipeline

openpose = ControlNetModel.from_pretrained("the ControlNet of drawings", subfolder="controlnet")
frnet = ControlNetModel.from_pretrained("{name}", subfolder="controlnet")
pipe = SignDiffPipeline.from_pretrained("{name}", controlnet=[openpose, frnet])
images = pipe("{prompt}", image=drawings, fr_image=maps{options}).images""",
}


@dataclass(frozen=True, kw_only=True)
class Training:
    """What a card tells of a training run."""

    config: ControlNetConfig
    """The options, as they were given."""

    processes: int
    """How many processes trained."""

    frames: int
    """Frames in the training set."""

    steps: int
    """Optimizer steps."""

    resolution: int
    """Side of the frames in pixels."""

    learning_rate: float
    """Peak learning rate."""

    mixed_precision: str
    """Precision of the arithmetic."""

    loss: float
    """Running mean of the loss at the end."""

    prompt: str
    """One of the captions."""

    use: RendererSettings | None
    """How the base, and so what was trained of it, is rendered with."""

    frnet: Mapping[str, Any]
    """FR-Net's parameters."""

    picture: bool
    """Whether there is a validation picture."""


def command_line(config: ControlNetConfig, *, processes: int = 1) -> str:
    r"""Write the command that a configuration stands for: options other than the defaults, folders by their names.

    Args:
        config: of the run.
        processes: how many trained.

    Example:
        >>> config = ControlNetConfig(
        ...     pretrained_model_name_or_path="/models/sd15", train_data_dir="frames", output_dir="out", hub_token="x"
        ... )
        >>> print(command_line(config))
        accelerate launch -m signdiff_core.training.train_controlnet \
            --pretrained_model_name_or_path sd15 --train_data_dir frames --output_dir out
    """
    words = []
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if value == field.default or field.name in _UNTOLD:
            continue
        if isinstance(value, bool):
            words.append(f"--{field.name}" if value else f"--no-{field.name}")
        else:
            shown = [_name(value)] if field.name in _FOLDERS else value if isinstance(value, tuple) else [value]
            words.append(" ".join([f"--{field.name}", *(shlex.quote(str(part)) for part in shown)]))
    # accelerate's own launcher starts a single process on CPUs; torchrun starts as many as it is told, anywhere.
    launch = f"torchrun --standalone --nproc_per_node {processes}" if processes > 1 else "accelerate launch"
    lines, line = [f"{launch} -m signdiff_core.training.train_controlnet"], "   "
    for word in words:
        if len(line) + len(word) > 110:
            lines.append(line)
            line = "   "
        line += f" {word}"
    return " \\\n".join([*lines, line])


def write_card(folder: Path, training: Training) -> None:
    """Write ``README.md`` into a pipeline's folder.

    Args:
        folder: of the pipeline.
        training: what to tell.

    Raises:
        OSError: it cannot be written.
    """
    from huggingface_hub import ModelCard, ModelCardData

    config = training.config
    data = ModelCardData(
        base_model=None
        if Path(config.pretrained_model_name_or_path).exists()
        else _name(config.pretrained_model_name_or_path),
        library_name="diffusers",
        tags=["controlnet", "signdiff", "sign-language", "stable-diffusion", "diffusers-training"],
        inference=False,
    )
    ModelCard(f"---\n{data.to_yaml()}\n---\n\n{_text(training)}").save(folder / "README.md")


def _text(training: Training) -> str:
    config = training.config
    trained = ["the ControlNet", *(["the UNet"] if config.train_unet else [])]
    trained += ["the text encoder"] if config.train_text_encoder else []
    start = config.controlnet_model_name_or_path
    other = config.fr_controlnet_model_name_or_path
    origin = "the base's UNet" if start is None else f"`{_name(start)}`" + (f" and `{_name(other)}`" if other else "")
    total = config.train_batch_size * config.gradient_accumulation_steps * training.processes
    rows = {
        "optimizer steps": training.steps,
        "frames a step": f"{total} ({training.processes} x {config.gradient_accumulation_steps} x "
        f"{config.train_batch_size}: processes, accumulated batches, batch)",
        "resolution": training.resolution,
        "learning rate": f"{training.learning_rate:g}, {config.lr_scheduler}",
        "optimizer": "AdamW, 8 bit" if config.use_8bit_adam else "AdamW",
        "precision": training.mixed_precision,
        "moving averages": f"decay {config.ema_decay:g}" if config.use_ema else "none",
        "seed": config.seed,
        "loss at the end": f"{training.loss:.5f}",
    }
    known = training.use
    options = f", num_inference_steps={known.steps}, guidance_scale={known.guidance_scale:g}" if known else ""
    prompt = training.prompt.replace('"', "'")
    use = _USE[config.conditions].format(name=_name(config.output_dir), prompt=prompt, options=options)
    parts = [
        f"# {_name(config.output_dir)}",
        "Frames of a signer by latent diffusion, from [signdiff-core](https://pypi.org/project/signdiff-core/). "
        f"Its ControlNet looks at {_LOOKS_AT[config.conditions]}.",
        f"```python\n{use}\n```",
        "## Training",
        f"Base: `{_name(config.pretrained_model_name_or_path)}`. The ControlNet started from {origin}. Trained: "
        f"{', '.join(trained)}. Data: {training.frames} frames of `{_name(config.train_data_dir)}`.",
        f"```\n{command_line(config, processes=training.processes)}\n```",
        "Options that are not named have their defaults. A run that was resumed lists the options of its last part; "
        "folders are given by their names alone.",
        _table(("setting", "value"), rows),
    ]
    if config.conditions != "openpose":
        parts += [
            "FR maps were drawn with these parameters of FR-Net, which `frnet.json` holds; it knows no other maps.",
            _table(("FR-Net", "value"), training.frnet),
        ]
    if training.picture:
        held_out = "Frames that were not trained on" if config.validation_data_dir else "Frames of the training data"
        parts += [
            "## Validation",
            f"{held_out}: drawing, FR map, made frame, true frame.",
            f"![Rows of a drawing, a FR map, the made frame and the true frame]({PICTURE_NAME})",
        ]
    parts += [
        "## Limits",
        "The training scores nothing: measure the model on signers and poses that it has not seen. It knows the "
        "signers, clothes, cameras and poses of its data, and their captions. Fingers that move or touch each other, "
        "and faces, which carry grammar in sign languages, are what such models draw worst.",
        "## Responsible use",
        "Generated signing must be checked by fluent signers before anyone relies on it: a blurred finger can change a "
        "word. Do not use it in place of an interpreter. Say that a video is synthetic when you show it. Do not show a "
        "real person signing what they did not sign without their consent.",
        "## Licence",
        "That of the base holds, and that of the data may limit use further; neither is stated here.",
    ]
    return "\n\n".join(parts) + "\n"


def _name(value: object) -> str:
    """Give a folder's own name, and leave names on the hub as they are."""
    path = Path(str(value))
    return path.resolve().name if path.is_absolute() or path.exists() or len(path.parts) > 2 else str(value)


def _table(head: tuple[str, str], rows: Mapping[str, Any]) -> str:
    lines = [f"| {head[0]} | {head[1]} |", "|---|---|", *(f"| {key} | {value} |" for key, value in rows.items())]
    return "\n".join(lines)
