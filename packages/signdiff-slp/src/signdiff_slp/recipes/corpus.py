"""What the recipes read, and whether model, tokenizer and corpus fit: what does not is said in one line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fairseq2.data.tokenizers import Tokenizer
from fairseq2.datasets import DataReader, SyncMode
from fairseq2.gang import Gangs
from fairseq2.logging import log
from fairseq2.recipe import register_cli_error
from fairseq2.recipe.config import DatasetSection
from fairseq2.recipe.error import RecipeError
from fairseq2.runtime.dependency import DependencyContainer
from fairseq2.utils.validation import ValidationResult
from typing_extensions import override

from signdiff_core.checks import inside
from signdiff_core.formats import FormatError
from signdiff_core.provenance import read_mark
from signdiff_core.rates import same_rate
from signdiff_slp.corpora.read import Row as Example
from signdiff_slp.datasets.files import CorpusError
from signdiff_slp.datasets.text_pose import TEXT_POSE_FAMILY, TextPoseBatch, TextPoseDataset
from signdiff_slp.models.progressive import ProgressiveConfig
from signdiff_slp.text import cover, listed


@dataclass(kw_only=True)
class TextPoseSection(DatasetSection):
    """Names a corpus and says how it is read."""

    family: str | None = TEXT_POSE_FAMILY

    train_split: str = "train"
    """The split to train on."""

    valid_split: str | None = "dev"
    """The split to validate or generate on."""

    max_num_frames: int = 3072
    """Most frames of a batch, padding included."""

    max_seq_len: int = 512
    """Longer examples are left out."""

    bucket: bool = True
    """If ``True``, batches hold examples of similar lengths, so that little is padding."""

    emphasized: str = ""
    """Characters that are rare in the training split; examples with one of them come more often."""

    emphasis: int = 1
    """How many times such an example comes in an epoch."""

    num_prefetch: int = 2
    """Batches that are made ahead."""

    @override
    def validate(self) -> ValidationResult:
        result = super().validate()
        if self.max_seq_len < 1 or self.max_num_frames % self.max_seq_len:
            result.add_error(
                f"`max_num_frames` must be a multiple of `max_seq_len` ({self.max_seq_len}), but is "
                f"{self.max_num_frames}."
            )
        if self.emphasis < 1:
            result.add_error(f"`emphasis` must be at least 1, but is {self.emphasis}.")
        return result


def create_valid_reader(
    dataset: TextPoseDataset, section: TextPoseSection, split: str, tokenizer: Tokenizer, gangs: Gangs
) -> DataReader[TextPoseBatch]:
    """Read every example of a split once, in order."""
    return dataset.create_reader(
        split,
        tokenizer,
        gangs,
        max_num_frames=section.max_num_frames,
        max_seq_len=section.max_seq_len,
        num_prefetch=section.num_prefetch,
        sync_mode=SyncMode.UNTIL_LAST,
    )


def register_failures(container: DependencyContainer) -> None:
    """Have a corpus's faults printed as one line, with the exit status 1."""
    register_cli_error(container, CorpusError, _print)


def _print(ex: CorpusError) -> int:
    log.error("{}", ex)
    return 1


def check_all(
    config: ProgressiveConfig,
    dataset: TextPoseDataset,
    splits: Iterable[str],
    tokenizer: Tokenizer,
    gangs: Gangs,
    *,
    max_seq_len: int | None,
    resumed: bool = False,
) -> None:
    """Make sure that a model, a tokenizer and splits of a corpus fit; all ranks have to call.

    ``max_seq_len`` is the longest pose that the model reads; none where it reads no poses. ``resumed`` is as for
    `check_rate`. Raises a ``RecipeError`` if the model does not fit, a `CorpusError` if the corpus has no such split,
    or texts or poses that the model cannot read.
    """
    _check_vocabulary(config, tokenizer)
    check_skeleton(config, dataset)
    check_rate(config, dataset, resumed=resumed)
    for split in splits:
        if split not in dataset.splits:
            known = sorted(dataset.splits)
            raise CorpusError(
                f"split must be one that {dataset.data_dir} has ({', '.join(known)}), but is {split!r}: give --config "
                f"split={known[0]}."
            )
        examples = dataset.read_examples(split, gangs)
        _check_texts(config, split, examples, tokenizer)
        if max_seq_len is not None:
            _check_lengths(config, split, examples, max_seq_len)


def _check_vocabulary(config: ProgressiveConfig, tokenizer: Tokenizer) -> None:
    wanted = {"vocab_size": tokenizer.vocab_info.size, "pad_idx": tokenizer.vocab_info.pad_idx}
    wrong = {name: value for name, value in wanted.items() if value not in (None, getattr(config, name))}
    if wrong:
        needs = " and ".join(f"{name} {value}" for name, value in wrong.items())
        found = " and ".join(f"{name} {getattr(config, name)}" for name in wrong)
        settings = " ".join(f"model.config_overrides.{name}={value}" for name, value in wrong.items())
        raise RecipeError(
            f"model must have {needs}, as the tokenizer has, but has {found}. For a new model, set {settings}; with a "
            "trained one, name its own tokenizer in the section tokenizer."
        )


def check_skeleton(config: ProgressiveConfig, dataset: TextPoseDataset) -> None:
    """Make sure that a model has the joints of a corpus; a ``RecipeError`` says if they differ."""
    if config.skeleton != dataset.skeleton.name:
        raise RecipeError(
            f"model must have the skeleton of the corpus, {dataset.skeleton.name}, but has {config.skeleton}. For a "
            f"new model, set model.config_overrides.skeleton={dataset.skeleton.name} "
            f"model.config_overrides.pose_dim={3 * dataset.skeleton.num_joints}; a corpus of another skeleton is "
            f"dataset.config_overrides.skeleton={config.skeleton}."
        )


def check_rate(config: ProgressiveConfig, dataset: TextPoseDataset, *, resumed: bool = False) -> None:
    """Make sure that a model has the frame rate of a corpus that tells its own; a ``RecipeError`` says if they differ.

    A run that is resumed may have begun with the wrong rate: then this is logged, and no more.
    """
    rate = dataset.read_rate()
    if rate is None or same_rate(config.fps, rate):
        return
    wrong = (
        f"model must have the frame rate of the corpus, {rate:g}, but has {config.fps:g}: what it signs would last "
        f"{rate / config.fps:.3g} times as long as it should. For a model of these poses, set "
        f"model.config_overrides.fps={rate:g}"
    )
    if not resumed:
        raise RecipeError(f"{wrong}; for one of {config.fps:g}, make the corpus with --fps {config.fps:g}.")
    log.warning("{}. The run is resumed as it is.", wrong)


def check_made(dataset: TextPoseDataset, split: str, *, trains: bool) -> None:
    """Refuse to train on what carries the mark of a system with a `CorpusError`; warn where it is a reference."""
    try:
        mark = read_mark(dataset.data_dir / f"{split}.poses.npy")
    except FormatError as error:
        raise CorpusError(str(error)) from error
    if mark is None:
        return
    wrong = f"{split} of {dataset.data_dir} must be ground truth, but is marked as made by {mark['generator']}"
    if trains:
        raise CorpusError(f"{wrong}: a model would learn a system's faults as if they were signing.")
    log.warning("{}: scores against it say how near that system's output is.", wrong)


def check_names(dataset: TextPoseDataset, split: str, gangs: Gangs) -> None:
    """Make sure that every name of a split can be that of a file, inside the folder that it is written to.

    A ``CorpusError`` says in which line one would lie elsewhere.
    """
    for number, example in enumerate(dataset.read_examples(split, gangs), start=1):
        try:
            inside("", example.id)
        except ValueError as error:
            raise CorpusError(f"{dataset.data_dir / split}.tsv:{number}: {error}") from error


def _check_texts(config: ProgressiveConfig, split: str, examples: Sequence[Example], tokenizer: Tokenizer) -> None:
    """Make sure that a model can read every text of a split, and log how much of the texts it knows."""
    encode = tokenizer.create_encoder()
    long = [example.id for example in examples if len(encode(example.text)) > config.max_source_len]
    if long:
        raise CorpusError(
            f"texts of {split} must have at most {config.max_source_len} tokens, but {len(long)} of {len(examples)} "
            f"have more: {listed(long)}. A new model takes more with model.config_overrides.max_source_len."
        )
    coverage = cover(tokenizer, (example.text for example in examples))
    if len(coverage.lost) == len(examples):
        raise CorpusError(f"texts of {split} must hold tokens that the tokenizer knows, but none does: {coverage}.")
    write = log.warning if coverage.num_unknown else log.info
    write("Unknown to the tokenizer in {}: {}.", split, coverage)
    if coverage.lost:
        names = listed([examples[position].id for position in coverage.lost])
        log.warning("{} of {} texts of {} are unknown as a whole: {}.", len(coverage.lost), len(examples), split, names)


def _check_lengths(config: ProgressiveConfig, split: str, examples: Sequence[Example], max_seq_len: int) -> None:
    """Make sure that a model whose clock counts frames can read every pose of a split that is not left out."""
    if config.clock != "frame" or max_seq_len <= config.max_target_len:
        return
    long = [example.id for example in examples if config.max_target_len < example.num_frames <= max_seq_len]
    if long:
        raise CorpusError(
            f"poses of {split} must have at most {config.max_target_len} frames, but {len(long)} of {len(examples)} "
            f"have more: {listed(long)}. A new model takes more with model.config_overrides.max_target_len; "
            f"dataset.max_seq_len={config.max_target_len} leaves them out."
        )
