"""The state of a training run: networks, optimizer, averages, data; saved and restored as one."""

from __future__ import annotations

import dataclasses
import json
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import DistributedType, ProjectConfiguration, set_seed
from diffusers import DDIMScheduler
from diffusers.training_utils import EMAModel

from signdiff_core.diffusion.folder import RENDERER_NAME, RendererSettings
from signdiff_core.diffusion.frmap import CONFIG_NAME, FRMapper
from signdiff_core.diffusion.pipeline import SignDiffPipeline
from signdiff_core.training.base_parts import BaseParts
from signdiff_core.training.batches import Batches
from signdiff_core.training.checkpoints import clean_up, find_checkpoint, save_checkpoint
from signdiff_core.training.conditions import open_conditions
from signdiff_core.training.controlnet_config import DEFAULT_TRAIN_STEPS
from signdiff_core.training.controlnet_networks import copied, make_networks, own_resolution
from signdiff_core.training.controlnet_reader import BatchReader
from signdiff_core.training.controlnet_start import CHANNELS, check_maps
from signdiff_core.training.frames import open_frames
from signdiff_core.training.opening import check_precision, tell_start, telling
from signdiff_core.training.optimizers import make_optimizer, make_schedule, schedule_options
from signdiff_core.training.run_state import RunState
from signdiff_core.training.some_frames import SomeFrames
from signdiff_core.training.trackers import log_clip, log_picture
from signdiff_core.training.validation import VIDEO_FPS, longest_clip, side_by_side, spread, write_grid
from signdiff_core.video import write_video

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch.optim.lr_scheduler import LambdaLR

    from signdiff_core.training.conditions import Conditions
    from signdiff_core.training.controlnet_config import ControlNetConfig
    from signdiff_core.training.frames import Frames

_SHARDED = (DistributedType.FSDP, DistributedType.DEEPSPEED, DistributedType.MEGATRON_LM)


class ControlNetRun:
    """Everything that a training run holds.

    Args:
        config: the run's options.

    Attributes:
        frames: how many frames are trained on.
        resolution: side of the frames in pixels.
        steps: optimizer steps of the whole run.
        learning_rate: peak learning rate.
        batch: makes the batch of a forward pass, and the draws for it.

    Raises:
        OSError: base or frames cannot be read.
        ValueError: they do not fit each other.
    """

    def __init__(self, config: ControlNetConfig) -> None:
        self.config, self.output = config, Path(config.output_dir)
        frames = _open(config.train_data_dir, "train_data_dir")
        if config.max_train_samples:
            frames = SomeFrames(frames, config.max_train_samples)
        held_out = _open(config.validation_data_dir, "validation_data_dir") if config.validation_data_dir else frames
        self.mapper = _mapper(config, frames)
        check_maps(config, self.mapper)
        self.base = BaseParts(config)

        tracker = None if config.report_to == "none" else config.report_to
        self.accelerator = Accelerator(
            gradient_accumulation_steps=config.gradient_accumulation_steps,
            mixed_precision=config.mixed_precision,
            log_with=tracker,
            project_config=ProjectConfiguration(
                project_dir=config.output_dir, logging_dir=str(self.output / config.logging_dir)
            ),
        )
        if self.accelerator.distributed_type in _SHARDED:
            kind = self.accelerator.distributed_type.value
            raise ValueError(f"accelerate must be configured to keep networks whole on each device, but is for {kind}.")
        check_precision(self.accelerator)
        if self.accelerator.is_main_process:
            clean_up(self.output)
        if config.allow_tf32:
            torch.backends.cuda.matmul.allow_tf32 = True
        set_seed(config.seed)
        self.tokenizer = self.base.tokenizer()
        self.vae = self.base.vae().eval().requires_grad_(False)
        networks = make_networks(config, self.base, self.vae, mixed_precision=self.accelerator.mixed_precision)
        self.networks = networks
        self.resolution = config.resolution or own_resolution(networks.unet, self.vae)
        config.check_resolution(self.resolution)
        world = self.accelerator.num_processes
        total = config.train_batch_size * config.gradient_accumulation_steps * world
        self.frames = len(frames)
        epochs = config.num_train_epochs
        self.steps = config.max_train_steps or (ceil(self.frames * epochs / total) if epochs else DEFAULT_TRAIN_STEPS)
        self.learning_rate = config.learning_rate * (total if config.scale_lr else 1)

        self.trained = [weights for weights in networks.parameters() if weights.requires_grad]
        self._own_optimizer = make_optimizer(
            self.trained, dataclasses.replace(config, learning_rate=self.learning_rate)
        )
        self.schedule = self._schedule(0)
        self.averages = EMAModel(self.trained, decay=config.ema_decay) if config.use_ema else None
        self.model, self.optimizer = self.accelerator.prepare(networks, self._own_optimizer)
        tell_start(
            self.accelerator,
            samples="frames",
            batch=config.train_batch_size,
            accumulated=config.gradient_accumulation_steps,
            steps=self.steps,
            trained=self.trained,
            locked=[
                *self.vae.parameters(),
                *(weights for weights in networks.parameters() if not weights.requires_grad),
            ],
            output=self.output,
        )
        self.vae.to(self.accelerator.device)
        if self.averages:
            self.averages.to(self.accelerator.device)
        made = f"drawings, FR maps and latents of {self.frames:,} frames, where they are not kept yet"
        with self.accelerator.main_process_first(), telling(self.accelerator, made):
            conditions = self._conditions(frames)
            self.held_out = conditions if held_out is frames else self._conditions(held_out)
        self.batch = BatchReader(
            Batches(conditions, self.tokenizer, config),
            config,
            self.accelerator,
            num_train_timesteps=networks.scheduler.config.num_train_timesteps,
        )
        if tracker:
            options = {key: _plain(value) for key, value in vars(config).items() if value is not None}
            options.pop("hub_token", None)
            self.accelerator.init_trackers(config.tracker_project_name, options)
        names = ["controlnet"] if not config.train_unet else ["unet", "controlnet"]
        if config.train_text_encoder:
            names.insert(0, "text_encoder")
        self._state = RunState(
            parts={name: getattr(networks, name) for name in names},
            optimizer=self.optimizer,
            averages=self.averages,
            scaler=self.accelerator.scaler,
            data=frames.fingerprint().hex(),
            settings={
                "conditions": config.conditions,
                "trained": names,
                "frnet": None if config.conditions == "openpose" else self.mapper.parameters,
            },
        )

    def average(self) -> None:
        """Move the averages towards the weights, after an optimizer step."""
        if self.averages:
            self.averages.step(self.trained)

    def resume(self) -> tuple[int, float]:
        """Restore the checkpoint that the configuration names.

        Returns:
            Its step and running loss; 0 and 0 without one.
        """
        name = self.config.resume_from_checkpoint
        checkpoint = find_checkpoint(name, self.output) if name else None
        if checkpoint is None:
            return 0, 0.0
        progress = self._state.read(checkpoint)
        step = int(progress["step"])
        self.schedule = self._schedule(step)
        return step, float(progress["loss"])

    def save(self, step: int, loss: float) -> None:
        """Write ``checkpoint-<step>`` and thin out the older ones."""

        def write(folder: Path) -> None:
            self.write_frnet(folder)
            self._state.write(folder, step=step, loss=loss)

        save_checkpoint(self.accelerator, self.output, step, write, keep=self.config.checkpoints_total_limit)

    def write_frnet(self, folder: Path) -> None:
        """Write FR-Net's parameters beside networks that depend on them."""
        if self.config.conditions != "openpose":
            text = json.dumps(self.mapper.parameters, indent=2) + "\n"
            (folder / CONFIG_NAME).write_text(text, encoding="utf-8")

    @property
    def use(self) -> RendererSettings | None:
        """How the base says that it is rendered with (few steps, guidance), for the caption of these frames."""
        base = Path(self.config.pretrained_model_name_or_path)
        if not (base / RENDERER_NAME).is_file():
            return None
        return dataclasses.replace(
            RendererSettings.read(base), prompt=self.held_out.frames.rows[0].text, retarget=False
        )

    def pipeline(self) -> SignDiffPipeline:
        """Put a pipeline together of the averaged weights, on the CPU; it shares no network with the run."""
        networks, config = self.networks, self.config
        with self._averaged():
            controlnet = copied(networks.controlnet)
            # A locked part may be held in half precision here: it is taken from the base again.
            text_encoder = copied(networks.text_encoder) if config.train_text_encoder else self.base.text_encoder()
            unet = copied(networks.unet) if config.train_unet else self.base.unet()
        return self._assembled(text_encoder.eval(), unet.eval(), controlnet)

    def validate(self, name: str, *, step: int) -> None:
        """Render held-out frames with the averaged weights, write picture and video, and show them in trackers.

        Args:
            name: of the files ``validation/<name>.png`` and ``.mp4``.
            step: optimizer steps so far.
        """
        config, folder = self.config, self.output / "validation"
        if not config.num_validation_images and not config.num_validation_frames:
            return
        with telling(self.accelerator, self._validation(name)):
            self._validate(name, folder, step=step)

    def _validation(self, name: str) -> str:
        """Say what a validation is."""
        config, clip = self.config, longest_clip(self.held_out.frames.rows, self.config.num_validation_frames)
        frames = min(config.num_validation_images, len(self.held_out.frames)) + len(clip)
        return f"validation {name}: renders {frames} frames in {config.validation_inference_steps} steps each"

    def _validate(self, name: str, folder: Path, *, step: int) -> None:
        config, networks = self.config, self.networks
        folder.mkdir(exist_ok=True)
        modes = [(part, part.training) for part in (networks.text_encoder, networks.unet, networks.controlnet)]
        pipeline = self._assembled(*(part.eval() for part, _ in modes))
        pipeline.set_progress_bar_config(disable=True)
        rows = self.held_out.frames.rows
        clip = longest_clip(rows, config.num_validation_frames)
        try:
            with self._averaged(), self.accelerator.autocast():
                pictures, frames = (
                    list(
                        side_by_side(
                            pipeline,
                            self.held_out,
                            indices,
                            channels=CHANNELS[config.conditions],
                            steps=config.validation_inference_steps,
                            seed=config.seed,
                        )
                    )
                    for indices in (spread(len(rows), config.num_validation_images), clip)
                )
        finally:
            for part, training in modes:
                part.train(training)
        if pictures:
            grid = np.concatenate(pictures)
            write_grid(folder / f"{name}.png", grid)
            log_picture(self.accelerator, "validation", grid, step=step)
        if frames:
            write_video(folder / f"{name}.mp4", frames, VIDEO_FPS)
            log_clip(self.accelerator, "validation_video", frames, fps=VIDEO_FPS, step=step)

    def _assembled(self, text_encoder: Any, unet: Any, controlnet: Any) -> SignDiffPipeline:
        return SignDiffPipeline(
            vae=self.vae,
            text_encoder=text_encoder,
            tokenizer=self.tokenizer,
            unet=unet,
            controlnet=controlnet,
            scheduler=DDIMScheduler.from_config(self.networks.scheduler.config),
        )

    @contextmanager
    def _averaged(self) -> Iterator[None]:
        if self.averages is None:
            yield
            return
        self.averages.store(self.trained)
        self.averages.copy_to(self.trained)
        try:
            yield
        finally:
            self.averages.restore(self.trained)

    def _schedule(self, step: int) -> LambdaLR:
        return make_schedule(
            self._own_optimizer,
            self.config.lr_scheduler,
            warmup_steps=self.config.lr_warmup_steps,
            steps=self.steps,
            step=step,
            options=schedule_options(self.config),
        )

    def _conditions(self, frames: Frames) -> Conditions:
        return open_conditions(
            frames,
            vae=self.vae,
            mapper=self.mapper,
            resolution=self.resolution,
            cache=self.config.cache_conditions,
        )


def _open(folder: str, name: str) -> Frames:
    if not Path(folder).is_dir():
        raise FileNotFoundError(f"{name} must be a folder of frames, but {folder} is none.")
    return open_frames(folder)


def _mapper(config: ControlNetConfig, frames: Frames) -> FRMapper:
    """Draw maps as the data's own were drawn, unless the configuration says otherwise."""
    given = {} if config.fr_detect_resolution is None else {"detect_resolution": config.fr_detect_resolution}
    return FRMapper(**{**(frames.frnet or {}), **given})


def _plain(value: object) -> object:
    return str(value) if isinstance(value, tuple) else value
