"""The training recipe."""

from __future__ import annotations

from pathlib import Path
from typing import final

from fairseq2.checkpoint import CheckpointDir
from fairseq2.recipe import Recipe, RecipeContext, Task
from fairseq2.runtime.dependency import DependencyContainer
from torch.nn import Module
from typing_extensions import override

from signdiff_slp.datasets.text_pose import TextPoseDataset
from signdiff_slp.models.progressive import ProgressiveTransformer
from signdiff_slp.recipes.dataset_section import create_valid_reader
from signdiff_slp.recipes.failures import (
    check_lengths,
    check_loss,
    check_rate,
    check_skeleton,
    check_texts,
    check_vocabulary,
    register_failures,
)
from signdiff_slp.recipes.train.config import TrainConfig
from signdiff_slp.recipes.train.record import RunRecord
from signdiff_slp.training import (
    Criterion,
    FreeDecodingUnit,
    LossConfig,
    TeacherForcedUnit,
    TextPoseTrainUnit,
    fit_standardizer,
    hide_environment,
    register_metrics,
)


@final
class TextToPoseTrainRecipe(Recipe):
    """Trains a progressive transformer."""

    @override
    def register(self, container: DependencyContainer) -> None:
        hide_environment()
        register_metrics(container)
        register_failures(container)

    @override
    def setup_model(self, context: RecipeContext, model: Module, newly_initialized: bool) -> Module:
        if newly_initialized and isinstance(model, ProgressiveTransformer):
            config = context.get_config_as(TrainConfig)
            dataset = context.get_dataset_as(TextPoseDataset)
            check_skeleton(model.config, dataset)
            check_rate(model.config, dataset)
            dataset.read_examples(config.dataset.train_split, context.gangs)
            # On other ranks, the model comes from the first one, its standardiser with it.
            if not model.standardizer.mean.is_meta:
                fit_standardizer(model.standardizer, dataset.data_dir, config.dataset.train_split)
        return model

    @override
    def create_task(self, context: RecipeContext) -> Task:
        config = context.get_config_as(TrainConfig)
        section, gangs = config.dataset, context.gangs
        record = RunRecord(_checkpoints(context), gangs)
        dataset = context.get_dataset_as(TextPoseDataset)
        for split in filter(None, (section.train_split, section.valid_split)):
            dataset.read_examples(split, gangs)
        corpus = record.check_corpus(dataset, section.train_split, section.valid_split)
        tokenizer = context.get_tokenizer()
        record.check_tokenizer(tokenizer)
        model = context.get_data_parallel_model()
        bare_model = context.get_model_as(ProgressiveTransformer)
        record.check_model(bare_model.config)
        check_vocabulary(bare_model.config, tokenizer)
        check_skeleton(bare_model.config, dataset)
        check_rate(bare_model.config, dataset, goes_on=record.goes_on)
        for split in filter(None, (section.train_split, section.valid_split)):
            check_texts(bare_model.config, dataset, split, tokenizer, gangs)
            check_lengths(bare_model.config, dataset, split, section.max_seq_len, gangs)
        check_loss(bare_model.config, config.loss)

        record.write(corpus, tokenizer, context.output_dir / "config.yaml")
        unit = TextPoseTrainUnit(Criterion(model, bare_model, config.loss), comparable=record.logs_comparable_loss)
        reader = dataset.create_reader(
            section.train_split,
            tokenizer,
            gangs,
            max_num_frames=section.max_num_frames,
            max_seq_len=section.max_seq_len,
            bucket=section.bucket,
            shuffle=True,
            seed=config.common.seed,
            emphasized=section.emphasized,
            emphasis=section.emphasis,
            num_accumulate=config.trainer.grad_accumulation.num_batches,
            num_prefetch=section.num_prefetch,
        )
        if section.valid_split is None:
            return context.create_trainer(unit, reader)

        units: list[TeacherForcedUnit | FreeDecodingUnit] = [
            TeacherForcedUnit(Criterion(model, bare_model, LossConfig()))
        ]
        if config.validate_free_decoding:
            units.append(FreeDecodingUnit(bare_model))
        readers = [create_valid_reader(dataset, section, section.valid_split, tokenizer, gangs) for _ in units]
        return context.create_trainer(unit, reader, units, readers)

    @property
    @override
    def config_kls(self) -> type[object]:
        return TrainConfig


def _checkpoints(context: RecipeContext) -> Path:
    return context.resolver.resolve(CheckpointDir).path or context.output_dir / "checkpoints"
