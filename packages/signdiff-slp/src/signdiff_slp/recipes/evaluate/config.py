"""The configuration of an evaluation."""

from __future__ import annotations

from dataclasses import dataclass, field

from fairseq2.recipe.config import CommonSection, EvaluatorSection, GangSection, ReferenceModelSection, TokenizerSection

from signdiff_slp.recipes.dataset_section import TextPoseSection


@dataclass(kw_only=True)
class EvaluateConfig:
    """Holds the configuration of an evaluation."""

    model: ReferenceModelSection = field(default_factory=lambda: ReferenceModelSection(name="slp_fingerspelling"))

    dataset: TextPoseSection = field(default_factory=TextPoseSection)

    split: str = "test"
    """The split to score on."""

    tokenizer: TokenizerSection = field(default_factory=lambda: TokenizerSection(name="slp_alphabets"))

    gang: GangSection = field(default_factory=GangSection)

    evaluator: EvaluatorSection = field(default_factory=EvaluatorSection)

    common: CommonSection = field(default_factory=lambda: CommonSection(no_sweep_dir=True))
