"""A long job in shards: what is to be done, what of it is stored already, and what a finished one was made of.

A shard is done and stored together, such as the clips of an archive. The key of each item says what comes of it: the
settings, the code, and its files' names, sizes and times. What is stored under a key is what doing the item again would
make, so a stopped run resumes where it was. Which items share a shard depends on their order alone, not on what was
finished before, nor on how many workers there are: so do the bytes.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from signdiff_core.wording import count_clips, different_clips, different_settings

_MANIFEST: Final = "manifest.json"

Item = TypeVar("Item")
"""What a job is done to, such as a clip. It is pickled."""


@dataclass(frozen=True, kw_only=True)
class Shard(Generic[Item]):
    """Items that are done and stored together. It is pickled.

    Attributes:
        number: its place, from 0.
        items: by name.
        keys: of the items, by name.
    """

    number: int
    items: Mapping[str, Item]
    keys: Mapping[str, str]

    @property
    def key(self) -> str:
        """Tells shards of other inputs, settings or code apart."""
        return hashlib.sha256("".join(self.keys.values()).encode()).hexdigest()[:16]


class Work(ABC, Generic[Item]):
    """How a shard is done. It is pickled, and called in other processes.

    What `process` stores is there whole or not at all, and depends on nothing but the shard: it may be done again.
    """

    def begin(self) -> None:
        """Set up a process, before each shard or once."""

    @abstractmethod
    def process(self, shard: Shard[Item], lethal: Collection[str] = ()) -> None:
        """Do a shard, unless it is stored already.

        An item that fails is stored as such and stops nothing.

        Args:
            shard: what to do.
            lethal: names of items that killed a process; they are stored as failures and not touched again.

        Raises:
            OSError: the shard cannot be stored, which ends the job.
        """

    @abstractmethod
    def attempt(self, shard: Shard[Item], name: str) -> None:
        """Do one item, to see whether the process lives through it; it need not be stored.

        Errors of the item do not matter.
        """

    @abstractmethod
    def is_stored(self, shard: Shard[Item]) -> bool:
        """Tell whether a shard is done."""

    def count_left(self, shard: Shard[Item]) -> int:
        """Count the items of a shard that are not done."""
        return 0 if self.is_stored(shard) else len(shard.items)


def plan(items: Mapping[str, Item], shared: object, facts: Callable[[Item], object], *, size: int) -> list[Shard[Item]]:
    """Divide items into shards.

    Args:
        items: by name, in their order.
        shared: what decides all results, as JSON values: settings and versions.
        facts: gives what else decides the result of an item, as JSON values.
        size: how many items make a shard.

    Example:
        >>> [list(shard.items) for shard in plan({"a": 1, "b": 2, "c": 3}, {"fps": 25}, str, size=2)]
        [['a', 'b'], ['c']]
    """
    common = _hash(shared)
    keys = {name: _hash([common, name, facts(item)]) for name, item in items.items()}
    names = list(items)
    parts = [names[start : start + size] for start in range(0, len(names), size)]
    return [
        Shard(number=number, items={name: items[name] for name in part}, keys={name: keys[name] for name in part})
        for number, part in enumerate(parts)
    ]


@contextmanager
def noting_what_is_kept(
    shards: Sequence[Shard[Item]], work: Work[Item], home: Path, clear: Callable[[], object]
) -> Iterator[None]:
    """Note on what ends the block how much of a job is finished, and how to resume.

    Args:
        shards: all of them.
        work: what stores them.
        home: where they are stored.
        clear: removes what is there if nothing is finished.
    """
    try:
        yield
    except BaseException as error:
        total = sum(len(shard.items) for shard in shards)
        finished = total - sum(work.count_left(shard) for shard in shards)
        if finished:
            error.add_note(
                f"{finished:,} of {total:,} clips are finished ({home}), and the same command resumes after them"
            )
        else:
            clear()
        raise


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
        """Write it into a folder."""
        content = json.dumps(vars(self), ensure_ascii=False, indent=2)
        (folder / _MANIFEST).write_text(content + "\n", encoding="utf-8")


def is_made(output: Path) -> bool:
    """Tell whether there is an output already; `finished` tells which.

    Raises:
        FileExistsError: there is something else.
    """
    is_there = output.exists() and (not output.is_dir() or any(output.iterdir()))
    if is_there and not (output / _MANIFEST).is_file():
        raise _not_ours(output)
    return is_there


def finished(
    output: Path,
    now: Manifest,
    hashes: Callable[[str], object],
    *,
    what: str,
    before: Mapping[str, Any] | None = None,
    gone: Collection[str] = (),
) -> str:
    """Say that an output is finished, if it is the one that is asked for.

    Args:
        output: with a manifest.
        now: that of what is asked for, without ``inputs``.
        hashes: gives, by its name, what ``inputs`` would have of a clip; a clip that it fails on is another one.
        what: is hashed in ``texts``, such as "caption".
        before: values of settings that earlier versions did not name.
        gone: names of settings that only earlier versions had; what they were is said, and makes no difference.

    Raises:
        FileExistsError: it was made of other inputs or with other settings, which the message names; or it is nothing
            that has a manifest.
    """
    try:
        known = json.loads((output / _MANIFEST).read_text(encoding="utf-8"))
        was = {**(before or {}), **known["settings"], **known.get("options", {})}
        dropped = [f"{name} {was.pop(name)}" for name in gone if name in was]
        inputs, texts = dict(known["inputs"]), known["texts"]
        differ = different_settings(was, {**now.settings, **now.options}) + different_clips(texts, now.texts, what)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        raise _not_ours(output) from None
    if not differ:
        changed = [name for name in now.texts if name in inputs and _or_none(hashes, name) != inputs[name]]
        differ = count_clips(changed, "have another content")
    if differ:
        raise FileExistsError(f"{output} is finished, but of other inputs or settings: {'; '.join(differ)}.")
    by = "" if known.get("versions") == now.versions else ", by other versions of the code or its libraries"
    but = f" (but for {', '.join(dropped)}, which are settings no more)" if dropped else ""
    return f"{output} is finished: it was made of the same inputs with the same settings{but}{by}."


def _or_none(hashes: Callable[[str], object], name: str) -> object:
    try:
        return hashes(name)
    except (OSError, ValueError):
        return None


def _not_ours(output: Path) -> FileExistsError:
    return FileExistsError(f"output must be new or empty, or what the same command made, but {output} is not.")


def versions(package: str, *libraries: str) -> dict[str, str]:
    """Name the code that computes: versions of distributions, and as ``code`` a hash of a package's modules.

    Args:
        package: such as ``signdiff_core.prepare``.
        libraries: names of distributions.
    """
    digest = hashlib.sha256()
    folder = Path(str(files(package)))
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return {**{name: version(name) for name in libraries}, "code": digest.hexdigest()[:16]}


def content_hash(path: Path, *more: str) -> str:
    """Hash a file, or the files of a folder with their names; and what else belongs to it.

    Raises:
        OSError: it cannot be read.
    """
    digest = hashlib.sha256()
    for file in _files(path):
        if path.is_dir():
            digest.update(f"{file.name}\n".encode())
        with file.open("rb") as content:
            while block := content.read(1 << 20):
                digest.update(block)
    for text in more:
        digest.update(text.encode())
    return digest.hexdigest()


def signature(path: Path) -> list[tuple[str, int, int]]:
    """Give names, sizes and times of a file, or of the files of a folder; -1 where reading them will fail.

    To read 30,000 clips in order to know whether they changed would take hours.
    """
    found = []
    for file in _files(path):
        try:
            status = file.stat()
        except OSError:
            found.append((file.name, -1, -1))
        else:
            found.append((file.name, status.st_size, status.st_mtime_ns))
    return found


def _files(path: Path) -> list[Path]:
    return sorted(file for file in path.iterdir() if file.is_file()) if path.is_dir() else [path]


def _hash(content: object) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]
