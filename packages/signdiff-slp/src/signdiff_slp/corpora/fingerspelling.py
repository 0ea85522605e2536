"""Write the fingerspelling corpus: texts and how they are spelled, split by word.

A folder holds, for each of train, dev and test:

- ``{split}.tsv``: one line an item: name, first frame, number of frames, text;
- ``{split}.poses.npy``: (sum of T, 150) float32, all items one after another, joints first (`signdiff_core.skeleton`);
- ``{split}.holds.jsonl``: one line an item, ``{"name": ..., "holds": [[letter, start, end], ...]}``, frames counted
  from the item's first;

and ``statistics.safetensors`` (``mean`` and ``std``, (150,), of the frames of train) and ``README.md``, its data card.

In a corpus of several languages, each text starts with the tag of its language and a space, ``<gsg> wort``, which the
character tokenizer encodes as one token; each language has as many items as ASL alone has by default.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import numpy as np

from signdiff_core.atomic import replacing
from signdiff_slp.corpora.languages import SignedLanguage
from signdiff_slp.corpora.letters import load_letters
from signdiff_slp.corpora.stitch import Spelling, spell
from signdiff_slp.corpora.words import FULL, Item, Sizes, choose, frequent_words, frequent_words_of
from signdiff_slp.corpora.writer import SPLITS, SplitWriter, write_statistics


@dataclass(frozen=True, kw_only=True)
class SplitSummary:
    """What a split holds: texts, and the frames and letters of all of them, spaces not counted."""

    items: int
    frames: int
    letters: int


def build(
    folder: Path,
    *,
    seed: int = 0,
    sizes: Mapping[str, Sizes] = FULL,
    vocabulary: Sequence[str] | None = None,
    progress: Callable[[Iterable[Item], str], Iterable[Item]] | None = None,
    languages: Sequence[SignedLanguage] = (),
) -> dict[str, SplitSummary]:
    """Build the corpus. The same arguments make the same bytes.

    Args:
        folder: where to; must not exist yet, or be empty, or a ``FileExistsError`` says so.
        seed: draws words, phrases and timing.
        sizes: how many items of each kind train, dev and test hold.
        vocabulary: words, the most frequent first; those of `words.frequent_words` if it is not given. A ``ValueError``
            says if it is too small, or given with several languages.
        progress: wraps a split's items, given its name, to show how far it is.
        languages: the signed languages; ASL, without tags, if none is given.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"folder must be new or empty, but {folder} is not.")
    chosen = items(seed=seed, sizes=sizes, vocabulary=vocabulary, languages=languages)
    folder.parent.mkdir(parents=True, exist_ok=True)
    summaries = {}
    with replacing(folder, folder=True) as partial:
        for split in SPLITS:
            texts = progress(chosen[split], split) if progress is not None else chosen[split]
            writer, summaries[split] = _write_split(partial, split, spelled(texts, split, seed=seed))
            if split == "train" and languages:
                writer.write_statistics(partial / "statistics.safetensors")
        if not languages:
            frames = np.load(partial / "train.poses.npy", mmap_mode="r")
            mean, std = frames.mean(axis=0, dtype=np.float64), frames.std(axis=0, dtype=np.float64)
            write_statistics(partial / "statistics.safetensors", mean, std)
        sources = {name: version(name) for name in ("spoken-to-signed", "wordfreq")}
        card = data_card(summaries, seed=seed, sources=sources, languages=languages)
        (partial / "README.md").write_text(card, encoding="utf-8")
    return summaries


def items(
    *,
    seed: int = 0,
    sizes: Mapping[str, Sizes] = FULL,
    vocabulary: Sequence[str] | None = None,
    languages: Sequence[SignedLanguage] = (),
) -> dict[str, list[Item]]:
    """Choose the texts of train, dev and test, as `build` does with the same arguments.

    What is chosen for a language does not depend on which others there are; for ASL, it is what is chosen for ASL
    alone, so that models of one language and of several can be compared on words that neither has seen.
    """
    if not languages:
        words = frequent_words() if vocabulary is None else vocabulary
        return choose(words, np.random.default_rng(seed), sizes)
    if vocabulary is not None:
        raise ValueError("vocabulary must not be given with languages, whose words are their own, but is.")
    chosen: dict[str, list[Item]] = {split: [] for split in SPLITS}
    for language in languages:
        for split, found in _items_of(language, seed, sizes).items():
            for item in found:
                _, kind, index = item.name.split("-")
                name = f"{split}-{kind}-{language.code}-{index}"
                chosen[split].append(Item(name=name, text=item.text, language=language.code))
    return chosen


def _items_of(language: SignedLanguage, seed: int, sizes: Mapping[str, Sizes]) -> dict[str, list[Item]]:
    if language.code == "ase":
        return items(seed=seed, sizes=sizes)
    letters = list(load_letters(language=language.code))
    rng = np.random.default_rng((seed, *language.code.encode()))
    return choose(frequent_words_of(language.spoken, letters), rng, sizes, alphabet=letters, held_out=())


def spelled(texts: Iterable[Item], split: str, *, seed: int = 0) -> Iterator[tuple[Item, Spelling]]:
    """Spell a split's items one by one, from its first on, as `build` does with the same arguments."""
    for index, item in enumerate(texts):
        rng = np.random.default_rng((seed, SPLITS.index(split), index))
        yield item, spell(item.text, rng=rng, language=item.language or "ase")


def _write_split(
    folder: Path, split: str, spellings: Iterable[tuple[Item, Spelling]]
) -> tuple[SplitWriter, SplitSummary]:
    writer = SplitWriter(folder, split)
    letters = 0
    with (folder / f"{split}.holds.jsonl").open("w", encoding="utf-8") as holds:
        for item, spelling in spellings:
            writer.add(item.name, item.tagged, spelling.joints)
            rows = [(hold.letter, hold.start, hold.end) for hold in spelling.holds]
            holds.write(json.dumps({"name": item.name, "holds": rows}, ensure_ascii=False) + "\n")
            letters += len(spelling.holds)
    writer.close()
    return writer, SplitSummary(items=writer.clips, frames=writer.frames, letters=letters)


def data_card(
    summaries: Mapping[str, SplitSummary],
    *,
    seed: int,
    sources: Mapping[str, str],
    languages: Sequence[SignedLanguage] = (),
) -> str:
    """Write the data card, Markdown; ``sources`` are the versions of ``spoken-to-signed`` and ``wordfreq``."""
    rows = "\n".join(
        f"| {split} | {summary.items} | {summary.frames} | {summary.letters} | {summary.frames / summary.letters:.1f} |"
        for split, summary in summaries.items()
    )
    known = {"seed": seed, "rows": rows, "clips": sources["spoken-to-signed"], "words": sources["wordfreq"]}
    if languages:
        named = [f"| `{each.tag}` | {each.name} | {' '.join(load_letters(language=each.code))} |" for each in languages]
        codes = ",".join(language.code for language in languages)
        known |= {"count": len(languages), "codes": codes, "languages": "\n".join(named)}
    template = files("signdiff_slp.corpora") / ("card_languages.md" if languages else "card_ase.md")
    return template.read_text(encoding="utf-8").format(**known)
