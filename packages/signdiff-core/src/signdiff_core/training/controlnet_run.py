"""The state of a training run: networks, optimizer, averages, data; saved and restored as one."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import torch
from accelerate import Accelerator
from accelerate.utils import ProjectConfiguration, set_seed
from diffusers import AutoencoderKL, ControlNetModel, DDIMScheduler, DDPMScheduler, UNet2DConditionModel
from diffusers.training_utils import EMAModel
from transformers import CLIPTextModel, CLIPTokenizer, get_scheduler

from signdiff_core.diffusion.frmap import CONFIG_NAME, FRMapper
from signdiff_core.diffusion.pipeline import SignDiffPipeline
from signdiff_core.diffusion.superimposed import superimposed
from signdiff_core.training.batches import Batch, Batches
from signdiff_core.training.checkpoints import find_checkpoint, save_checkpoint, step_of
from signdiff_core.training.conditions import ConditionCache
from signdiff_core.training.controlnet_loss import ControlNetLoss
from signdiff_core.training.frames import FrameFolder
from signdiff_core.training.validation import validation_grid, write_grid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from signdiff_core.training.controlnet_config import ControlNetConfig


class ControlNetRun:
    """Everything that a training run holds.

    Args:
        config: the run's options.

    Raises:
        OSError: base or frames cannot be read.
        ValueError: they do not fit each other.
    """

    frnet_name: Final = CONFIG_NAME

    def __init__(self, config: ControlNetConfig) -> None:
        self.config, self.output = config, Path(config.output_dir)
        self.output.mkdir(parents=True, exist_ok=True)
        self.accelerator = Accelerator(
            gradient_accumulation_steps=config.gradient_accumulation_steps,
            mixed_precision=config.mixed_precision,
            log_with=config.report_to,
            project_config=ProjectConfiguration(project_dir=config.output_dir),
        )
        set_seed(config.seed)
        base = config.pretrained_model_name_or_path
        self.tokenizer = CLIPTokenizer.from_pretrained(base, subfolder="tokenizer")
        self.vae = _load_vae(config).eval().requires_grad_(False)
        self.mapper = FRMapper(detect_resolution=config.fr_detect_resolution)
        networks = self._networks(base).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.networks = networks
        self.trained = [weights for weights in networks.parameters() if weights.requires_grad]
        self.optimizer = torch.optim.AdamW(
            self.trained,
            lr=config.learning_rate,
            betas=(0.9, config.adam_beta2),
            weight_decay=config.adam_weight_decay,
        )
        world = self.accelerator.num_processes
        decay = {"num_decay_steps": config.lr_decay_steps * world, "decay_type": "linear"}
        self.schedule = get_scheduler(
            config.lr_scheduler,
            self.optimizer,
            num_warmup_steps=config.lr_warmup_steps * world,
            num_training_steps=config.max_train_steps * world,
            scheduler_specific_kwargs=decay if config.lr_scheduler == "warmup_stable_decay" else None,
        )
        self.averages = EMAModel(self.trained, decay=config.ema_decay) if config.use_ema else None
        self.model, self.optimizer, self.schedule = self.accelerator.prepare(networks, self.optimizer, self.schedule)
        self.vae.to(self.accelerator.device)
        if self.averages:
            self.averages.to(self.accelerator.device)
            self.accelerator.register_for_checkpointing(self.averages)
        with self.accelerator.main_process_first():
            frames = self._cache(config.train_data_dir)
            self.held_out = self._cache(config.validation_data_dir) if config.validation_data_dir else frames
        self.batches = Batches(frames, self.tokenizer, config)
        self._reader = ThreadPoolExecutor(config.dataloader_num_workers) if config.dataloader_num_workers else None
        self._ahead: dict[int, Future[Batch]] = {}
        if config.report_to:
            options = {key: _plain(value) for key, value in vars(config).items() if value is not None}
            self.accelerator.init_trackers("signdiff-core", options)

    def batch(self, micro_step: int) -> Batch:
        """Make a batch, or take it from those that were read ahead."""
        world, rank = self.accelerator.num_processes, self.accelerator.process_index
        if self._reader is None:
            batch = self.batches(micro_step, rank=rank, world=world)
        else:
            for step in range(micro_step, micro_step + self.config.dataloader_num_workers + 1):
                if step not in self._ahead:
                    self._ahead[step] = self._reader.submit(self.batches, step, rank=rank, world=world)
            batch = self._ahead.pop(micro_step).result()
        device = self.accelerator.device
        return Batch(
            moments=batch["moments"].to(device, memory_format=torch.channels_last),
            control=batch["control"].to(device, memory_format=torch.channels_last),
            input_ids=batch["input_ids"].to(device),
            weight=batch["weight"].to(device),
        )

    def average(self) -> None:
        """Move the averages towards the weights, after an optimizer step."""
        if self.averages:
            self.averages.step(self.trained)

    def resume(self) -> int:
        """Restore the checkpoint that the configuration names; return its step, 0 without one."""
        name = self.config.resume_from_checkpoint
        checkpoint = find_checkpoint(name, self.output) if name else None
        if checkpoint is None:
            return 0
        self.accelerator.load_state(str(checkpoint))
        if self.averages:
            self.averages.to(self.accelerator.device)  # what is not a network is restored to the CPU
        return step_of(checkpoint)

    def save(self, step: int) -> None:
        """Write ``checkpoint-<step>`` and thin out the older ones."""
        save_checkpoint(self.accelerator, self.output, step, keep=self.config.checkpoints_total_limit)

    def pipeline(self) -> SignDiffPipeline:
        """Put a pipeline together of the averaged weights; it shares nothing with the run that goes on."""
        networks, config = self.networks, self.config
        with self._averaged():
            controlnet = _copy(networks.controlnet)
            # A locked part may be held in half precision here: it is taken from the base again.
            text_encoder = _copy(networks.text_encoder) if config.train_text_encoder else self._text_encoder()
            unet = _copy(networks.unet) if config.train_unet else self._unet()
        device = self.accelerator.device
        text_encoder, unet = (part.to(device).eval().requires_grad_(False) for part in (text_encoder, unet))
        return SignDiffPipeline(
            vae=self.vae,
            text_encoder=text_encoder,
            tokenizer=self.tokenizer,
            unet=unet,
            controlnet=controlnet,
            scheduler=DDIMScheduler.from_config(networks.scheduler.config),
        )

    def validate(self, path: Path) -> None:
        """Render some held-out frames and write them to a PNG file."""
        path.parent.mkdir(exist_ok=True)
        pipeline = self.pipeline()
        pipeline.set_progress_bar_config(disable=True)
        config = self.config
        grid = validation_grid(
            pipeline,
            self.held_out,
            images=config.num_validation_images,
            steps=config.validation_inference_steps,
            seed=config.seed,
        )
        write_grid(path, grid)

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

    def _networks(self, base: str) -> ControlNetLoss:
        config = self.config
        text_encoder, unet = self._text_encoder(), self._unet()
        controlnet = _start_from(config, unet)
        text_encoder.train(config.train_text_encoder).requires_grad_(config.train_text_encoder)
        unet.train(config.train_unet).requires_grad_(config.train_unet)
        controlnet.train()
        if config.gradient_checkpointing:
            controlnet.enable_gradient_checkpointing()
            if config.train_unet:
                unet.enable_gradient_checkpointing()
        half = {"fp16": torch.float16, "bf16": torch.bfloat16}.get(self.accelerator.mixed_precision)
        for part, trained in ((text_encoder, config.train_text_encoder), (unet, config.train_unet)):
            if half and not trained:
                part.to(half)
        self._check_hint(controlnet)
        return ControlNetLoss(
            text_encoder=text_encoder,
            unet=unet,
            controlnet=controlnet,
            scheduler=_load_scheduler(base),
            scaling_factor=self.vae.config.scaling_factor,
            shift_factor=self.vae.config.shift_factor or 0.0,
        )

    def _text_encoder(self) -> CLIPTextModel:
        return CLIPTextModel.from_pretrained(self.config.pretrained_model_name_or_path, subfolder="text_encoder")

    def _unet(self) -> UNet2DConditionModel:
        return UNet2DConditionModel.from_pretrained(self.config.pretrained_model_name_or_path, subfolder="unet")

    def _check_hint(self, controlnet: ControlNetModel) -> None:
        halvings = len(controlnet.config.conditioning_embedding_out_channels) - 1
        levels = len(self.vae.config.block_out_channels) - 1
        if halvings != levels:
            raise ValueError(
                f"conditioning_embedding_out_channels must have {levels + 1} values, one more than the autoencoder "
                f"halves a frame, but has {halvings + 1}."
            )

    def _cache(self, folder: str) -> ConditionCache:
        return ConditionCache(FrameFolder(folder), vae=self.vae, mapper=self.mapper, resolution=self.config.resolution)


def _start_from(config: ControlNetConfig, unet: UNet2DConditionModel) -> ControlNetModel:
    if config.controlnet_model_name_or_path is None:
        return superimposed(unet, conditioning_embedding_out_channels=config.conditioning_embedding_out_channels)
    controlnet = ControlNetModel.from_pretrained(config.controlnet_model_name_or_path)
    return controlnet if controlnet.config.conditioning_channels == 6 else superimposed(controlnet)


def _load_vae(config: ControlNetConfig) -> AutoencoderKL:
    if config.vae_model_name_or_path is not None:
        return AutoencoderKL.from_pretrained(config.vae_model_name_or_path)
    return AutoencoderKL.from_pretrained(config.pretrained_model_name_or_path, subfolder="vae")


def _load_scheduler(base: str) -> DDPMScheduler:
    return DDPMScheduler.from_config(DDIMScheduler.load_config(base, subfolder="scheduler"))


def _copy(part: Any) -> Any:
    twin = type(part)(part.config) if isinstance(part, CLIPTextModel) else type(part).from_config(part.config)
    twin.load_state_dict(part.state_dict())
    return twin.to(part.device, part.dtype).eval().requires_grad_(False)


def _plain(value: object) -> object:
    return str(value) if isinstance(value, tuple) else value
