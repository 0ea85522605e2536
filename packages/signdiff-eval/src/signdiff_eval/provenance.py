"""The mark of generated poses: it tells which files a system made, so that nothing is trained on them as if true.

A mark is a small JSON file with the key ``"generator"``: ``hello.pose.json`` beside ``hello.pose``, or
``generator.json`` in a folder for all that lies directly in it. Pose files themselves have no room for one.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from signdiff_eval.atomic import replacing
from signdiff_eval.readers.texts import read_json

FOLDER_MARK: Final = "generator.json"
"""Name of the file that marks a folder."""

MAX_BYTES: Final = 2**20
"""Largest mark that is read."""

PROTOCOLS: Final = ("free", "gt-timing")
"""How poses can be made: the system decides on the timing itself, or is given the reference's."""


def mark_generated(path: Path, generator: str, **details: str) -> Path:
    """Mark a file, or all files of a folder, as a system's output.

    Args:
        path: the file or folder.
        generator: name of the system, such as ``signdiff-slp 0.1.0``.
        details: more to tell, such as ``protocol="free"``.

    Returns:
        The file that is the mark.

    Raises:
        ValueError: ``generator`` is empty.
    """
    if not generator.strip():
        raise ValueError("generator must be the name of a system, but is empty.")
    mark = _mark_of(path)
    with replacing(mark) as temporary:
        temporary.write_text(json.dumps({"generator": generator, **details}, indent=2) + "\n", encoding="utf-8")
    return mark


def generator_of(path: Path) -> str | None:
    """Find out which system made a pose file, or a folder of a format or a corpus that is one.

    Returns:
        The generator's name by the file's own mark or that of its folder; None where there is no mark.

    Raises:
        ValueError: there is a mark, but it can't be read: what it marks must not be taken for unmarked.
    """
    mark = _read_mark(path)
    return None if mark is None else str(mark["generator"])


def protocol_of(path: Path) -> str | None:
    """Find by a mark whether a system had the reference's timing: ``free`` or ``gt-timing``; None if it doesn't tell.

    A ValueError if the mark can't be read, or tells something else.
    """
    protocol = (_read_mark(path) or {}).get("protocol")
    if protocol not in (None, *PROTOCOLS):
        raise ValueError(f"the mark of {path} must tell the protocol {' or '.join(PROTOCOLS)}, but tells {protocol!r}.")
    return protocol


def marked_place(path: Path) -> tuple[str, str] | None:
    """Find what marks a file as generated, itself or its folder (with a slash behind it), and the generator; or None.

    It is for a warning, not for a refusal: the generator is ``unknown``, with the reason, where the mark can't be read.
    """
    for mark, place in ((_mark_of(path), f"{path}/" if path.is_dir() else f"{path}"), (path.parent / FOLDER_MARK, "")):
        try:
            content = _content_of(mark)
        except ValueError as error:
            return place or f"{path.parent}/", f"unknown: {error}".rstrip(".")
        if content is not None:
            return place or f"{path.parent}/", str(content["generator"])
    return None


def marks_warning(marked: Sequence[tuple[str, str]], *, most: int = 5) -> str:
    """Say which references are a system's output, of which `marked_place` found the marks; empty if none is."""
    if not marked:
        return ""
    named = ", ".join(f"{place} ({generator:.100})" for place, generator in marked[:most])
    more = f" and {len(marked) - most} more" if len(marked) > most else ""
    return (
        f"references should be ground truth, but carry a generator's mark: {named}{more}; "
        "scores against them say how near that system's output is"
    )


def _read_mark(path: Path) -> dict[str, Any] | None:
    own = _content_of(_mark_of(path))
    return _content_of(path.parent / FOLDER_MARK) if own is None else own


def _content_of(mark: Path) -> dict[str, Any] | None:
    if not mark.is_file():
        return None
    content = read_json(mark, what="JSON", max_bytes=MAX_BYTES)
    if isinstance(content, dict) and content.get("generator"):
        return content
    if mark.name == FOLDER_MARK:
        raise ValueError(f"{mark} must hold the key 'generator', but doesn't.")
    return None


def _mark_of(path: Path) -> Path:
    return path / FOLDER_MARK if path.is_dir() else path.with_name(f"{path.name}.json")
