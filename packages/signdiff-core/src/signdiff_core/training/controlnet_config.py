"""Options of the ControlNet's training, named as in diffusers' own script where it has them."""

from __future__ import annotations

from dataclasses import dataclass

from signdiff_core.training.arguments import option


@dataclass(frozen=True, kw_only=True)
class ControlNetConfig:
    """What ``python -m signdiff_core.training.train_controlnet`` can be told.

    Raises:
        ValueError: a number lies outside its range.
    """

    pretrained_model_name_or_path: str = option(help="Base: a Stable-Diffusion-shaped folder or hub name.")
    train_data_dir: str = option(help="Frames with metadata.jsonl and joints.safetensors.")
    output_dir: str = option(help="Folder for the trained pipeline and the checkpoints.")
    controlnet_model_name_or_path: str | None = option(
        None, help="Start from this ControlNet: of six channels to go on, of three (such as OpenPose) to extend."
    )
    vae_model_name_or_path: str | None = option(None, help="Autoencoder to use in place of the base's.")
    validation_data_dir: str | None = option(None, help="Held-out frames for the validation grid.")
    conditioning_embedding_out_channels: tuple[int, ...] = option(
        (8, 16, 32), help="Hint encoder of a new ControlNet; one level per halving from pixels to latents, and one."
    )
    train_unet: bool = option(False, help="Train the UNet too (default: the base is locked, as in the paper).")
    train_text_encoder: bool = option(False, help="Train the text encoder too.")
    resolution: int = option(256, help="Side of the frames in pixels.")
    train_batch_size: int = option(8, help="Frames in a batch, per process.")
    crop_probability: float = option(
        0.0,
        help="Share of the steps that see crops around hands and heads, as many as cost as much as whole frames.",
    )
    crop_targets: tuple[str, ...] = option(("hands", "head"), help="Crops are around one of these.")
    crop_sizes: tuple[int, ...] = option((128,), help="Sides of such crops in pixels; each step takes one of them.")
    frame_scales: tuple[int, ...] = option(
        (1,),
        help="Reduce whole frames by one of these factors, and take its square times as many: captions are "
        "learned from many frames, whatever their size.",
    )
    max_train_steps: int = option(20000, help="Optimizer steps.")
    gradient_accumulation_steps: int = option(1, help="Batches per optimizer step.")
    gradient_checkpointing: bool = option(False, help="Trade time for memory.")
    learning_rate: float = option(1e-5, help="Peak learning rate.")
    lr_scheduler: str = option("constant_with_warmup", help="Schedule, by transformers' names.")
    lr_warmup_steps: int = option(500, help="Steps of warm-up.")
    lr_decay_steps: int = option(1000, help="Last steps, in which the schedule warmup_stable_decay falls to 0.")
    adam_weight_decay: float = option(1e-2, help="Weight decay.")
    adam_beta2: float = option(0.999, help="Decay of AdamW's second moment.")
    max_grad_norm: float = option(1.0, help="Gradients are cut to this norm.")
    use_ema: bool = option(True, help="Keep moving averages of the weights; they are what is saved at the end.")
    ema_decay: float = option(0.9995, help="Decay of the moving averages, approached from below.")
    mixed_precision: str = option("no", help="no, fp16 or bf16.")
    proportion_empty_prompts: float = option(0.05, help="Share of the captions that are dropped.")
    proportion_no_fr: float = option(0.15, help="Share of the frames without FR map (all zero).")
    proportion_neutral_fr: float = option(0.5, help="Share of the frames with the neutral signer's FR map.")
    proportion_last_timestep: float = option(
        0.3, help="Share of the frames at the noisiest timestep, where everything comes from the conditions."
    )
    detail_loss_weight: float = option(4.0, help="Weight of the loss where hands and head are, against 1 elsewhere.")
    fr_detect_resolution: int = option(512, help="Side at which FR-Net looks at a frame, in pixels.")
    dataloader_num_workers: int = option(0, help="Threads that read batches ahead; 0 reads in step.")
    checkpointing_steps: int = option(500, help="Steps between checkpoints.")
    checkpoints_total_limit: int = option(2, help="Checkpoints that are kept.")
    resume_from_checkpoint: str | None = option(None, help="A checkpoint's folder, or latest.")
    validation_steps: int = option(1000, help="Steps between validation grids.")
    num_validation_images: int = option(6, help="Frames of a grid; 0: none.")
    validation_inference_steps: int = option(6, help="Denoising steps for a grid.")
    report_to: str | None = option(None, help="Tracker of accelerate, such as tensorboard.")
    seed: int = option(0, help="Seed of all randomness.")

    def __post_init__(self) -> None:
        for name in (
            "crop_probability",
            "proportion_empty_prompts",
            "proportion_no_fr",
            "proportion_neutral_fr",
            "proportion_last_timestep",
        ):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie in [0, 1], but is {getattr(self, name)}.")
        if self.proportion_no_fr + self.proportion_neutral_fr > 1:
            raise ValueError(
                "proportion_no_fr and proportion_neutral_fr must add up to 1 at most, but are "
                f"{self.proportion_no_fr} and {self.proportion_neutral_fr}."
            )
        if not self.crop_targets or set(self.crop_targets) - {"hands", "head"}:
            raise ValueError(f"crop_targets must name hands, head or both, but are {self.crop_targets}.")
        if not self.crop_sizes or any(not 0 < side <= self.resolution or side % 32 for side in self.crop_sizes):
            raise ValueError(f"crop_sizes must be multiples of 32 up to {self.resolution}, but are {self.crop_sizes}.")
        if not self.frame_scales or any(scale < 1 or self.resolution % scale for scale in self.frame_scales):
            raise ValueError(f"frame_scales must divide the resolution, but are {self.frame_scales}.")
        if self.detail_loss_weight <= 0:
            raise ValueError(f"detail_loss_weight must be positive, but is {self.detail_loss_weight}.")
