"""Turn a checkpoint of a training run into a folder that ``TextToPose.from_pretrained`` loads.

``python -m signdiff_slp.export RUN -o MODEL`` writes ``model.safetensors``, ``config.json``, the run's own tokenizer
with its settings, ``tokenizer.json``, and, given ``--card``, ``MODEL_CARD.md``.
"""

from __future__ import annotations

import dataclasses
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from signdiff_core.atomic import replacing
from signdiff_slp.commands.parser import CommandParser, run_command
from signdiff_slp.runs import TOKENIZER, Run, find_run

if TYPE_CHECKING:
    from signdiff_slp.tokenizers.saved import AnyTokenizer

DEFAULT_TOKENIZER: Final = "slp_latin_characters"
"""The tokenizer of runs that tell nothing of theirs: that of the preset ``fingerspelling``."""

FAMILIES: Final = ("slp_character", "slp_word", "slp_gloss", "slp_sentencepiece")


def export(
    checkpoint: Path,
    folder: Path,
    *,
    tokenizer: str | None = None,
    tokenizer_family: str | None = None,
    card: Path | None = None,
) -> None:
    """Export a checkpoint to a folder, which is made.

    ``checkpoint`` is the folder of a training run or its ``checkpoints``, for the newest one; a ``step_N`` of them; or
    the folder of a model that is exported already. ``tokenizer``, a file or a fairseq2 asset, is for runs that do not
    carry theirs; its family is by default that of the run's settings, or ``slp_character``. ``card`` is copied to
    ``MODEL_CARD.md``. Raises a ``FileNotFoundError`` if there is no checkpoint, or no card, a ``ValueError`` if there
    is no such tokenizer, or it does not fit the model, or is not the run's.
    """
    if card is not None and not card.is_file():
        raise FileNotFoundError(f"card must be a file, but {card} is not.")
    run = find_run(checkpoint)
    if run is None and not (checkpoint / "config.json").is_file():
        raise FileNotFoundError(
            f"checkpoint must be a run's folder, its folder checkpoints, step_N in it, or a model, but is {checkpoint}."
        )

    from signdiff_slp.models.progressive.release import check_vocabulary, load_release, save_release

    if run is None:
        model, own = load_release(checkpoint)
        opened = own if tokenizer is None else _choose(own, tokenizer, tokenizer_family, checkpoint)
    else:
        opened = _tokenizer_of(run, tokenizer, tokenizer_family)
        model = run.load_model()
    check_vocabulary(opened, model.config, what=f"tokenizer {tokenizer or 'of the run'}")
    save_release(folder, model, opened)
    if card is not None:
        with replacing(folder / "MODEL_CARD.md") as temporary:
            shutil.copyfile(card, temporary)


def _tokenizer_of(run: Run, tokenizer: str | None, family: str | None) -> AnyTokenizer:
    from signdiff_slp.tokenizers.saved import open_tokenizer

    # What an older run tells of its tokenizer may lie elsewhere by now.
    carried = (run.checkpoints / TOKENIZER).is_file()
    own = run.load_tokenizer() if carried or tokenizer is None else None
    if own is not None:
        return own if tokenizer is None else _choose(own, tokenizer, family, run.checkpoints)
    section = run.read_settings().get("tokenizer") or {}
    known = family or section.get("family") or "slp_character"
    settings = (section.get("config_overrides") or {}) if known == section.get("family") else {}
    return open_tokenizer(tokenizer or DEFAULT_TOKENIZER, known, settings=settings)


def _choose(own: AnyTokenizer, tokenizer: str, family: str | None, source: Path) -> AnyTokenizer:
    """Take the tokenizer that a run or model carries, where another one is named that must be the same."""
    from signdiff_slp.tokenizers.saved import differences, family_of, open_tokenizer

    kind = family or family_of(own)
    settings = dataclasses.asdict(own.config) if kind == family_of(own) else {}
    if differing := differences(own, open_tokenizer(tokenizer, kind, settings=settings)):
        raise ValueError(f"tokenizer must be that of {source}, but {tokenizer} has {' and '.join(differing)}.")
    return own


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    parser = CommandParser(prog="python -m signdiff_slp.export", description="Export a trained model.")
    parser.add_argument("checkpoint", type=Path, metavar="RUN", help="folder of a training run, or step_N in it")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="folder to write")
    parser.add_argument("--tokenizer", help="a file or a fairseq2 asset, for runs that do not carry their own")
    parser.add_argument("--tokenizer-family", choices=FAMILIES, help="of that file (default: as the run says)")
    parser.add_argument("--card", type=Path, metavar="FILE", help="model card to put beside the weights")
    parser.add_argument("--debug", action="store_true", help="show where an error came from")
    known = parser.parse_args(arguments)
    options = {"tokenizer": known.tokenizer, "tokenizer_family": known.tokenizer_family, "card": known.card}
    return run_command(
        parser,
        lambda: export(known.checkpoint, known.output, **options),
        kept="nothing half-written was left, run it again",
        debug=known.debug,
    )


if __name__ == "__main__":
    sys.exit(main())
