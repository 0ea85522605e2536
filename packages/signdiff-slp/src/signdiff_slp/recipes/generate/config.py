"""The configuration of a generation run."""

from __future__ import annotations

from dataclasses import dataclass, field

from fairseq2.recipe.config import CommonSection, GangSection, GeneratorSection, ReferenceModelSection, TokenizerSection

from signdiff_slp.recipes.dataset_section import TextPoseSection


@dataclass(kw_only=True)
class GenerateConfig:
    """Holds the configuration of a generation run."""

    model: ReferenceModelSection = field(default_factory=lambda: ReferenceModelSection(name="slp_fingerspelling"))

    dataset: TextPoseSection = field(default_factory=TextPoseSection)

    split: str = "test"
    """The split whose texts are signed."""

    constant_bones: bool = True
    """If ``True``, limbs are put on the lengths that they have in the training corpus."""

    tokenizer: TokenizerSection = field(default_factory=lambda: TokenizerSection(name="slp_latin_characters"))

    gang: GangSection = field(default_factory=GangSection)

    generator: GeneratorSection = field(default_factory=GeneratorSection)

    common: CommonSection = field(default_factory=lambda: CommonSection(no_sweep_dir=True))
