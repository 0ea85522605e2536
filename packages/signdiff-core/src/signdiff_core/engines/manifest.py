"""Whether what a long job made is what is asked for now, and in words what differs if it is not."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from signdiff_core.wording import count_clips, different_clips, different_settings

NAME: Final = "manifest.json"


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What an output is made of: the fields of its ``manifest.json``.

    Attributes:
        versions: of the code and its libraries.
        settings: what is done to every clip, as JSON values.
        options: what else decides the output, likewise.
        texts: a hash of what is said of every clip, by name.
        inputs: hashes of the files of every clip that could be read, by name.
    """

    versions: Mapping[str, str]
    settings: Mapping[str, Any]
    options: Mapping[str, Any] = field(default_factory=dict)
    texts: Mapping[str, str]
    inputs: Mapping[str, Any] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Write it into a folder.

        Raises:
            OSError: it cannot be written.
        """
        content = json.dumps(vars(self), ensure_ascii=False, indent=2)
        (folder / NAME).write_text(content + "\n", encoding="utf-8")


def is_made(output: Path) -> bool:
    """Tell whether there is an output already; `finished` tells which.

    Raises:
        FileExistsError: there is something else.
    """
    is_there = output.exists() and (not output.is_dir() or any(output.iterdir()))
    if is_there and not (output / NAME).is_file():
        raise _not_ours(output)
    return is_there


def finished(output: Path, now: Manifest, hashes: Callable[[str], object], *, what: str) -> str:
    """Say that an output is finished, if it is the one that is asked for.

    Args:
        output: with a manifest.
        now: that of what is asked for, without ``inputs``.
        hashes: gives, by its name, what ``inputs`` would have of a clip; a clip that it fails on is another one.
        what: is hashed in ``texts``, such as "caption".

    Raises:
        FileExistsError: it was made of other inputs or with other settings, which the message names; or it is nothing
            that has a manifest.
    """
    try:
        known = json.loads((output / NAME).read_text(encoding="utf-8"))
        was, inputs, texts = {**known["settings"], **known.get("options", {})}, dict(known["inputs"]), known["texts"]
        differ = different_settings(was, {**now.settings, **now.options}) + different_clips(texts, now.texts, what)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        raise _not_ours(output) from None
    if not differ:
        changed = [name for name in now.texts if name in inputs and _or_none(hashes, name) != inputs[name]]
        differ = count_clips(changed, "have another content")
    if differ:
        raise FileExistsError(f"{output} is finished, but of other inputs or settings: {'; '.join(differ)}.")
    by = "" if known.get("versions") == now.versions else ", by other versions of the code or its libraries"
    return f"{output} is finished: it was made of the same inputs with the same settings{by}."


def _or_none(hashes: Callable[[str], object], name: str) -> object:
    try:
        return hashes(name)
    except (OSError, ValueError):
        return None


def _not_ours(output: Path) -> FileExistsError:
    return FileExistsError(f"output must be new or empty, or what the same command made, but {output} is not.")
