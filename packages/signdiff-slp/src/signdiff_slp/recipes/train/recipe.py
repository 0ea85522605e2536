"""The training recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Final, final

import numpy as np
import torch
from fairseq2.checkpoint import CheckpointDir
from fairseq2.recipe import Recipe, RecipeContext, Task
from fairseq2.recipe.error import RecipeError
from fairseq2.runtime.dependency import DependencyContainer
from torch.nn import Module
from typing_extensions import override

from signdiff_slp.datasets.files import open_poses, read_manifest
from signdiff_slp.datasets.text_pose import TextPoseDataset
from signdiff_slp.models.progressive import PoseStandardizer, ProgressiveConfig, ProgressiveTransformer, bone_lengths
from signdiff_slp.models.progressive.poses import MIN_SPREAD, as_joints, hands_to_wrists
from signdiff_slp.recipes.corpus import (
    check_all,
    check_made,
    check_rate,
    check_skeleton,
    create_valid_reader,
    register_failures,
)
from signdiff_slp.recipes.messages import hide_environment
from signdiff_slp.recipes.train.config import LossConfig, TrainConfig
from signdiff_slp.recipes.train.criterion import Criterion
from signdiff_slp.recipes.train.metrics import FreeDecodingUnit, TeacherForcedUnit, TextPoseTrainUnit, register_metrics
from signdiff_slp.recipes.train.record import RunRecord

_MAX_FRAMES: Final = 200_000
"""Frames on which a standardiser is fitted."""


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
        checkpoints = context.resolver.resolve(CheckpointDir).path or context.output_dir / "checkpoints"
        record = RunRecord(checkpoints, gangs)
        dataset = context.get_dataset_as(TextPoseDataset)
        splits = [split for split in (section.train_split, section.valid_split) if split is not None]
        for split in splits:
            check_made(dataset, split, trains=split == section.train_split)
            dataset.read_examples(split, gangs)
        corpus = record.check_corpus(dataset, section.train_split, section.valid_split)
        tokenizer = context.get_tokenizer()
        record.check_tokenizer(tokenizer)
        model = context.get_data_parallel_model()
        bare_model = context.get_model_as(ProgressiveTransformer)
        record.check_model(bare_model.config)
        check_all(
            bare_model.config,
            dataset,
            splits,
            tokenizer,
            gangs,
            max_seq_len=section.max_seq_len,
            resumed=record.is_resumed,
        )
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


def check_loss(config: ProgressiveConfig, loss: LossConfig) -> None:
    """Make sure that a model keeps what its loss needs; a ``RecipeError`` says what is missing."""
    if loss.residual_noise > 0.0 and not config.residual_statistics:
        raise RecipeError(
            f"loss.residual_noise must be 0 for a model without residual_statistics, but is {loss.residual_noise}. A "
            "new model keeps them with model.config_overrides.residual_statistics=true."
        )


@torch.no_grad()
def fit_standardizer(standardizer: PoseStandardizer, data_dir: Path, split: str) -> None:
    """Set a standardiser's buffers from a corpus's training split; a ``DatasetError`` says if it cannot be read.

    The mean, the spread of each joint (the root of the mean variance of its x, y and z, at least ``MIN_SPREAD``), the
    rest pose (the mean first frame) and the median length of every limb. Of a very large split, every n-th frame is
    measured.
    """
    poses = open_poses(data_dir, split)
    sample = torch.from_numpy(np.array(poses[:: max(1, len(poses) // _MAX_FRAMES)]))
    first = torch.from_numpy(np.array(poses[[example.offset for example in read_manifest(data_dir, split)]]))

    values = hands_to_wrists(sample, standardizer.skeleton).double()
    variance = as_joints(values.var(dim=0, correction=0))
    spread = variance.mean(-1).sqrt().clamp(min=MIN_SPREAD).repeat_interleave(3)

    standardizer.mean.copy_(values.mean(0))
    standardizer.spread.copy_(spread)
    standardizer.rest.copy_(first.double().mean(0))
    standardizer.bone_lengths.copy_(bone_lengths(as_joints(sample), standardizer.skeleton).median(0).values)
