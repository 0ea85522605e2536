from collections import Counter
from itertools import product

import numpy as np
import pytest

pytest.importorskip("scipy", reason="needs signdiff-slp[corpora]")

from signdiff_slp.corpora.clips import ALPHABET
from signdiff_slp.corpora.words import (
    ALWAYS_HELD_OUT,
    FULL,
    SPLITS,
    Sizes,
    choose,
    fold,
    frequent_words,
    frequent_words_of,
    pair_counts,
)


@pytest.fixture(scope="module")
def chosen():
    pytest.importorskip("wordfreq", reason="needs signdiff-slp[corpora]")
    return choose(frequent_words(), np.random.default_rng(0))


def words(items) -> set[str]:
    return {word for item in items if "-letter-" not in item.name for word in item.text.split()}


def test_sizes(chosen):
    assert {split: len(chosen[split]) for split in SPLITS} == {"train": 6000, "dev": 200, "test": 220}
    kinds = Counter(item.name.split("-")[1] for item in chosen["test"])
    assert kinds == {"word": 100, "phrase": 70, "string": 50}


def test_no_word_is_in_two_splits(chosen):
    train, dev, test = (words(chosen[split]) for split in SPLITS)
    assert not train & dev
    assert not train & test
    assert not dev & test


def test_words_of_the_examples_are_held_out(chosen):
    assert set(ALWAYS_HELD_OUT) <= words(chosen["test"])


def test_every_pair_of_letters_is_trained(chosen):
    texts = [item.text for item in chosen["train"]]
    counts = pair_counts(texts)
    assert [a + b for a, b in product(ALPHABET, repeat=2) if not counts[a + b]] == []
    assert min(counts.values()) >= 2


def test_names_are_unique_and_texts_are_letters(chosen):
    items = [item for split in SPLITS for item in chosen[split]]
    assert len({item.name for item in items}) == len(items)
    assert all(word.isascii() and word.isalpha() and word.islower() for item in items for word in item.text.split(" "))


def test_a_seed_draws_the_same(chosen):
    assert choose(frequent_words(), np.random.default_rng(0)) == chosen
    assert choose(frequent_words(), np.random.default_rng(1)) != chosen


def test_a_small_vocabulary_is_an_error():
    with pytest.raises(ValueError, match="more than 380 words, but holds 2"):
        choose(["one", "two"], np.random.default_rng(0), FULL)


def test_pairs_are_counted_within_words():
    assert pair_counts(["ab ba", "abb"]) == {"ab": 2, "ba": 1, "bb": 1}


def test_words_are_folded_to_an_alphabet():
    german, plain = "abcdefghijklmnopqrstuvwxyzßäöü", "abcdefghijklmnopqrstuvwxyz"
    assert fold("Größe", german) == "größe"
    assert fold("Größe", plain) == "grosse"
    assert fold("GRO\u0308ßE", german) == "größe"
    assert [fold(word, plain) for word in ("naïve", "c-3", "дом", "don't")] == ["naive", "", "", ""]


def test_words_of_another_language():
    pytest.importorskip("wordfreq", reason="needs signdiff-slp[corpora]")
    words = frequent_words_of("de", "abcdefghijklmnopqrstuvwxyz", 1000)
    assert "fur" in words  # für, folded
    assert len(set(words)) == len(words)
    assert all(2 <= len(word) <= 12 for word in words)


def test_another_alphabet_has_its_own_strings_and_letters():
    alphabet = "дзщює"
    vocabulary = ["".join(word) for word in product(alphabet, repeat=4)]
    sizes = {
        "train": Sizes(words=5, phrases=2, strings=3, letters=7),
        "dev": Sizes(words=2, phrases=1, strings=2),
        "test": Sizes(words=2, phrases=1, strings=2),
    }
    chosen = choose(vocabulary, np.random.default_rng(0), sizes, alphabet=alphabet, held_out=())
    assert set("".join(item.text for items in chosen.values() for item in items)) <= {*alphabet, " "}
    assert [item.text for item in chosen["train"] if "-letter-" in item.name] == [*alphabet, *alphabet[:2]]
