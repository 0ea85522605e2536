"""What a run leaves for people to look at: pictures and a video of how far it is, a model card, a place on the hub."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BytesIO
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
import torch
from accelerate import Accelerator
from huggingface_hub import create_repo, upload_folder
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]
from numpy.typing import NDArray
from PIL import Image

from signdiff_core.atomic import replacing
from signdiff_core.prepare.reader import Row
from signdiff_core.training.conditions import NEUTRAL, Conditions
from signdiff_core.training.kit.card import command_line, short_name, write_card
from signdiff_core.training.options import ControlNetConfig

if TYPE_CHECKING:
    from signdiff_core.diffusion.pipeline import SignDiffPipeline

_SEARCHED: Final = 4096
"""Rows among which a clip is looked for: data sets may have millions."""

VIDEO_FPS: Final = 12.0
"""Frames per second of a validation's video, whatever its clip had: data sets keep some frames of a clip."""

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


def longest_clip(rows: Sequence[Row], count: int) -> list[int]:
    """Choose frames of one clip (one motion with one caption), in order: the first `count` of the longest.

    Example:
        >>> from signdiff_core.prepare.reader import Row
        >>> clip = [("b", 1), ("a", 7), ("a", 3), ("a", 5)]
        >>> rows = [Row(file_name="", text="", joints=0, pose_id=pose, frame=frame) for pose, frame in clip]
        >>> longest_clip(rows, 2)
        [2, 3]
    """

    def clip(index: int) -> tuple[str, str]:
        return rows[index].pose_id, rows[index].text

    searched = range(min(len(rows), _SEARCHED))
    clips = [list(indices) for _, indices in groupby(sorted(searched, key=clip), key=clip)]
    longest = max(clips, key=lambda indices: (len(indices), -indices[0]))
    return sorted(longest, key=lambda index: rows[index].frame)[:count]


@torch.no_grad()
def side_by_side(
    pipeline: SignDiffPipeline,
    conditions: Conditions,
    indices: Sequence[int],
    *,
    channels: slice,
    steps: int,
    seed: int,
) -> Iterator[NDArray[np.uint8]]:
    """Render frames from drawing, neutral FR map, or both: (H, 4 W, 3) uint8 RGB, c | d | made | true.

    `channels` are those of the six (c then d) that the ControlNet looks at; all frames share the noise.
    """
    for index in indices:
        control = conditions.control(index, NEUTRAL).transpose(1, 2, 0)
        seen = [
            np.ascontiguousarray(part) for part in np.split(control[..., channels], pipeline.num_conditions, axis=-1)
        ]
        options: dict[str, Any] = {"fr_image": [seen[1]]} if len(seen) > 1 else {}
        made, _ = pipeline(
            conditions.frames.rows[index].text,
            image=[seen[0]],
            num_inference_steps=steps,
            guidance_scale=1.0,
            generator=torch.Generator().manual_seed(seed),
            output_type="np",
            return_dict=False,
            **options,
        )
        truth = conditions.frames.image(index, conditions.resolution)
        yield np.concatenate(
            [control[..., :3], control[..., 3:], np.rint(made[0] * 255).astype(np.uint8), truth], axis=1
        )


def write_grid(path: Path, grid: NDArray[np.uint8]) -> None:
    """Write a picture as PNG, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(cv2.imencode(".png", grid[..., ::-1])[1].tobytes())


def log_picture(accelerator: Accelerator, name: str, picture: NDArray[np.uint8], *, step: int) -> None:
    """Show a picture, (H, W, 3) uint8 RGB, in the run's trackers, TensorBoard or W&B, if any."""
    for tracker in accelerator.trackers:
        if tracker.name == "tensorboard":
            tracker.log_images({name: picture[None]}, step=step, dataformats="NHWC")
        elif tracker.name == "wandb":
            tracker.log_images({name: [picture]}, step=step)


def log_clip(
    accelerator: Accelerator, name: str, frames: Sequence[NDArray[np.uint8]], *, fps: float, step: int
) -> None:
    """Show frames, (H, W, 3) uint8 RGB of one size, as a clip in TensorBoard, which plays GIFs, if it is there."""
    boards = [tracker for tracker in accelerator.trackers if tracker.name == "tensorboard"]
    if not boards:
        return
    # torch's own add_video does the same by way of moviepy, which nothing else here needs.
    from tensorboard.compat.proto.summary_pb2 import Summary  # type: ignore[import-untyped]

    first, *others = (Image.fromarray(frame) for frame in frames)
    animation = BytesIO()
    first.save(
        animation, format="GIF", save_all=True, append_images=others, duration=round(1000 / fps), loop=0, optimize=False
    )
    image = Summary.Image(
        height=first.height, width=first.width, colorspace=3, encoded_image_string=animation.getvalue()
    )
    for board in boards:
        board.writer.file_writer.add_summary(Summary(value=[Summary.Value(tag=name, image=image)]), step)
        board.writer.flush()


def command_of(config: ControlNetConfig, *, processes: int = 1) -> str:
    r"""Write the command that a configuration stands for.

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

    `prompt` is one of the captions, `use` holds options with which the pipeline renders best, `frnet` FR-Net's
    parameters, and `settings` what else to say of the training, such as the steps.
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
        place=repository_of(config) if config.push_to_hub else f"{short_name(config.output_dir)}/pipeline",
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
    """Name the repository that the pipeline goes to; ValueError where that is no name of one."""
    name = config.hub_model_id or Path(config.output_dir).resolve().name
    try:
        validate_repo_id(name)
    except HFValidationError as error:
        raise ValueError(f"hub_model_id must be the name of a repository, but is {name!r}: {error}") from error
    return name


def make_repository(config: ControlNetConfig) -> str:
    """Make the repository before work is spent, if it is not there, and give its full name.

    Raises ValueError where it is no name of a repository, OSError where the hub cannot be reached, or refuses.
    """
    name: str = create_repo(
        repository_of(config), private=config.hub_private_repo or None, token=config.hub_token, exist_ok=True
    ).repo_id
    return name


def upload(folder: Path, repository: str, *, token: str | None, steps: int) -> None:
    """Upload a saved pipeline's folder with its card; OSError where the hub cannot be reached, or refuses."""
    upload_folder(
        repo_id=repository, folder_path=folder, token=token, commit_message=f"SignDiff pipeline after {steps} steps"
    )
