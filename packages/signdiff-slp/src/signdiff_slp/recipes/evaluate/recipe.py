"""The evaluation recipe."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import final

from fairseq2.recipe import Recipe, RecipeContext, Task
from fairseq2.recipe.config import CommonSection, EvaluatorSection, GangSection, ReferenceModelSection, TokenizerSection
from fairseq2.runtime.dependency import DependencyContainer
from typing_extensions import override

from signdiff_slp.datasets.text_pose import TextPoseDataset
from signdiff_slp.models.progressive import ProgressiveTransformer
from signdiff_slp.recipes.corpus import TextPoseSection, check_all, check_made, create_valid_reader, register_failures
from signdiff_slp.recipes.messages import hide_environment
from signdiff_slp.recipes.train.config import LossConfig
from signdiff_slp.recipes.train.criterion import Criterion
from signdiff_slp.recipes.train.metrics import FreeDecodingUnit, TeacherForcedUnit, register_metrics


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


@final
class TextToPoseEvaluateRecipe(Recipe):
    """Scores a model on a split: with the true frames as input (``gt-timing``), then freely (``free``)."""

    @override
    def register(self, container: DependencyContainer) -> None:
        hide_environment()
        register_metrics(container)
        register_failures(container)

    @override
    def create_task(self, context: RecipeContext) -> Task:
        config = context.get_config_as(EvaluateConfig)
        model = context.get_model_as(ProgressiveTransformer)
        dataset = context.get_dataset_as(TextPoseDataset)
        tokenizer = context.get_tokenizer()
        max_seq_len = config.dataset.max_seq_len
        check_all(model.config, dataset, [config.split], tokenizer, context.gangs, max_seq_len=max_seq_len)
        check_made(dataset, config.split, trains=False)
        units = [TeacherForcedUnit(Criterion(model, model, LossConfig())), FreeDecodingUnit(model)]
        readers = [create_valid_reader(dataset, config.dataset, config.split, tokenizer, context.gangs) for _ in units]
        return context.create_evaluator(units, readers)

    @property
    @override
    def config_kls(self) -> type[object]:
        return EvaluateConfig
