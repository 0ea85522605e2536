"""A trained pipeline for others: its model card, and its way to the Hugging Face Hub."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from huggingface_hub import create_repo, upload_folder
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

from signdiff_core.training.kit.card import command_line, short_name, write_card
from signdiff_core.training.options import ControlNetConfig

PICTURE_NAME: Final = "validation.png"
"""The validation picture's file beside the card."""

_TEMPLATE: Final = Path(__file__).with_name("controlnet_card.md")
_FOLDERS: Final = (
    "pretrained_model_name_or_path",
    "train_data_dir",
    "controlnet_model_name_or_path",
    "fr_controlnet_model_name_or_path",
    "vae_model_name_or_path",
    "tokenizer_name",
    "cache_dir",
    "validation_data_dir",
)


def command_of(config: ControlNetConfig, *, processes: int = 1) -> str:
    r"""Write the command that a configuration stands for.

    Args:
        config: of the run.
        processes: how many trained.

    Example:
        >>> config = ControlNetConfig(
        ...     pretrained_model_name_or_path="/models/sd15", train_data_dir="frames", output_dir="out", hub_token="x"
        ... )
        >>> print(command_of(config))
        accelerate launch -m signdiff_core.training.train_controlnet \
            --output_dir out --pretrained_model_name_or_path sd15 --train_data_dir frames
    """
    return command_line(config, "signdiff_core.training.train_controlnet", processes=processes, folders=_FOLDERS)


def write_pipeline_card(
    folder: Path,
    config: ControlNetConfig,
    *,
    processes: int,
    prompt: str,
    use: dict[str, Any],
    frnet: dict[str, Any],
    frames: int,
    **settings: Any,
) -> None:
    """Write ``README.md`` into a pipeline's folder.

    Args:
        folder: of the pipeline.
        config: of the run.
        processes: how many trained.
        prompt: one of the captions.
        use: options with which the pipeline renders best.
        frnet: FR-Net's parameters.
        frames: how many were trained on.
        **settings: what else is told of the training, such as the steps.

    Raises:
        OSError: it cannot be written.
    """
    base = config.pretrained_model_name_or_path
    trained = ["the ControlNet", *(["the UNet"] if config.train_unet else [])]
    trained += ["the text encoder"] if config.train_text_encoder else []
    starts = (config.controlnet_model_name_or_path, config.fr_controlnet_model_name_or_path)
    total = config.train_batch_size * config.gradient_accumulation_steps * processes
    write_card(
        folder,
        _TEMPLATE,
        {
            "base_model": None if Path(base).exists() else short_name(base),
            "library_name": "diffusers",
            "tags": ["controlnet", "signdiff", "sign-language", "stable-diffusion", "diffusers-training"],
            "inference": False,
        },
        name=short_name(config.output_dir),
        conditions=config.conditions,
        prompt=prompt.replace('"', "'"),
        options="".join(f", {name}={value}" for name, value in use.items()),
        base=short_name(base),
        origin=" and ".join(f"`{short_name(start)}`" for start in starts if start) or "the base's UNet",
        trained=", ".join(trained),
        frames=frames,
        data=short_name(config.train_data_dir),
        command=command_of(config, processes=processes),
        settings={
            "frames a step": f"{total} ({processes} x {config.gradient_accumulation_steps} x "
            f"{config.train_batch_size}: processes, accumulated batches, batch)",
            "optimizer": "AdamW, 8 bit" if config.use_8bit_adam else "AdamW",
            "moving averages": f"decay {config.ema_decay:g}" if config.use_ema else "none",
            "seed": config.seed,
            **{name.replace("_", " "): value for name, value in settings.items()},
        },
        frnet=frnet,
        picture=PICTURE_NAME if config.num_validation_images else None,
        held_out="Frames that were not trained on" if config.validation_data_dir else "Frames of the training data",
    )


def repository_of(config: ControlNetConfig) -> str:
    """Name the repository that the pipeline goes to.

    Args:
        config: of the run.

    Raises:
        ValueError: it is no name of a repository.
    """
    name = config.hub_model_id or Path(config.output_dir).resolve().name
    try:
        validate_repo_id(name)
    except HFValidationError as error:
        raise ValueError(f"hub_model_id must be the name of a repository, but is {name!r}: {error}") from error
    return name


def make_repository(config: ControlNetConfig) -> str:
    """Make the repository, if it is not there, before work is spent on what it is to hold.

    Args:
        config: of the run.

    Returns:
        Its full name.

    Raises:
        ValueError: it is no name of a repository.
        OSError: the hub cannot be reached, or refuses.
    """
    name: str = create_repo(
        repository_of(config), private=config.hub_private_repo or None, token=config.hub_token, exist_ok=True
    ).repo_id
    return name


def upload(folder: Path, repository: str, *, token: str | None, steps: int) -> None:
    """Upload a saved pipeline with its card: all of its folder.

    Args:
        folder: the pipeline.
        repository: where to.
        token: of the hub.
        steps: optimizer steps, for the commit's message.

    Raises:
        OSError: the hub cannot be reached, or refuses.
    """
    upload_folder(
        repo_id=repository, folder_path=folder, token=token, commit_message=f"SignDiff pipeline after {steps} steps"
    )
