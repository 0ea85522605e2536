"""Which reference belongs to which hypothesis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Pair:
    """Two files that show the same utterance.

    Attributes:
        name: what both are called, without suffix.
        reference: the ground truth.
        hypothesis: the system's output.
    """

    name: str
    reference: Path
    hypothesis: Path


def pair_up(reference: Path, hypothesis: Path, matches: Callable[[Path], bool]) -> list[Pair]:
    """Pair files by their names without suffix.

    Args:
        reference: a folder, whose entries are looked at and not what lies deeper; or one file.
        hypothesis: likewise; if both are files, they are a pair whatever their names.
        matches: tells which entries count.

    Returns:
        Pairs in the order of their names.

    Raises:
        ValueError: nothing to score, a file without partner, or two entries of one name in a folder.
    """
    if reference.is_file() and hypothesis.is_file():
        return [Pair(reference.stem, reference, hypothesis)]
    references, hypotheses = _entries(reference, matches), _entries(hypothesis, matches)
    problems = [
        f"{len(names)} of {len(there)} in {folder} lack a partner in {other}: {_listed(names)}"
        for folder, other, there, here in (
            (reference, hypothesis, references, hypotheses),
            (hypothesis, reference, hypotheses, references),
        )
        if (names := sorted(there.keys() - here.keys()))
    ]
    if problems:
        raise ValueError(f"every reference must have one hypothesis of its name, but {'; '.join(problems)}.")
    return [Pair(name, references[name], hypotheses[name]) for name in sorted(references)]


def _entries(place: Path, matches: Callable[[Path], bool]) -> dict[str, Path]:
    if place.is_file():
        return {place.stem: place}
    entries: dict[str, Path] = {}
    for path in sorted(place.iterdir()):
        if path.name.startswith(".") or not matches(path):
            continue
        if path.stem in entries:
            raise ValueError(
                f"names in {place} must be unique, but there are {entries[path.stem].name} and {path.name}."
            )
        entries[path.stem] = path
    if not entries:
        raise ValueError(f"{place} must hold files to score, but holds none in a known format.")
    return entries


def _listed(names: list[str], *, most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
