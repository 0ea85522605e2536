"""Options of the trainings; those of the ControlNet are named as in diffusers' own script where it has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from signdiff_core.training.kit.arguments import RunConfig, check_numbers, option

DEFAULT_TRAIN_STEPS: Final = 20000
"""Optimizer steps where neither steps nor epochs are given."""

DIFFUSERS_ONLY: Final = {
    "dataset_name": "frames are a folder, --train_data_dir, as signdiff prepare-frames makes it",
    "dataset_config_name": "frames are a folder, --train_data_dir, as signdiff prepare-frames makes it",
    "image_column": "a line of metadata.jsonl names the frame as file_name",
    "conditioning_image_column": "drawings are made of the joints, and FR maps of the frames",
    "caption_column": "a line of metadata.jsonl tells the caption as text",
    "image_interpolation_mode": "frames are made smaller by averaging and larger by cubic interpolation",
    "validation_prompt": "validation shows frames of --validation_data_dir with their captions",
    "validation_image": "validation shows frames of --validation_data_dir with their drawings and FR maps",
    "enable_xformers_memory_efficient_attention": "torch's own attention is as lean, and is always on",
    "enable_npu_flash_attention": "torch's own attention is always on",
}
"""Flags of diffusers' own script that are not here, and what is in their place."""

_POSITIVE: Final = (
    "resolution",
    "train_batch_size",
    "max_train_steps",
    "num_train_epochs",
    "max_train_samples",
    "fr_detect_resolution",
    "validation_steps",
    "validation_inference_steps",
    "lr_num_cycles",
    "learning_rate",
    "detail_loss_weight",
)
_NOT_NEGATIVE: Final = (
    "lr_warmup_steps",
    "lr_decay_steps",
    "dataloader_num_workers",
    "num_validation_images",
    "num_validation_frames",
)
_SHARES: Final = (
    "crop_probability",
    "proportion_empty_prompts",
    "proportion_no_fr",
    "proportion_neutral_fr",
    "proportion_last_timestep",
)


DECIDING: Final = (
    "crop_probability",
    "crop_targets",
    "crop_sizes",
    "frame_scales",
    *_SHARES[1:],
    "detail_loss_weight",
    "include_face",
)
"""Options of the ControlNet's training that decide its data or its loss, and stay as they are in a run."""


@dataclass(frozen=True, kw_only=True)
class ControlNetConfig(RunConfig):
    """Options of ``python -m signdiff_core.training.train_controlnet``.

    Raises:
        ValueError: a number lies outside its range, or options contradict each other.
    """

    pretrained_model_name_or_path: str = option(help="Base: a Stable-Diffusion-shaped folder or hub name.")
    train_data_dir: str = option(help="Frames with metadata.jsonl and joints.safetensors.")
    conditions: Literal["superimposed", "openpose", "frnet"] = option(
        "superimposed",
        help="What the ControlNet looks at. superimposed: drawings and FR maps, in six channels (the paper's network). "
        "openpose, frnet: drawings alone, or FR maps alone, in three: the two of a MultiControlNet.",
    )
    include_face: bool = option(
        False,
        help="Draw eyes, ears and face, too, on data with --skeleton body_hands_face; the pipeline's folder says so.",
    )
    controlnet_model_name_or_path: str | None = option(
        None,
        help="Start from this ControlNet: one of the same number of channels, or for superimposed one of "
        "three (such as OpenPose) to extend.",
    )
    fr_controlnet_model_name_or_path: str | None = option(
        None, help="For superimposed, beside one of three channels: a second one, through which FR maps enter."
    )
    vae_model_name_or_path: str | None = option(None, help="Autoencoder to use in place of the base's.")
    tokenizer_name: str | None = option(None, help="Tokenizer to use in place of the base's: a folder or hub name.")
    revision: str | None = option(None, help="Revision of the base on the hub.")
    variant: str | None = option(None, help="Variant of the base's weight files, such as fp16.")
    cache_dir: str | None = option(None, help="Folder for downloads; by default the hub's own.")
    validation_data_dir: str | None = option(None, help="Held-out frames for validation; by default those of training.")
    conditioning_embedding_out_channels: tuple[int, ...] | None = option(
        None,
        help="Hint encoder of a new ControlNet: one level per halving from pixels to latents, and one. By default 16 "
        "32 96 256 for autoencoders of four levels such as Stable Diffusion's; for others 8, doubled level by level.",
    )
    train_unet: bool = option(False, help="Train the UNet too (default: the base is locked, as in the paper).")
    train_text_encoder: bool = option(False, help="Train the text encoder too.")
    resolution: int | None = option(
        None, help="Side of the frames in pixels, a multiple of 64; by default the base's own, 512 for SD 1.5."
    )
    train_batch_size: int = option(4, help="Frames in a batch, per process.")
    cache_conditions: bool = option(
        True,
        help="Keep drawings, FR maps and latents beside the frames, 3.5 bytes a pixel for Stable Diffusion 1.5's "
        "autoencoder, 6.25 for the bundled base's; without it they are made as they are read.",
    )
    max_train_samples: int | None = option(None, help="Train on that many frames only, spread over the data.")
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
    num_train_epochs: int | None = option(None, help="Passes through the frames; max_train_steps takes precedence.")
    max_train_steps: int | None = option(
        None, help=f"Optimizer steps; by default those of num_train_epochs, or {DEFAULT_TRAIN_STEPS} without it."
    )
    gradient_checkpointing: bool = option(False, help="Trade time for memory.")
    learning_rate: float = option(1e-5, help="Peak learning rate.")
    scale_lr: bool = option(False, help="Multiply it by processes, accumulation steps and batch size.")
    lr_scheduler: Literal[
        "constant",
        "constant_with_warmup",
        "linear",
        "cosine",
        "cosine_with_restarts",
        "polynomial",
        "warmup_stable_decay",
    ] = option("constant_with_warmup", help="Schedule of the learning rate.")
    lr_warmup_steps: int = option(500, help="Steps of warm-up.")
    lr_num_cycles: int = option(1, help="Cycles of cosine_with_restarts.")
    lr_power: float = option(1.0, help="Power of polynomial.")
    lr_decay_steps: int = option(1000, help="Last steps, in which the schedule warmup_stable_decay falls to 0.")
    use_8bit_adam: bool = option(False, help="AdamW with moments of 8 bits; needs the package bitsandbytes.")
    adam_beta1: float = option(0.9, help="Decay of AdamW's first moment.")
    adam_beta2: float = option(0.999, help="Decay of AdamW's second moment.")
    adam_weight_decay: float = option(1e-2, help="Weight decay.")
    adam_epsilon: float = option(1e-8, help="AdamW's epsilon.")
    set_grads_to_none: bool = option(True, help="Free gradients between steps, in place of setting them to zero.")
    use_ema: bool = option(True, help="Keep moving averages of the weights; they are what is saved at the end.")
    ema_decay: float = option(0.9995, help="Decay of the moving averages, approached from below.")
    allow_tf32: bool = option(False, help="Let GPUs multiply single precision with TF32.")
    proportion_empty_prompts: float = option(0.05, help="Share of the captions that are dropped.")
    proportion_no_fr: float = option(0.15, help="Share of the frames without FR map (all zero).")
    proportion_neutral_fr: float = option(0.5, help="Share of the frames with the neutral signer's FR map.")
    proportion_last_timestep: float = option(
        0.3, help="Share of the frames at the noisiest timestep, where everything comes from the conditions."
    )
    detail_loss_weight: float = option(4.0, help="Weight of the loss where hands and head are, against 1 elsewhere.")
    fr_detect_resolution: int | None = option(
        None, help="Side at which FR-Net looks at a frame, in pixels; by default that of the data's own maps, or 512."
    )
    dataloader_num_workers: int = option(0, help="Threads that read batches ahead; 0 reads in step.")
    validation_steps: int = option(1000, help="Steps between validations.")
    num_validation_images: int = option(6, help="Frames of a validation's picture; 0: none.")
    num_validation_frames: int = option(16, help="Frames of a validation's video, at most; 0: none.")
    validation_inference_steps: int = option(6, help="Denoising steps of a validation.")
    tracker_project_name: str = option("train_controlnet", help="Name of the run for the tracker.")
    push_to_hub: bool = option(
        False,
        help="Upload the trained pipeline to the Hugging Face Hub at the end, with its validation picture, which shows "
        "frames of the data.",
    )
    hub_private_repo: bool = option(False, help="If the repository must be made, make it private.")
    hub_model_id: str | None = option(None, help="Repository to upload to; by default named as output_dir.")
    hub_token: str | None = option(None, help="Token of the hub; by default the one of huggingface-cli login.")

    def __post_init__(self) -> None:
        super().__post_init__()
        below_one = ("adam_beta1", "adam_beta2", "ema_decay")
        check_numbers(self, positive=_POSITIVE, not_negative=_NOT_NEGATIVE, shares=_SHARES, below_one=below_one)
        if self.proportion_no_fr + self.proportion_neutral_fr > 1:
            raise ValueError(
                "proportion_no_fr and proportion_neutral_fr must add up to 1 at most, but are "
                f"{self.proportion_no_fr} and {self.proportion_neutral_fr}."
            )
        if not self.crop_targets or set(self.crop_targets) - {"hands", "head"}:
            raise ValueError(f"crop_targets must name hands, head or both, but are {self.crop_targets}.")
        if self.fr_controlnet_model_name_or_path and (
            self.conditions != "superimposed" or not self.controlnet_model_name_or_path
        ):
            raise ValueError(
                "fr_controlnet_model_name_or_path must come with controlnet_model_name_or_path and the conditions "
                f"superimposed, but came with {self.controlnet_model_name_or_path} and {self.conditions}."
            )
        if self.include_face and self.conditions == "frnet":
            raise ValueError("include_face must come with conditions that have drawings, but came with frnet.")
        if self.fr_detect_resolution is not None and self.fr_detect_resolution <= 32:
            raise ValueError(f"fr_detect_resolution must be above 32, but is {self.fr_detect_resolution}.")
        if self.resolution is not None:
            self.check_resolution(self.resolution)

    def check_resolution(self, resolution: int) -> None:
        """Raise ValueError where crops or reduced frames do not fit frames of so many pixels a side."""
        if resolution % 64:
            raise ValueError(f"resolution must be a multiple of 64, but is {resolution}.")
        sizes = self.crop_sizes if self.crop_probability else ()
        if (
            not self.crop_sizes
            or any(side <= 0 or side % 32 for side in self.crop_sizes)
            or max((*sizes, 0)) > resolution
        ):
            raise ValueError(f"crop_sizes must be multiples of 32 up to {resolution}, but are {self.crop_sizes}.")
        if not self.frame_scales or any(scale < 1 or resolution % scale for scale in self.frame_scales):
            raise ValueError(f"frame_scales must divide {resolution}, but are {self.frame_scales}.")


@dataclass(frozen=True, kw_only=True)
class VAEConfig(RunConfig):
    """Options of ``python -m signdiff_core.training.train_vae``.

    Raises:
        ValueError: a number lies outside its range.
    """

    pretrained_model_name_or_path: str = option(help="Base folder or hub name; its subfolder vae is the start.")
    train_data_dir: str = option(help="Frames with metadata.jsonl.")
    validation_data_dir: str | None = option(None, help="Held-out frames; none: the training frames.")
    resolution: int = option(256, help="Side of the frames in pixels.")
    crop_sizes: tuple[int, ...] = option(
        (96, 192), help="Sides of the crops in pixels; each step takes one of them, with as many pixels in all."
    )
    train_batch_size: int = option(4, help="Crops of the first size in a batch, per process.")
    hand_crop_probability: float = option(0.7, help="Share of the crops that are centred on a hand.")
    max_train_steps: int = option(3000, help="Optimizer steps.")
    learning_rate: float = option(4e-4, help="Peak learning rate; it falls to 0 along a cosine.")
    lr_warmup_steps: int = option(100, help="Steps of linear warm-up.")
    gradient_weight: float = option(1.0, help="Weight of the L1 loss on horizontal and vertical differences.")
    kl_weight: float = option(1e-5, help="Weight of the KL divergence, averaged over the latent's values.")
    num_validation_images: int = option(64, help="Frames that measure the result.")

    def __post_init__(self) -> None:
        super().__post_init__()
        positive = ("resolution", "train_batch_size", "max_train_steps", "learning_rate")
        check_numbers(self, positive=positive, shares=("hand_crop_probability",))
        if any(size > self.resolution or size % 32 for size in self.crop_sizes):
            raise ValueError(f"crop_sizes must be multiples of 32 up to {self.resolution}, but are {self.crop_sizes}.")


@dataclass(frozen=True, kw_only=True)
class DetailConfig(RunConfig):
    """Options of ``python -m signdiff_core.training.train_detail``.

    Raises:
        ValueError: a number lies outside its range.
    """

    pretrained_model_name_or_path: str = option(help="Folder or hub name of the pipeline whose frames are made sharp.")
    train_data_dir: str = option(help="Frames with metadata.jsonl and joints.safetensors, as large as --resolution.")
    validation_data_dir: str | None = option(None, help="Held-out frames; none: the training frames.")
    detail_model_name_or_path: str | None = option(None, help="Start from this network, in place of a new one.")
    block_out_channels: tuple[int, ...] = option((48, 64, 96, 128), help="Channels of a new one, finest level first.")
    resolution: int = option(512, help="Side of the frames in pixels: a multiple of the pipeline's own.")
    include_face: bool = option(False, help="Draw eyes, ears and face; as the pipeline was trained.")
    crop_size: int = option(128, help="Side of the crops in pixels, a multiple of 32.")
    proportion_anywhere: float = option(0.1, help="Share of the crops that are anywhere, not at hands or head.")
    proportion_no_fr: float = option(0.1, help="Share of the crops without FR map (all zero).")
    proportion_neutral_fr: float = option(0.8, help="Share of the crops with the neutral signer's FR map.")
    train_batch_size: int = option(8, help="Crops in a batch, per process.")
    max_train_steps: int = option(4000, help="Optimizer steps.")
    learning_rate: float = option(1e-3, help="Peak learning rate; it falls to 0 along a cosine.")
    lr_warmup_steps: int = option(50, help="Steps of linear warm-up.")
    ema_decay: float = option(0.998, help="Decay of the moving averages of the weights, which are what is saved.")
    gradient_weight: float = option(0.5, help="Weight of the L1 loss on horizontal and vertical differences.")
    dataloader_num_workers: int = option(0, help="Threads that read batches ahead; 0 reads in step.")
    num_validation_images: int = option(64, help="Frames that measure the result.")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_numbers(
            self,
            positive=("resolution", "train_batch_size", "max_train_steps", "learning_rate", "num_validation_images"),
            not_negative=("lr_warmup_steps", "dataloader_num_workers"),
            shares=("proportion_anywhere", "proportion_no_fr", "proportion_neutral_fr"),
            below_one=("ema_decay",),
        )
        if self.crop_size < 32 or self.crop_size % 32 or self.crop_size > self.resolution:
            raise ValueError(f"crop_size must be a multiple of 32 up to {self.resolution}, but is {self.crop_size}.")
        if self.proportion_no_fr + self.proportion_neutral_fr > 1:
            raise ValueError(
                "proportion_no_fr and proportion_neutral_fr must add up to 1 at most, but are "
                f"{self.proportion_no_fr} and {self.proportion_neutral_fr}."
            )
