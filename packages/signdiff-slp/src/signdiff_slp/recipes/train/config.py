"""The configuration of a training run, that of its loss included."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final, Literal

from fairseq2.recipe.config import (
    NOAM_LR,
    AdamWConfig,
    CommonSection,
    CosineAnnealingLRConfig,
    GangSection,
    LRSchedulerSection,
    MixedPrecisionConfig,
    ModelSection,
    NoamLRConfig,
    OptimizerSection,
    RegimeSection,
    TokenizerSection,
    TrainerSection,
)
from fairseq2.utils.validation import Validatable, ValidationResult
from typing_extensions import override

from signdiff_slp.models.progressive import PROGRESSIVE_FAMILY
from signdiff_slp.recipes.corpus import TextPoseSection

FORCED_SCORES: Final = ("pose_loss", "counter_loss", "comparable_loss")
"""What ranks checkpoints by held-out texts that are decoded with the truth at hand."""

FREE_SCORES: Final = ("dtw_mje", "dtw_ratio")
"""What ranks checkpoints by held-out texts that are decoded freely."""

_WEIGHTS: Final = (
    *("hand_weight", "wrist_weight", "velocity_weight", "bone_weight", "counter_weight", "counter_start_weight"),
    *("pose_noise", "counter_noise", "residual_noise", "lv_lambda", "loss_scale"),
)


@dataclass(kw_only=True)
class LossConfig(Validatable):
    """Holds the configuration of the loss. The default is the paper's: mean squared error, every value alike."""

    kind: Literal["mse", "l1", "smooth_l1"] = "mse"
    """Distance between standardised values. "l1" and "smooth_l1" prefer one of two likely poses to their mean."""

    beta: float = 0.1
    """Where "smooth_l1" turns from squared to absolute."""

    hand_weight: float = 1.0
    """Weight of the hands' 42 joints beside the body's 8."""

    wrist_weight: float = 1.0
    """Weight of the body's two wrists beside other joints. Hands are predicted relative to them, so a wrist carries 21
    joints; and in letters such as j and z the way of the wrist is the letter."""

    velocity_weight: float = 0.0
    """Weight of the same distance between the steps from one frame to the next."""

    counter_weight: float = 1.0
    """Weight of the squared error of the counter."""

    counter_start_weight: float = 0.0
    """Additional weight of the counter's first step, the only one that has no counters before it to copy from."""

    bone_weight: float = 0.0
    """Weight of the limbs' directions: the squared distance of unit vectors, mean over limbs."""

    lv_lambda: float = 0.0
    """The paper's ``LV_lambda``, of its Long Video loss: weight of the sum of the norms of all parameters whose name
    contains "weight". 0.01 in the paper."""

    loss_scale: float = 1.0
    """Factor of the poses' and the counter's loss, beside what ``lv_lambda`` weighs."""

    count_padding: bool = False
    """If ``True``, the loss is the mean over padded frames, too, which count as right: what the code of Progressive
    Transformers does, and what the paper's Computational Optimisation does away with."""

    pose_noise: float = 0.0
    """Standard deviation of the noise on the poses that the decoder reads, in standardised values: the paper's GN."""

    residual_noise: float = 0.0
    """Noise on these poses in units of the model's own error at each value, so that it follows what decoding will do:
    the ``noise_rate`` of Progressive Transformers, whose code has 5. Needs ``residual_statistics`` of the model."""

    counter_noise: float = 0.0
    """Standard deviation of the noise on the counters that the decoder reads."""

    @override
    def validate(self) -> ValidationResult:
        result = ValidationResult()
        if self.kind not in ("mse", "l1", "smooth_l1"):
            result.add_error(f"`kind` must be 'mse', 'l1' or 'smooth_l1', but is {self.kind!r}.")
        for name in (*_WEIGHTS, "beta"):
            if not 0.0 <= getattr(self, name) < math.inf:
                result.add_error(f"`{name}` must be at least 0, and finite, but is {getattr(self, name)}.")
        return result


@dataclass(kw_only=True)
class TrainConfig(Validatable):
    """Holds the configuration of a training run. The default trains the paper's base model."""

    model: ModelSection = field(default_factory=lambda: ModelSection(family=PROGRESSIVE_FAMILY, arch="base"))

    dataset: TextPoseSection = field(default_factory=TextPoseSection)

    tokenizer: TokenizerSection = field(default_factory=lambda: TokenizerSection(name="slp_latin_characters"))

    loss: LossConfig = field(default_factory=LossConfig)

    validate_free_decoding: bool = True
    """If ``True``, every validation also signs the held-out texts freely and scores the result."""

    gang: GangSection = field(default_factory=GangSection)

    trainer: TrainerSection = field(
        default_factory=lambda: TrainerSection(mixed_precision=MixedPrecisionConfig(mode="off"), max_grad_norm=1.0)
    )

    optimizer: OptimizerSection = field(
        default_factory=lambda: OptimizerSection(config=AdamWConfig(lr=1e-3, betas=(0.9, 0.98)))
    )

    lr_scheduler: LRSchedulerSection = field(
        default_factory=lambda: LRSchedulerSection(name=NOAM_LR, config=NoamLRConfig(num_warmup_steps=1000))
    )

    regime: RegimeSection = field(
        default_factory=lambda: RegimeSection(
            num_steps=50_000,
            score_metric="pose_loss",
            validate_every_n_steps=1000,
            checkpoint_every_n_steps=1000,
            publish_metrics_every_n_steps=100,
            keep_last_n_checkpoints=2,
        )
    )

    # Without this, a run that is resumed with a changed setting starts afresh in another folder.
    common: CommonSection = field(default_factory=lambda: CommonSection(no_sweep_dir=True))

    @override
    def validate(self) -> ValidationResult:
        result = ValidationResult()
        regime, scores, forced = self.regime, (*FORCED_SCORES, *FREE_SCORES), ", ".join(FORCED_SCORES)
        if regime.score_metric is not None and regime.score_metric not in scores:
            result.add_error(
                f"`regime.score_metric` must be one of {', '.join(scores)}, but is {regime.score_metric!r}."
            )
        if self.dataset.valid_split is None:
            for name in ("validate_at_start", "keep_best_n_checkpoints"):
                if getattr(regime, name):
                    result.add_error(f"`regime.{name}` must be left out where `dataset.valid_split` is none.")
        elif regime.score_metric in FREE_SCORES and not self.validate_free_decoding:
            result.add_error(
                f"`regime.score_metric` must be one of {forced} where `validate_free_decoding` is false, "
                f"but is {regime.score_metric!r}."
            )
        schedule, steps = self.lr_scheduler.config, regime.num_steps
        if isinstance(schedule, CosineAnnealingLRConfig) and schedule.cycle_len is None and steps is not None:
            name, warmup = "lr_scheduler.config.num_warmup_steps", schedule.num_warmup_steps
            if warmup >= steps:
                result.add_error(f"`{name}` must be below `regime.num_steps`, {steps}, but is {warmup}.")
        return result
