"""Choose what is spelled: frequent words, phrases, letter strings; no word in two splits.

Words come from `wordfreq` (its lists of frequent words, CC BY-SA 4.0), so that letters follow each other as they
do in life. Names and other languages hold pairs that English hardly has: letter strings drawn so that every pair of
letters occurs fill them up, in training and, others, in development and test.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from signdiff_slp.corpora.clips import ALPHABET
from signdiff_slp.corpora.letters import plain
from signdiff_slp.corpora.writer import SPLITS

ALWAYS_HELD_OUT: Final = ("hello", "world")
"""Words of the examples in the documentation: what they show, no model has been trained on."""

_LONGEST_PHRASE: Final = 20
_PAIR_AT_LEAST: Final = 12


@dataclass(frozen=True, kw_only=True)
class Item:
    """One text of a split, letters and single spaces, with the language's code in a corpus of several.

    Its name is unique in the corpus, and its first part the kind: word, phrase, string or letter.
    """

    name: str
    text: str
    language: str = ""

    @property
    def tagged(self) -> str:
        """The text as the corpus holds it: after the tag of its language, if it has one."""
        return f"<{self.language}> {self.text}" if self.language else self.text


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How many items of each kind a split holds."""

    words: int
    phrases: int
    strings: int
    letters: int = 0

    def scaled(self, share: float) -> Sizes:
        """Make a smaller split of the same kind; at least one word and one letter string."""
        return Sizes(
            words=max(1, round(self.words * share)),
            phrases=round(self.phrases * share),
            strings=max(1, round(self.strings * share)),
            letters=round(self.letters * share),
        )


FULL: Final[Mapping[str, Sizes]] = {
    "train": Sizes(words=4200, phrases=1000, strings=696, letters=104),
    "dev": Sizes(words=120, phrases=50, strings=30),
    "test": Sizes(words=100, phrases=70, strings=50),
}
"""6,000 items to train with, 200 to develop with, 220 to test with."""


def frequent_words(count: int = 30000) -> list[str]:
    """List frequent English words of 2 to 12 letters a to z among ``count`` entries, the most frequent first."""
    return [word for word in _top("en", count, "large") if re.fullmatch("[a-z]{2,12}", word)]


def frequent_words_of(spoken: str, letters: Collection[str], count: int = 30000) -> list[str]:
    """List frequent words of a language (ISO 639-1), as `frequent_words`, folded to an alphabet."""
    folded = (fold(word, letters) for word in _top(spoken, count, "best"))
    return list(dict.fromkeys(word for word in folded if 2 <= len(word) <= 12))


def fold(word: str, letters: Collection[str]) -> str:
    """Write a word with the letters of an alphabet, small; ß is ss. Empty if it has another character.

    Marks that the alphabet has no letter for are left out.

    >>> fold("Straße", "aerstuß"), fold("Straße", "aerst"), fold("año", "ano"), fold("c3po", "cop")
    ('straße', 'strasse', 'ano', '')
    """
    folded = []
    for character in unicodedata.normalize("NFC", word.lower()):
        candidates = (character, plain(character), "ss" if character == "ß" else character)
        fitting = [candidate for candidate in candidates if set(candidate) <= set(letters)]
        if not fitting:
            return ""
        folded.append(fitting[0])
    return "".join(folded)


def _top(spoken: str, count: int, wordlist: str) -> list[str]:
    try:
        from wordfreq import top_n_list
    except ModuleNotFoundError:
        raise ModuleNotFoundError("the word list needs wordfreq: pip install 'signdiff-slp[corpora]'.") from None
    return list(top_n_list(spoken, count, wordlist=wordlist))


def choose(
    vocabulary: Sequence[str],
    rng: np.random.Generator,
    sizes: Mapping[str, Sizes] = FULL,
    *,
    alphabet: Sequence[str] = ALPHABET,
    held_out: Sequence[str] = ALWAYS_HELD_OUT,
) -> dict[str, list[Item]]:
    """Choose the texts of all splits, which share no word, no letter string, and no word of a phrase.

    ``vocabulary`` has words of the alphabet's letters, the most frequent first; a ``ValueError`` says if it is too
    small. Words of ``held_out`` come to test, whatever is drawn.
    """
    needed = {split: sizes[split].words + sizes[split].phrases // 2 for split in ("test", "dev")}
    # Held-out words come from among the more frequent ones: those are what people spell.
    pool = [word for word in vocabulary[:12000] if word not in held_out]
    if len(pool) < sum(needed.values()) + 100:
        raise ValueError(f"vocabulary must hold more than {sum(needed.values()) + 100} words, but holds {len(pool)}.")
    shuffled = [pool[index] for index in rng.permutation(len(pool))]
    test = [*held_out, *shuffled][: needed["test"]]
    dev = shuffled[needed["test"] : needed["test"] + needed["dev"]]
    taken = {*test, *dev, *held_out}
    words = {"train": [word for word in vocabulary if word not in taken], "dev": dev, "test": test}

    used: set[str] = set(vocabulary)
    chosen = {}
    for split in SPLITS:
        size = sizes[split]
        singles = words[split][: size.words]
        phrases = _phrases(words[split], size.phrases, rng)
        balanced = split == "train"
        strings = _strings([*singles, *phrases], size.strings, rng, used, alphabet, balanced=balanced)
        kinds = {
            "word": singles,
            "phrase": phrases,
            "string": strings,
            "letter": [alphabet[index % len(alphabet)] for index in range(size.letters)],
        }
        chosen[split] = [
            Item(name=f"{split}-{kind}-{index:04}", text=text)
            for kind, texts in kinds.items()
            for index, text in enumerate(texts)
        ]
    return chosen


def pair_counts(texts: Sequence[str]) -> Counter[str]:
    """Count how often letters follow each other within words."""
    return Counter(a + b for text in texts for word in text.split() for a, b in pairwise(word))


def _phrases(words: Sequence[str], count: int, rng: np.random.Generator) -> list[str]:
    phrases: dict[str, None] = {}
    tries = 0
    while len(phrases) < count:
        tries += 1
        if tries > 100 * count:
            raise ValueError(f"vocabulary must make {count} different phrases, but made {len(phrases)}.")
        number = 3 if rng.random() < 0.15 else 2
        # Squaring prefers frequent words: phrases are made of them.
        phrase = " ".join(words[int(len(words) * rng.random() ** 2)] for _ in range(number))
        if len(phrase) <= _LONGEST_PHRASE:
            phrases[phrase] = None
    return list(phrases)


def _strings(
    texts: Sequence[str],
    count: int,
    rng: np.random.Generator,
    used: set[str],
    alphabet: Sequence[str],
    *,
    balanced: bool,
) -> list[str]:
    counts = pair_counts(texts)
    strings: list[str] = []
    while len(strings) < count:
        length = int(rng.integers(3, 9))
        string = alphabet[int(rng.integers(len(alphabet)))]
        while len(string) < length:
            string += _next_letter(string[-1], counts, rng, alphabet, balanced=balanced)
        if string in used:
            continue
        used.add(string)
        strings.append(string)
        counts.update(pair_counts([string]))
    return strings


def _next_letter(
    before: str, counts: Counter[str], rng: np.random.Generator, alphabet: Sequence[str], *, balanced: bool
) -> str:
    rare = [letter for letter in alphabet if counts[before + letter] < _PAIR_AT_LEAST] if balanced else []
    candidates = rare or list(alphabet)
    return candidates[int(rng.integers(len(candidates)))]
