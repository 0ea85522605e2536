"""Options of the predictor's training."""

from dataclasses import dataclass
from typing import Any, Final, Literal

from signdiff_core.training.kit.arguments import RunConfig, check_numbers, option
from signdiff_frnet.parameters import DEFAULTS, FRNetParameters

DECIDING: Final = (
    *("max_train_samples", "resolutions", "dice_weight", "hand_weight", "proportion_no_reference"),
    *("proportion_reframed", "scale", "translate"),
)
"""Options that, beside FR-Net's parameters, decide data or loss, and stay as they are in a run."""


@dataclass(frozen=True, kw_only=True)
class PredictorTrainingConfig(RunConfig):
    """What ``accelerate launch -m signdiff_frnet.training.train_predictor`` takes.

    Raises:
        ValueError: a value lies outside its range.
    """

    train_data_dir: str | None = option(
        None,
        help="Folder of frames with metadata.jsonl and joints.safetensors; or with drawings/ and frames/, images or "
        "videos of the same names; or of videos, each with its .pose beside it.",
    )
    avatar_poses_dir: str | None = option(
        None,
        help="In place of train_data_dir: folder of .pose files that avatars of random looks perform meanwhile.",
    )
    validation_data_dir: str | None = option(
        None, help="Held-out data, in any form that train_data_dir takes; by default the training data."
    )
    max_train_samples: int | None = option(None, help="Train on this many samples only.")
    video_frame_step: int = option(5, help="Take one in this many frames of a video.")
    resolutions: tuple[int, ...] = option(
        (256,),
        help="Sides of the images in pixels, multiples of 64. Each step draws one; smaller ones fill larger batches.",
    )
    block_out_channels: tuple[int, ...] = option((48, 64, 96, 128, 128), help="Width of each of the network's levels.")
    threshold_method: Literal["gaussian", "mean"] = option(
        DEFAULTS.threshold_method, help="Parameter of FR-Net for the maps to predict."
    )
    block_size: int = option(DEFAULTS.block_size, help="Likewise.")
    offset: float = option(DEFAULTS.offset, help="Likewise.")
    kernel_size: int = option(DEFAULTS.kernel_size, help="Likewise.")
    detect_resolution: int = option(512, help="Side at which FR-Net looks at frames, whatever the resolution is.")
    train_batch_size: int = option(16, help="Samples of the first resolution in a batch, per process.")
    max_train_steps: int = option(4000, help="Optimizer steps.")
    learning_rate: float = option(1e-3, help="Peak learning rate.")
    lr_scheduler: Literal["cosine", "linear", "constant"] = option(
        "cosine", help="How the learning rate falls after the warm-up."
    )
    lr_warmup_steps: int = option(200, help="Steps of linear warm-up.")
    adam_weight_decay: float = option(1e-4, help="Weight decay of AdamW.")
    dice_weight: float = option(0.5, help="Weight of the soft Dice loss of the strokes, beside cross-entropy.")
    hand_weight: float = option(4.0, help="Weight of the pixels near hands in both losses; all others have 1.")
    proportion_no_reference: float = option(0.5, help="Share of the samples that get no reference map.")
    proportion_reframed: float = option(
        0.5, help="Share of the samples that are moved and scaled, by translate and scale."
    )
    scale: tuple[float, float] = option((0.75, 1.25), help="Smallest and largest scale of those samples.")
    translate: tuple[float, float] = option(
        (0.1, 0.1), help="Largest shift of those samples, horizontal and vertical, as a share of the side."
    )
    dataloader_num_workers: int = option(1, help="Threads that prepare batches ahead; 0 for none.")
    validation_steps: int = option(500, help="Steps between scores and pictures of held-out samples.")
    num_validation_samples: int = option(64, help="Held-out samples that are scored; the first few are pictured.")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_numbers(
            self,
            positive=(
                *("video_frame_step", "train_batch_size", "max_train_steps", "learning_rate"),
                *("validation_steps", "num_validation_samples"),
            ),
            not_negative=("lr_warmup_steps", "adam_weight_decay", "dice_weight", "dataloader_num_workers"),
            shares=("proportion_no_reference", "proportion_reframed"),
        )
        if (self.train_data_dir is None) == (self.avatar_poses_dir is None):
            raise ValueError("train_data_dir or avatar_poses_dir must be given, one of the two.")
        if not self.resolutions or any(side < 64 or side % 64 for side in self.resolutions):
            raise ValueError(f"resolutions must be multiples of 64, but are {self.resolutions}.")
        if len(self.block_out_channels) != 5 or min(self.block_out_channels) < 1:
            raise ValueError(f"block_out_channels must be 5 positive numbers, but are {self.block_out_channels}.")
        if len(self.scale) != 2 or not 0 < self.scale[0] <= self.scale[1] <= 4:
            raise ValueError(f"scale must be two numbers in (0, 4], the larger one last, but is {self.scale}.")
        if len(self.translate) != 2 or not all(0 <= share <= 1 for share in self.translate):
            raise ValueError(f"translate must be two numbers in [0, 1], but is {self.translate}.")
        if self.detect_resolution < 64 or self.detect_resolution % 64:
            raise ValueError(f"detect_resolution must be a multiple of 64, but is {self.detect_resolution}.")
        _ = self.parameters

    @property
    def parameters(self) -> FRNetParameters:
        """FR-Net's parameters, checked."""
        return FRNetParameters(
            threshold_method=self.threshold_method,
            block_size=self.block_size,
            offset=self.offset,
            kernel_size=self.kernel_size,
        )

    @property
    def schedule(self) -> str:
        """Transformers' name of the learning rate's schedule."""
        return "constant_with_warmup" if self.lr_scheduler == "constant" else self.lr_scheduler

    @property
    def frnet(self) -> dict[str, Any]:
        """FR-Net's parameters and the resolution at which it looks, as they are stored with a model."""
        return {**vars(self.parameters), "detect_resolution": self.detect_resolution}
