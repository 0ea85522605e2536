"""The generation recipe: signs the texts of a corpus, freely or, as the literature does, with the truth at hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, final

import torch
from fairseq2.logging import log
from fairseq2.metrics import MetricBag, Sum
from fairseq2.recipe import GeneratorUnit, Recipe, RecipeContext, Task
from fairseq2.recipe.config import CommonSection, GangSection, GeneratorSection, ReferenceModelSection, TokenizerSection
from fairseq2.recipe.error import RecipeError
from fairseq2.runtime.dependency import DependencyContainer
from fairseq2.utils.validation import Validatable, ValidationResult
from torch import Tensor
from typing_extensions import override

from signdiff_core import formats
from signdiff_core.checks import inside
from signdiff_core.provenance import mark_generated
from signdiff_slp import __version__
from signdiff_slp.datasets.text_pose import TextPoseBatch, TextPoseDataset
from signdiff_slp.models.progressive import ProgressiveConfig, ProgressiveTransformer, generate_with_timing
from signdiff_slp.models.progressive.generation import generate, to_pose
from signdiff_slp.recipes.corpus import TextPoseSection, check_all, check_names, create_valid_reader, register_failures
from signdiff_slp.recipes.messages import hide_environment
from signdiff_slp.recipes.train.criterion import decoder_frames


@dataclass(kw_only=True)
class GenerateConfig(Validatable):
    """Holds the configuration of a generation run."""

    model: ReferenceModelSection = field(default_factory=lambda: ReferenceModelSection(name="slp_fingerspelling"))

    dataset: TextPoseSection = field(default_factory=TextPoseSection)

    split: str = "test"
    """The split whose texts are signed."""

    protocol: Literal["free", "gt-timing"] = "free"
    """"free" decodes from texts alone. "gt-timing" is what the literature does: the decoder is given the true first
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


@torch.inference_mode()
def decode_with_timing(model: ProgressiveTransformer, batch: TextPoseBatch) -> list[Tensor]:
    """Sign a batch, given each first frame, the counters, and so each length, as the literature does.

    Gives tensors (T, 151): normalised coordinates and predicted counters; the first frame is true.
    """
    frames, _ = decoder_frames(model, batch)
    if frames.size(1) == 1:
        made = frames
    else:
        made = generate_with_timing(model, batch.source_seqs, batch.source_lens, frames[:, :-1])
    poses = model.standardizer.inverse(made[..., :-1])
    whole = torch.cat([poses, made[..., -1:]], dim=-1)
    return [item[:length] for item, length in zip(whole, batch.pose_lens, strict=True)]


@final
class GenerateUnit(GeneratorUnit[TextPoseBatch]):
    """Writes ``{name of the example}.pose`` for every text; names with slashes make folders, each with its mark."""

    def __init__(self, model: ProgressiveTransformer, output_dir: Path, config: GenerateConfig) -> None:
        self._model = model
        self._output_dir = output_dir
        self._config = config
        self._marked = {output_dir}

    @override
    def prepare_metric_bag(self, metric_bag: MetricBag) -> None:
        metric_bag.add("num_examples", Sum())
        metric_bag.add("num_elements", Sum())

    @override
    def process_batch(self, batch: TextPoseBatch, metric_bag: MetricBag) -> None:
        outputs = self._decode(batch)
        for name, output in zip(batch.ids, outputs, strict=True):
            pose = to_pose(output, self._model, constant_bones=self._config.constant_bones)
            path = inside(self._output_dir, name, ".pose")
            if path.parent not in self._marked:
                path.parent.mkdir(parents=True, exist_ok=True)
                mark_generated(path.parent, f"signdiff-slp {__version__}", protocol=self._config.protocol)
                self._marked.add(path.parent)
            formats.write(pose, path)
        metric_bag.get("num_examples", Sum).update(batch.num_examples)
        metric_bag.get("num_elements", Sum).update(sum(len(output) for output in outputs))

    def _decode(self, batch: TextPoseBatch) -> list[Tensor]:
        model, config = self._model, self._config
        if config.protocol == "gt-timing":
            return decode_with_timing(model, batch)
        return generate(
            model,
            batch.source_seqs,
            batch.source_lens,
            frames_per_step=config.frames_per_step,
            speed=config.speed,
            on_cut=lambda cut: log.warning("{} They are {}.", cut, ", ".join(batch.ids[place] for place in cut.places)),
        )


@final
class TextToPoseGenerateRecipe(Recipe):
    """Signs the texts of a split."""

    @override
    def register(self, container: DependencyContainer) -> None:
        hide_environment()
        register_failures(container)

    @override
    def create_task(self, context: RecipeContext) -> Task:
        config = context.get_config_as(GenerateConfig)
        model = context.get_model_as(ProgressiveTransformer)
        dataset = context.get_dataset_as(TextPoseDataset)
        tokenizer = context.get_tokenizer()
        check_frames_per_step(model.config, config.frames_per_step)
        # With the protocol "free", no pose is read.
        max_seq_len = config.dataset.max_seq_len if config.protocol == "gt-timing" else None
        check_all(model.config, dataset, [config.split], tokenizer, context.gangs, max_seq_len=max_seq_len)
        check_names(dataset, config.split, context.gangs)
        reader = create_valid_reader(dataset, config.dataset, config.split, tokenizer, context.gangs)
        output_dir = context.output_dir / "poses"
        context.file_system.make_directory(output_dir)
        mark_generated(output_dir, f"signdiff-slp {__version__}", protocol=config.protocol)
        unit = GenerateUnit(model, output_dir, config)
        return context.create_generator(unit, reader)

    @property
    @override
    def config_kls(self) -> type[object]:
        return GenerateConfig


def check_frames_per_step(config: ProgressiveConfig, frames_per_step: int) -> None:
    """Make sure that a model predicts as many frames as are to be taken at a time."""
    if frames_per_step > config.num_future_frames:
        raise RecipeError(
            f"frames_per_step must be at most {config.num_future_frames}, the frames that the model predicts at a "
            f"time, but is {frames_per_step}."
        )
