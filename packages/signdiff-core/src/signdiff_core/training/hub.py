"""The trained pipeline on the Hugging Face Hub."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from signdiff_core.training.controlnet_config import ControlNetConfig


def repository_of(config: ControlNetConfig) -> str:
    """Name the repository that the pipeline goes to.

    Args:
        config: of the run.

    Raises:
        ValueError: it is no name of a repository.
    """
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

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
    from huggingface_hub import create_repo

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
    from huggingface_hub import upload_folder

    upload_folder(
        repo_id=repository, folder_path=folder, token=token, commit_message=f"SignDiff pipeline after {steps} steps"
    )
