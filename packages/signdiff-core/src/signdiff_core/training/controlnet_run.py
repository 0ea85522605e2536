"""The training of a ControlNet as a run: networks, optimizer, averages and data, and how far it is."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import DDIMScheduler
from diffusers.training_utils import EMAModel

from signdiff_core.diffusion.folder import RENDERER_NAME, RendererSettings
from signdiff_core.diffusion.frmap import CONFIG_NAME, FRMapper
from signdiff_core.diffusion.pipeline import SignDiffPipeline
from signdiff_core.prepare.reader import Frames, SomeFrames, open_frames
from signdiff_core.training import results
from signdiff_core.training.conditions import Conditions, open_conditions
from signdiff_core.training.controlnet_data import CHANNELS, Batches, BatchReader
from signdiff_core.training.kit.batches import spread
from signdiff_core.training.kit.run import TrainingRun, adamw, timed
from signdiff_core.training.kit.state import RunState
from signdiff_core.training.networks import BaseParts, check_maps, copied, make_networks, own_resolution
from signdiff_core.training.options import DECIDING, DEFAULT_TRAIN_STEPS, ControlNetConfig
from signdiff_core.video.encoding import write_video


class ControlNetRun(TrainingRun[ControlNetConfig]):
    """Everything that a training run holds; `batch` makes the batch of a forward pass, and its draws.

    Raises OSError where base or frames cannot be read, ValueError where they do not fit each other.
    """

    def __init__(self, config: ControlNetConfig) -> None:
        # 1. What is cheap to check: the frames, and whether the base fits them.
        frames = _open(config.train_data_dir, "train_data_dir")
        if config.max_train_samples:
            frames = SomeFrames(frames, config.max_train_samples)
        held_out = _open(config.validation_data_dir, "validation_data_dir") if config.validation_data_dir else frames
        self.mapper = _mapper(config, frames)
        check_maps(config, self.mapper)
        self.base = BaseParts(config)
        super().__init__(config)

        # 2. The networks, and what is trained of them.
        if config.allow_tf32:
            torch.backends.cuda.matmul.allow_tf32 = True
        self.tokenizer = self.base.tokenizer()
        self.vae = self.base.vae().eval().requires_grad_(False)
        networks = make_networks(config, self.base, self.vae, mixed_precision=self.accelerator.mixed_precision)
        self.networks = networks
        self.resolution = config.resolution or own_resolution(networks.unet, self.vae)
        config.check_resolution(self.resolution)
        self.frames = len(frames)
        total = config.train_batch_size * config.gradient_accumulation_steps * self.accelerator.num_processes
        epochs = config.num_train_epochs
        self.learning_rate = config.learning_rate * (total if config.scale_lr else 1)
        trained = [weights for weights in networks.parameters() if weights.requires_grad]
        optimizer = make_optimizer(trained, config, learning_rate=self.learning_rate)
        self.averages = EMAModel(trained, decay=config.ema_decay) if config.use_ema else None
        locked = [weights for weights in networks.parameters() if not weights.requires_grad]
        self.begin(
            networks,
            optimizer,
            steps=config.max_train_steps or (ceil(self.frames * epochs / total) if epochs else DEFAULT_TRAIN_STEPS),
            schedule=config.lr_scheduler,
            warmup_steps=config.lr_warmup_steps,
            schedule_options=schedule_options(config),
            batch=config.train_batch_size,
            samples="frames",
            locked=[*self.vae.parameters(), *locked],
            tracker=config.tracker_project_name,
        )

        # 3. The data.
        self.vae.to(self.accelerator.device)
        if self.averages:
            self.averages.to(self.accelerator.device)
        made = f"drawings, FR maps and latents of {self.frames:,} frames, where they are not kept yet"
        with self.accelerator.main_process_first(), timed(made):
            conditions = self._conditions(frames)
            self.held_out = conditions if held_out is frames else self._conditions(held_out)
        self.batch = BatchReader(
            Batches(conditions, self.tokenizer, config),
            config,
            self.accelerator,
            num_train_timesteps=networks.scheduler.config.num_train_timesteps,
        )

        # 4. What checkpoints hold.
        names = ["controlnet"] if not config.train_unet else ["unet", "controlnet"]
        if config.train_text_encoder:
            names.insert(0, "text_encoder")
        self.state = RunState(
            parts={name: getattr(networks, name) for name in names},
            optimizer=self.optimizer,
            averages=self.averages,
            scaler=self.accelerator.scaler,
            extras={"log": self.losses},
            data=frames.fingerprint().hex(),
            settings={
                "conditions": config.conditions,
                "trained": names,
                "frnet": None if config.conditions == "openpose" else self.mapper.parameters,
                **self.deciding(*DECIDING),
                "resolution": self.resolution,
            },
            before={"include_face": False},
        )

    def loss(self, micro_step: int) -> torch.Tensor:
        """Compute the loss of a forward pass."""
        batch, draws = self.batch(micro_step)
        loss: torch.Tensor = self.model(batch, draws)
        return loss

    def average(self) -> None:
        """Move the averages towards the weights, after an optimizer step."""
        if self.averages:
            self.averages.step(self.trained)

    def write_beside(self, folder: Path) -> None:
        """Write FR-Net's parameters beside networks that depend on them."""
        if self.config.conditions != "openpose":
            text = json.dumps(self.mapper.parameters, indent=2) + "\n"
            (folder / CONFIG_NAME).write_text(text, encoding="utf-8")

    @property
    def use(self) -> RendererSettings | None:
        """How the base says that it is rendered with (few steps, guidance), for these frames' caption and drawings."""
        base, include_face = Path(self.config.pretrained_model_name_or_path), self.config.include_face
        if not (base / RENDERER_NAME).is_file() and not include_face:
            return None
        prompt = self.held_out.frames.rows[0].text
        return dataclasses.replace(
            RendererSettings.read(base), prompt=prompt, retarget=False, longer_neck=0.0, include_face=include_face
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
        """Render held-out frames with averaged weights to ``validation/<name>.png``, ``.mp4`` and trackers."""
        config, folder = self.config, self.output / "validation"
        if not config.num_validation_images and not config.num_validation_frames:
            return
        rows = self.held_out.frames.rows
        still = spread(len(rows), config.num_validation_images)
        clip = results.longest_clip(rows, config.num_validation_frames)
        frames, steps = len(still) + len(clip), config.validation_inference_steps
        with timed(f"validation {name}: renders {frames} frames in {steps} steps each"):
            self._validate(name, folder, still, clip, step=step)

    def _validate(self, name: str, folder: Path, still: list[int], clip: list[int], *, step: int) -> None:
        config, networks = self.config, self.networks
        folder.mkdir(exist_ok=True)
        modes = [(part, part.training) for part in (networks.text_encoder, networks.unet, networks.controlnet)]
        pipeline = self._assembled(*(part.eval() for part, _ in modes))
        pipeline.set_progress_bar_config(disable=True)
        try:
            with self._averaged(), self.accelerator.autocast():
                pictures, frames = (
                    list(
                        results.side_by_side(
                            pipeline,
                            self.held_out,
                            indices,
                            channels=CHANNELS[config.conditions],
                            steps=config.validation_inference_steps,
                            seed=config.seed,
                        )
                    )
                    for indices in (still, clip)
                )
        finally:
            for part, training in modes:
                part.train(training)
        if pictures:
            grid = np.concatenate(pictures)
            results.write_grid(folder / f"{name}.png", grid)
            results.log_picture(self.accelerator, "validation", grid, step=step)
        if frames:
            write_video(folder / f"{name}.mp4", frames, results.VIDEO_FPS)
            results.log_clip(self.accelerator, "validation_video", frames, fps=results.VIDEO_FPS, step=step)

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

    def _conditions(self, frames: Frames) -> Conditions:
        return open_conditions(
            frames,
            vae=self.vae,
            mapper=self.mapper,
            resolution=self.resolution,
            cache=self.config.cache_conditions,
            include_face=self.config.include_face,
        )


def _open(folder: str, name: str) -> Frames:
    if not Path(folder).is_dir():
        raise FileNotFoundError(f"{name} must be a folder of frames, but {folder} is none.")
    return open_frames(folder)


def _mapper(config: ControlNetConfig, frames: Frames) -> FRMapper:
    """Draw maps as the data's own were drawn, unless the configuration says otherwise."""
    given = {} if config.fr_detect_resolution is None else {"detect_resolution": config.fr_detect_resolution}
    return FRMapper(**{**(frames.frnet or {}), **given})


def make_optimizer(
    parameters: Iterable[torch.nn.Parameter], config: ControlNetConfig, *, learning_rate: float
) -> torch.optim.Optimizer:
    """Make the optimizer of the configuration; RuntimeError where 8-bit moments lack bitsandbytes."""
    return adamw(use_8bit_adam=config.use_8bit_adam)(
        parameters,
        lr=learning_rate,
        betas=(config.adam_beta1, config.adam_beta2),
        eps=config.adam_epsilon,
        weight_decay=config.adam_weight_decay,
    )


def schedule_options(config: ControlNetConfig) -> dict[str, Any] | None:
    """Give what the schedule that is asked for takes besides warm-up and steps."""
    options: dict[str, dict[str, Any]] = {
        "cosine_with_restarts": {"num_cycles": config.lr_num_cycles},
        "polynomial": {"power": config.lr_power},
        "warmup_stable_decay": {"num_decay_steps": config.lr_decay_steps, "decay_type": "linear"},
    }
    return options.get(config.lr_scheduler)
