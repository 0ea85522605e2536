"""Turn a checkpoint of a training run into a folder that ``TextToPose.from_pretrained`` loads.

``python -m signdiff_slp.export RUN/checkpoints -o FOLDER`` writes ``model.safetensors``, ``config.json``,
``tokenizer.json`` and, given ``--card``, ``MODEL_CARD.md``.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

TOKENIZER: Final = "slp_latin_characters"
"""The tokenizer with which the fingerspelling recipe trains."""


def export(
    checkpoint: Path,
    folder: Path,
    *,
    tokenizer: str = TOKENIZER,
    tokenizer_family: str = "slp_character",
    card: Path | None = None,
) -> None:
    """Export a checkpoint.

    Args:
        checkpoint: the folder ``checkpoints`` of a training run, for its newest one, or a folder ``step_N`` in it.
        folder: is made, and written to.
        tokenizer: the run's tokenizer: a file, or a fairseq2 asset.
        tokenizer_family: of the file: ``slp_character``, ``slp_word`` or ``slp_sentencepiece``.
        card: copied to ``MODEL_CARD.md``.

    Raises:
        FileNotFoundError: there is no checkpoint, or no card.
        ValueError: there is no such tokenizer, or it does not fit the model.
    """
    if card is not None and not card.is_file():
        raise FileNotFoundError(f"card must be a file, but {card} is not.")
    step = find_step(checkpoint)

    from signdiff_slp.models.progressive.hub import get_progressive_model_hub
    from signdiff_slp.models.progressive.release import read_run_config, save_release
    from signdiff_slp.tokenizers.saved import open_tokenizer

    config = read_run_config(step.parent / "model.yaml")
    opened = open_tokenizer(tokenizer, tokenizer_family)
    if opened.vocab_info.size != config.vocab_size:
        raise ValueError(
            f"tokenizer must have the {config.vocab_size} tokens of the model, but {tokenizer} has "
            f"{opened.vocab_info.size}."
        )
    model = get_progressive_model_hub().load_custom_model(step / "model", config)
    save_release(folder, model, opened)
    if card is not None:
        temporary = folder / f".MODEL_CARD.md.{os.getpid()}.tmp"
        shutil.copyfile(card, temporary)
        temporary.replace(folder / "MODEL_CARD.md")


def find_step(checkpoint: Path) -> Path:
    """Find the folder ``step_N`` that is meant: ``checkpoint`` itself, or the newest in it.

    Raises:
        FileNotFoundError: there is none.
    """
    steps = {int(path.name[5:]): path for path in checkpoint.glob("step_*") if path.name[5:].isdecimal()}
    step = checkpoint if (checkpoint / "model").is_dir() else steps[max(steps)] if steps else None
    if step is None or not (step.parent / "model.yaml").is_file():
        raise FileNotFoundError(f"checkpoint must be a run's folder checkpoints, or step_N in it, but is {checkpoint}.")
    return step


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m signdiff_slp.export", description="Export a trained model.")
    parser.add_argument("checkpoint", type=Path, help="folder checkpoints of a training run, or step_N in it")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="folder to write")
    parser.add_argument("--tokenizer", default=TOKENIZER, help="the run's: a file, or a fairseq2 asset")
    parser.add_argument(
        "--tokenizer-family", default="slp_character", choices=("slp_character", "slp_word", "slp_sentencepiece")
    )
    parser.add_argument("--card", type=Path, metavar="FILE", help="model card to put beside the weights")
    parser.add_argument("--debug", action="store_true", help="show where an error came from")
    known = parser.parse_args(arguments)
    try:
        export(
            known.checkpoint,
            known.output,
            tokenizer=known.tokenizer,
            tokenizer_family=known.tokenizer_family,
            card=known.card,
        )
    except (OSError, ValueError) as ex:
        if known.debug:
            raise
        print(f"signdiff_slp.export: {ex}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
