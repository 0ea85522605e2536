"""A model card, from a Markdown template, and the command that it names."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

_UNTOLD: Final = ("hub_token", "overwrite_output_dir")
_FOLDERS: Final = ("output_dir", "logging_dir", "resume_from_checkpoint")


def write_card(folder: Path, template: Path, metadata: Mapping[str, Any], **facts: Any) -> None:
    """Write ``README.md`` into a model's folder; see `make_card`."""
    (folder / "README.md").write_text(make_card(template, metadata, **facts), encoding="utf-8")


def make_card(template: Path, metadata: Mapping[str, Any], **facts: Any) -> str:
    """Fill in a model card from Markdown with names in double braces, as Jinja2 does.

    The template begins with a line ``{{ card_data }}`` between two of three dashes: `metadata`, which the Hugging Face
    Hub reads, such as ``license`` and ``tags``.
    """
    from huggingface_hub import ModelCard, ModelCardData

    text = template.read_text(encoding="utf-8")
    card = ModelCard.from_template(ModelCardData(**metadata), template_str=text, **facts)
    return f"{str(card).rstrip()}\n"


def command_line(config: Any, module: str, *, processes: int, folders: Collection[str]) -> str:
    """Write the command of a configuration, on lines that a shell joins: options other than the defaults.

    `folders` are the training's own options that name a folder. Folders are written by their names: a card should say
    nothing of the machine that it was made on.
    """
    words = []
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if value == field.default or field.name in _UNTOLD:
            continue
        if isinstance(value, bool):
            words.append(f"--{field.name}" if value else f"--no-{field.name}")
        else:
            shown = (
                [short_name(value)]
                if field.name in (*_FOLDERS, *folders)
                else value
                if isinstance(value, tuple)
                else [value]
            )
            words.append(" ".join([f"--{field.name}", *(shlex.quote(str(part)) for part in shown)]))
    # accelerate's own launcher starts a single process on CPUs; torchrun starts as many as it is given, anywhere.
    launch = f"torchrun --standalone --nproc_per_node {processes}" if processes > 1 else "accelerate launch"
    lines, line = [f"{launch} -m {module}"], "   "
    for word in words:
        if len(line) + len(word) > 110:
            lines.append(line)
            line = "   "
        line += f" {word}"
    return " \\\n".join([*lines, line])


def short_name(value: object) -> str:
    """Give a folder's own name, and leave names on the hub as they are."""
    path = Path(str(value))
    return path.resolve().name if path.is_absolute() or path.exists() or len(path.parts) > 2 else str(value)
