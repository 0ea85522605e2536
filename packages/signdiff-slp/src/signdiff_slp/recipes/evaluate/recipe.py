"""The evaluation recipe."""

from __future__ import annotations

from typing import final

from fairseq2.recipe import Recipe, RecipeContext, Task
from fairseq2.runtime.dependency import DependencyContainer
from typing_extensions import override

from signdiff_slp.datasets.text_pose import TextPoseDataset
from signdiff_slp.models.progressive import ProgressiveTransformer
from signdiff_slp.recipes.dataset_section import check_split, create_valid_reader
from signdiff_slp.recipes.evaluate.config import EvaluateConfig
from signdiff_slp.recipes.failures import (
    check_lengths,
    check_rate,
    check_skeleton,
    check_texts,
    check_vocabulary,
    register_failures,
)
from signdiff_slp.training import (
    Criterion,
    FreeDecodingUnit,
    LossConfig,
    TeacherForcedUnit,
    hide_environment,
    register_metrics,
)


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
        check_vocabulary(model.config, tokenizer)
        check_skeleton(model.config, dataset)
        check_rate(model.config, dataset)
        check_split(dataset, config.split)
        check_texts(model.config, dataset, config.split, tokenizer, context.gangs)
        check_lengths(model.config, dataset, config.split, config.dataset.max_seq_len, context.gangs)
        units = [TeacherForcedUnit(Criterion(model, model, LossConfig())), FreeDecodingUnit(model)]
        readers = [create_valid_reader(dataset, config.dataset, config.split, tokenizer, context.gangs) for _ in units]
        return context.create_evaluator(units, readers)

    @property
    @override
    def config_kls(self) -> type[object]:
        return EvaluateConfig
