"""Failures that a recipe explains in one line, and does not leave to a stack trace."""

from __future__ import annotations

from fairseq2.data.tokenizers import Tokenizer
from fairseq2.gang import Gangs
from fairseq2.logging import log
from fairseq2.recipe import register_cli_error
from fairseq2.recipe.error import RecipeError
from fairseq2.runtime.dependency import DependencyContainer

from signdiff_core.checks import inside
from signdiff_core.rates import same_rate
from signdiff_slp.datasets.text_pose import CorpusError, TextPoseDataset
from signdiff_slp.datasets.text_pose.scan import MAX_NAMED
from signdiff_slp.models.progressive import ProgressiveConfig
from signdiff_slp.tokenizers import cover
from signdiff_slp.training import LossConfig


def register_failures(container: DependencyContainer) -> None:
    """Have a corpus's faults printed as one line, with the exit status 1."""
    register_cli_error(container, CorpusError, _print)


def check_vocabulary(config: ProgressiveConfig, tokenizer: Tokenizer) -> None:
    """Make sure that a model reads what a tokenizer writes.

    Args:
        config: the model's configuration.
        tokenizer: the tokenizer.

    Raises:
        RecipeError: they differ in the number of tokens, or in the one that pads.
    """
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
    """Make sure that a model has the joints of a corpus.

    Raises:
        RecipeError: they differ.
    """
    if config.skeleton != dataset.skeleton.name:
        raise RecipeError(
            f"model must have the skeleton of the corpus, {dataset.skeleton.name}, but has {config.skeleton}. For a "
            f"new model, set model.config_overrides.skeleton={dataset.skeleton.name} "
            f"model.config_overrides.pose_dim={3 * dataset.skeleton.num_joints}; a corpus of another skeleton is "
            f"dataset.config_overrides.skeleton={config.skeleton}."
        )


def check_rate(config: ProgressiveConfig, dataset: TextPoseDataset, *, goes_on: bool = False) -> None:
    """Make sure that a model has the frame rate of a corpus that tells its own.

    Args:
        config: the model's configuration.
        dataset: the corpus.
        goes_on: whether a run goes on, which may have begun with the wrong rate: it is told, and no more.

    Raises:
        RecipeError: they differ.
    """
    rate = dataset.read_rate()
    if rate is None or same_rate(config.fps, rate):
        return
    wrong = (
        f"model must have the frame rate of the corpus, {rate:g}, but has {config.fps:g}: what it signs would last "
        f"{rate / config.fps:.3g} times as long as it should. For a model of these poses, set "
        f"model.config_overrides.fps={rate:g}"
    )
    if not goes_on:
        raise RecipeError(f"{wrong}; for one of {config.fps:g}, make the corpus with --fps {config.fps:g}.")
    log.warning("{}. The run goes on as it is.", wrong)


def check_names(dataset: TextPoseDataset, split: str, gangs: Gangs) -> None:
    """Make sure that every name of a split can be that of a file, inside the folder that it is written to.

    Raises:
        CorpusError: one would lie elsewhere; says in which line.
    """
    for number, example in enumerate(dataset.read_examples(split, gangs), start=1):
        try:
            inside("", example.id)
        except ValueError as error:
            raise CorpusError(f"{dataset.data_dir / split}.tsv:{number}: {error}") from error


def check_texts(
    config: ProgressiveConfig, dataset: TextPoseDataset, split: str, tokenizer: Tokenizer, gangs: Gangs
) -> None:
    """Make sure that a model can read every text of a split, and tell how much of the texts it knows.

    Raises:
        CorpusError: texts are longer than the model's ``max_source_len``, or none holds a token that the model knows;
            says how many, and names some.
    """
    encode = tokenizer.create_encoder()
    examples = dataset.read_examples(split, gangs)
    long = [example.id for example in examples if len(encode(example.text)) > config.max_source_len]
    if long:
        raise CorpusError(
            f"texts of {split} must have at most {config.max_source_len} tokens, but {len(long)} of {len(examples)} "
            f"have more: {_named(long)}. A new model takes more with model.config_overrides.max_source_len."
        )
    coverage = cover(tokenizer, (example.text for example in examples))
    if len(coverage.lost) == len(examples):
        raise CorpusError(f"texts of {split} must hold tokens that the tokenizer knows, but none does: {coverage}.")
    tell = log.warning if coverage.num_unknown else log.info
    tell("Unknown to the tokenizer in {}: {}.", split, coverage)
    if coverage.lost:
        names = _named([examples[position].id for position in coverage.lost])
        log.warning("{} of {} texts of {} are unknown as a whole: {}.", len(coverage.lost), len(examples), split, names)


def check_lengths(
    config: ProgressiveConfig, dataset: TextPoseDataset, split: str, max_seq_len: int, gangs: Gangs
) -> None:
    """Make sure that a model can read every pose of a split that is not left out.

    Raises:
        CorpusError: poses are longer than the model's ``max_target_len``, and its clock counts frames.
    """
    if config.clock != "frame" or max_seq_len <= config.max_target_len:
        return
    examples = dataset.read_examples(split, gangs)
    long = [example.id for example in examples if config.max_target_len < example.num_frames <= max_seq_len]
    if long:
        raise CorpusError(
            f"poses of {split} must have at most {config.max_target_len} frames, but {len(long)} of {len(examples)} "
            f"have more: {_named(long)}. A new model takes more with model.config_overrides.max_target_len; "
            f"dataset.max_seq_len={config.max_target_len} leaves them out."
        )


def check_loss(config: ProgressiveConfig, loss: LossConfig) -> None:
    """Make sure that a model keeps what its loss needs.

    Raises:
        RecipeError: it does not.
    """
    if loss.residual_noise > 0.0 and not config.residual_statistics:
        raise RecipeError(
            f"loss.residual_noise must be 0 for a model without residual_statistics, but is {loss.residual_noise}. A "
            "new model keeps them with model.config_overrides.residual_statistics=true."
        )


def check_frames_per_step(config: ProgressiveConfig, frames_per_step: int) -> None:
    """Make sure that a model predicts as many frames as are to be taken at a time.

    Raises:
        RecipeError: it does not.
    """
    if frames_per_step > config.num_future_frames:
        raise RecipeError(
            f"frames_per_step must be at most {config.num_future_frames}, the frames that the model predicts at a "
            f"time, but is {frames_per_step}."
        )


def _named(names: list[str]) -> str:
    return ", ".join(names[:MAX_NAMED]) + (f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else "")


def _print(ex: CorpusError) -> int:
    log.error("{}", ex)
    return 1
