"""The configuration of a training run."""

from __future__ import annotations

from dataclasses import dataclass, field

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
from signdiff_slp.recipes.dataset_section import TextPoseSection
from signdiff_slp.training import FORCED_SCORES, FREE_SCORES, LossConfig


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
