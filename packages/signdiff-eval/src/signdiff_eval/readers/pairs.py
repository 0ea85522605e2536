"""Which reference belongs to which hypothesis."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from signdiff_eval.readers.video import VIDEO_SUFFIXES


@dataclass(frozen=True, slots=True)
class Pair:
    """Two files that show the same utterance.

    Attributes:
        name: what both are called, without suffix.
        hypothesis: the system's output.
        reference: the ground truth.
    """

    name: str
    hypothesis: Path
    reference: Path


def pair_up(hypothesis: Path, reference: Path, matches: Callable[[Path], bool]) -> list[Pair]:
    """Pair files by their names without suffix.

    Args:
        hypothesis: a folder, whose entries are looked at and not what lies deeper; or one file.
        reference: likewise; if both are files, they are a pair whatever their names.
        matches: tells which entries count.

    Returns:
        Pairs in the order of their names.

    Raises:
        ValueError: nothing to score, a file without partner, or two entries of one name in a folder.
    """
    if reference.is_file() and hypothesis.is_file():
        return [Pair(reference.stem, hypothesis, reference)]
    hypotheses, references = _entries(hypothesis, matches), _entries(reference, matches)
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
    return [Pair(name, hypotheses[name], references[name]) for name in sorted(references)]


def order_of(hypotheses: Sequence[str], references: Sequence[str]) -> list[int]:
    """Find each reference's partner among the names of a hypothesis file's sequences: the position of each.

    By name, in whatever order, where both files have names; by position where one has none, or only positions as names.
    A ValueError for other names, or another number of sequences, says what is held and what is lacking.

    Example:
        >>> order_of(["b", "c", "a"], ["a", "b", "c"]), order_of(["0", "1"], ["a", "b"])
        ([2, 0, 1], [0, 1])
    """
    if len(set(references)) == len(references) and sorted(references) == sorted(hypotheses):
        places = {name: place for place, name in enumerate(hypotheses)}
        return [places[name] for name in references]
    lacking = sorted(set(references) - set(hypotheses))
    if _named(references) and _named(hypotheses) and lacking:
        extra = sorted(set(hypotheses) - set(references))
        raise ValueError(
            f"must hold the same sequences, but the hypothesis lacks {len(lacking)} of {len(references)}: "
            f"{_listed(lacking)}" + (f"; and holds {_listed(extra)} beside" if extra else "")
        )
    if len(references) != len(hypotheses):
        raise ValueError(f"must hold as many sequences, but hold {len(references)} and {len(hypotheses)}")
    return list(range(len(references)))


def _named(names: Sequence[str]) -> bool:
    return any(name not in ("", str(place)) for place, name in enumerate(names))


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
        raise ValueError(f"{place} must hold files to score, but holds none in a known format{_hint(place)}.")
    return entries


def _hint(place: Path) -> str:
    """Tell with which option the files of a folder are scored."""
    suffixes = {path.suffix.lower() for path in place.iterdir() if not path.name.startswith(".")}
    if suffixes & VIDEO_SUFFIXES:
        return "; it holds videos: add --video"
    if ".pose" in suffixes:
        return "; it holds poses: leave out --video"
    return "; files of sentences are given one by one, with --text" if ".txt" in suffixes else ""


def _listed(names: list[str], *, most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
