"""A corpus from ``.skels`` files, such as PHOENIX14T's: ``{split}.skels`` beside ``{split}.text`` or ``{split}.gloss``.

Coordinates come as `signdiff_core.formats` reads them: the published files are mirrored in x and deep in the other
direction, which is half a turn, and the signer comes to face the viewer. Counter, neck and scale are checked; the
counter is not kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from signdiff_core.formats import FormatError, iter_skels
from signdiff_core.formats.files import read_lines
from signdiff_core.provenance import read_mark
from signdiff_core.skeleton import joints_of
from signdiff_slp.corpora.filling import fill_absent
from signdiff_slp.corpora.writer import SPLITS, CorpusWriter, Report

if TYPE_CHECKING:
    from pose_format import Pose

    Named = tuple[str, Pose | FormatError]


def import_skels(
    folder: Path,
    output: Path,
    *,
    source: Literal["text", "gloss"] = "text",
    variant: Literal["pt", "prompt2sign"] | None = None,
    ignore_counter: bool = False,
    normalise: bool = False,
    progress: Callable[[Iterable[Named], str], Iterable[Named]] | None = None,
) -> Report:
    """Make a new corpus of the splits train, dev and test that a folder holds; the report says what was left out.

    The folder holds ``{split}.skels`` and, line by line parallel, ``{split}.{source}``; clips are named by the
    ``{split}.files`` beside them, else by their line. ``variant`` is the convention that the files must follow; it is
    found out for each line if not given. Without ``ignore_counter``, a clip whose counter is not that of the
    convention, within its decimals, is left out. ``normalise`` puts necks at the origin and shoulders 1/3 apart;
    without it, clips of another scale are left out. ``progress`` wraps a split's clips, given its name.

    Raises a ``FileNotFoundError`` if a file is missing, or there is no split, a ``FileExistsError`` if ``output`` holds
    something, a ``ValueError`` if files are not parallel, a text is not in UTF-8, or no clip is left.
    """
    splits = [split for split in SPLITS if (folder / f"{split}.skels").is_file()]
    if not splits:
        raise FileNotFoundError(f"folder must hold train.skels, dev.skels or test.skels, but {folder} does not.")
    texts = {split: _read_lines(folder / f"{split}.{source}") for split in splits}
    if not any(texts.values()):
        empty = " and ".join(f"{split}.{source} is empty" for split in splits)
        raise ValueError(f"{folder} must hold a line for each clip, but {empty}.")
    origin: dict[str, Any] = {"format": "skels", "source": source}
    origin |= {"counter": "ignored" if ignore_counter else "checked", "normalised": normalise}
    with CorpusWriter(output, origin) as writer:
        for split in splits:
            mark = read_mark(folder / f"{split}.skels")
            clips: Iterable[Named] = _clips(
                folder / f"{split}.skels", variant=variant, ignore_counter=ignore_counter, normalise=normalise
            )
            if progress is not None:
                clips = progress(clips, split)
            for line, (clip, text) in enumerate(zip_longest(clips, texts[split]), start=1):
                if clip is None or text is None:
                    raise ValueError(
                        f"{split}.skels and {split}.{source} must have as many lines, but the latter has "
                        f"{len(texts[split])}."
                    )
                name, pose = clip
                _add(writer, split, line, name, pose, text, mark)
    return writer.report


def _clips(path: Path, **reading: Any) -> Iterator[Named]:
    """All clips with their names; for one that is broken, what is wrong with it."""
    broken: list[Named] = []
    for named in iter_skels(path, on_broken=lambda *found: broken.append(found), corpus=True, **reading):
        yield from broken
        broken.clear()
        yield named
    yield from broken


def _add(
    writer: CorpusWriter,
    split: str,
    line: int,
    name: str,
    pose: Pose | FormatError,
    text: str,
    mark: dict[str, Any] | None,
) -> None:
    # Without a file of names, lines are numbered, in every split from 0.
    name = f"{split}-{name}" if name.isdecimal() else name
    if isinstance(pose, FormatError):
        writer.leave_out(name, str(pose))
        return
    joints, confidence = joints_of(pose)
    filled = float((confidence == 0).mean())
    try:
        writer.add(split, name, text, fill_absent(joints, confidence), filled=filled, mark=mark)
    except ValueError as error:
        writer.leave_out(name, f"{split}.skels, line {line}: {error}")


def _read_lines(path: Path) -> list[str]:
    if not path.is_file():
        raise FileNotFoundError(f"folder must hold {path.name} beside its .skels, but {path.parent} does not.")
    return read_lines(path)
