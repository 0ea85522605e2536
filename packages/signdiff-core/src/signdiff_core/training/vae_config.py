"""Options of the autoencoder's training."""

from __future__ import annotations

from dataclasses import dataclass

from signdiff_core.training.kit.arguments import RunConfig, check_numbers, option


@dataclass(frozen=True, kw_only=True)
class VAEConfig(RunConfig):
    """What ``python -m signdiff_core.training.train_vae`` can be told.

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
