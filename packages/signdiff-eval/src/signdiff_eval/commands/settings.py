"""Options that ``score`` and ``compare`` share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from signdiff_eval.reports.reproduce import OldReport
    from signdiff_eval.scoring import Reading


def reading_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--texts`` and ``--translator``."""
    for decorate in (
        click.option(
            "--translator",
            metavar="NAME",
            help="What reads the poses: bundled (fingerspelling), a folder, or module:callable.  [default: bundled]",
        ),
        click.option(
            "--texts",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="What the references say: lines 'name<TAB>text', or one a line in the order of the names. "
            "Poses are then translated back, and scored as text.",
        ),
    ):
        command = decorate(command)
    return command


existing = click.Path(exists=True, path_type=Path)

protocol_option = click.option(
    "--protocol",
    type=click.Choice(["free", "gt-timing"]),
    help="How the hypotheses were made: freely, or told the reference's timing. Goes into the signature.  "
    "[default: what their mark tells, else free]",
)

signature_option = click.option(
    "--signature",
    "signatures",
    multiple=True,
    metavar="SIGNATURE|FILE",
    help="Compute exactly what an old report did, by its signatures or its JSON; an error if that can't be.",
)


def reading_of(texts: Path | None, translator: str | None) -> Reading | None:
    """Load the translator that was asked for."""
    if texts is None:
        if translator is not None:
            raise click.UsageError("--translator needs --texts, which tells what the references say.")
        return None
    from signdiff_eval.backtranslation.plugin import load_translator, settings_of
    from signdiff_eval.scoring import Reading

    spec = translator or "bundled"
    loaded = load_translator(spec)
    return Reading(texts, loaded, settings_of(loaded, spec))


def from_signatures(
    signatures: tuple[str, ...], *, fps: float | None, texts: Path | None, video: bool
) -> OldReport | None:
    """Take the settings out of ``--signature``, None without one."""
    if not signatures:
        return None
    if fps is not None:
        raise click.UsageError("--fps must not be given with --signature, which tells it.")
    from signdiff_eval.reports.reproduce import read_signatures

    old = read_signatures(signatures)
    if old.needs_texts and texts is None:
        raise click.UsageError("--signature names scores of texts, which need --texts.")
    if old.video != video:
        raise click.UsageError("--signature is of videos: add --video." if old.video else "--signature is of poses.")
    return old
