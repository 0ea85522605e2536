"""The configuration of a generation run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from fairseq2.recipe.config import CommonSection, GangSection, GeneratorSection, ReferenceModelSection, TokenizerSection
from fairseq2.utils.validation import Validatable, ValidationResult
from typing_extensions import override

from signdiff_slp.recipes.dataset_section import TextPoseSection


@dataclass(kw_only=True)
class GenerateConfig(Validatable):
    """Holds the configuration of a generation run."""

    model: ReferenceModelSection = field(default_factory=lambda: ReferenceModelSection(name="slp_fingerspelling"))

    dataset: TextPoseSection = field(default_factory=TextPoseSection)

    split: str = "test"
    """The split whose texts are signed."""

    protocol: Literal["free", "gt-timing"] = "free"
    """"free" decodes from texts alone. "gt-timing" is what the literature does: the decoder is told the true first
    frame, the counter of every frame, and so the length. The mark of the poses says which, and scores carry it."""

    frames_per_step: int = 1
    """How many frames are taken at a time from a model with future prediction."""

    speed: float = 1.0
    """2 signs twice as fast, 0.5 half as fast."""

    constant_bones: bool | None = None
    """Whether limbs are put on their median lengths in the training corpus; by default as the model says."""

    tokenizer: TokenizerSection = field(default_factory=lambda: TokenizerSection(name="slp_alphabets"))

    gang: GangSection = field(default_factory=GangSection)

    generator: GeneratorSection = field(default_factory=GeneratorSection)

    common: CommonSection = field(default_factory=lambda: CommonSection(no_sweep_dir=True))

    @override
    def validate(self) -> ValidationResult:
        result = ValidationResult()
        if self.protocol not in ("free", "gt-timing"):
            result.add_error(f"`protocol` must be 'free' or 'gt-timing', but is {self.protocol!r}.")
        if self.protocol == "gt-timing" and (self.frames_per_step, self.speed) != (1, 1.0):
            result.add_error("`frames_per_step` and `speed` must be 1 with the protocol 'gt-timing'.")
        if self.frames_per_step < 1:
            result.add_error(f"`frames_per_step` must be at least 1, but is {self.frames_per_step}.")
        if not 0.1 <= self.speed <= 10:
            result.add_error(f"`speed` must be between 0.1 and 10, but is {self.speed}.")
        return result
