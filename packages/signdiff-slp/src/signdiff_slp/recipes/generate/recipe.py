"""The generation recipe."""

from __future__ import annotations

from pathlib import Path
from typing import final

from fairseq2.logging import log
from fairseq2.metrics import MetricBag, Sum
from fairseq2.recipe import GeneratorUnit, Recipe, RecipeContext, Task
from fairseq2.runtime.dependency import DependencyContainer
from torch import Tensor
from typing_extensions import override

from signdiff_core import formats
from signdiff_core.checks import inside
from signdiff_core.provenance import mark_generated
from signdiff_slp import __version__
from signdiff_slp.datasets.text_pose import TextPoseBatch, TextPoseDataset
from signdiff_slp.models.progressive import ProgressiveTransformer
from signdiff_slp.models.progressive.cutting import generate_and_tell
from signdiff_slp.output import to_pose
from signdiff_slp.recipes.dataset_section import check_split, create_valid_reader
from signdiff_slp.recipes.failures import (
    check_frames_per_step,
    check_lengths,
    check_names,
    check_rate,
    check_skeleton,
    check_texts,
    check_vocabulary,
    register_failures,
)
from signdiff_slp.recipes.generate.config import GenerateConfig
from signdiff_slp.recipes.generate.told import decode_told
from signdiff_slp.training import hide_environment


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
            return decode_told(model, batch)
        outputs, cut = generate_and_tell(
            model, batch.source_seqs, batch.source_lens, frames_per_step=config.frames_per_step, speed=config.speed
        )
        if cut is not None:
            log.warning("{} They are {}.", cut, ", ".join(batch.ids[place] for place in cut.places))
        return outputs


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
        check_vocabulary(model.config, tokenizer)
        check_skeleton(model.config, dataset)
        check_rate(model.config, dataset)
        check_frames_per_step(model.config, config.frames_per_step)
        check_split(dataset, config.split)
        check_names(dataset, config.split, context.gangs)
        check_texts(model.config, dataset, config.split, tokenizer, context.gangs)
        if config.protocol == "gt-timing":
            check_lengths(model.config, dataset, config.split, config.dataset.max_seq_len, context.gangs)
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
