import filecmp

import numpy as np
import pytest

pytest.importorskip("spoken_to_signed", reason="needs signdiff-slp[corpora]")

from safetensors.numpy import load_file

from signdiff_slp.corpora.fingerspelling import build, items
from signdiff_slp.corpora.languages import choose_languages
from signdiff_slp.corpora.read import read_split
from signdiff_slp.corpora.stitch import spell
from signdiff_slp.corpora.vocabulary import build_vocabulary
from signdiff_slp.corpora.words import SPLITS, Sizes
from signdiff_slp.text import split_tag
from signdiff_slp.tokenizers import CharacterTokenizerConfig
from signdiff_slp.tokenizers.character import load_character_tokenizer

SIZES = {
    "train": Sizes(words=6, phrases=2, strings=2, letters=2),
    "dev": Sizes(words=2, phrases=0, strings=1),
    "test": Sizes(words=2, phrases=0, strings=1),
}
VOCABULARY = [a + b + c for a in "bcdfghlm" for b in "aeiou" for c in "nprst"]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpora") / "fingerspelling"
    build(folder, seed=4, sizes=SIZES, vocabulary=VOCABULARY)
    return folder


def test_files_lie_side_by_side(corpus):
    names = {f"{split}{end}" for split in SPLITS for end in (".tsv", ".poses.npy", ".holds.jsonl")}
    assert {path.name for path in corpus.iterdir()} == names | {"statistics.safetensors", "README.md"}
    assert {path.stat().st_mode for path in corpus.iterdir()} == {(corpus / "README.md").stat().st_mode}
    assert [path.name for path in corpus.parent.iterdir()] == [corpus.name]


@pytest.mark.parametrize("split", SPLITS)
def test_table_covers_the_frames(corpus, split):
    poses = np.load(corpus / f"{split}.poses.npy")
    assert poses.dtype == np.float32
    assert poses.shape[1] == 150
    rows = [line.split("\t") for line in (corpus / f"{split}.tsv").read_text().splitlines()]
    offsets, frames = (np.array([int(row[column]) for row in rows]) for column in (1, 2))
    assert np.array_equal(offsets, np.cumsum([0, *frames[:-1]]))
    assert frames.sum() == len(poses)


def test_items_are_what_spelling_makes(corpus):
    example = read_split(corpus, "test")[1]
    expected = spell(example.text, rng=np.random.default_rng((4, 2, 1)))
    assert np.array_equal(example.joints, expected.joints)
    assert example.holds == expected.holds


def test_statistics_are_those_of_train(corpus):
    poses = np.load(corpus / "train.poses.npy").astype(np.float64)
    statistics = load_file(corpus / "statistics.safetensors")
    assert statistics["mean"] == pytest.approx(poses.mean(axis=0), abs=1e-6)
    assert statistics["std"] == pytest.approx(poses.std(axis=0), abs=1e-6)


def test_a_seed_makes_the_same_bytes(corpus, tmp_path):
    again = tmp_path / "again"
    build(again, seed=4, sizes=SIZES, vocabulary=VOCABULARY)
    names = [path.name for path in corpus.iterdir()]
    assert filecmp.cmpfiles(corpus, again, names, shallow=False) == (names, [], [])


def test_only_one_kind(corpus):
    assert [len(example.holds) for example in read_split(corpus, "train", kind="letter")] == [1, 1]


def test_a_full_folder_is_left_alone(corpus):
    with pytest.raises(FileExistsError, match="must be new or empty"):
        build(corpus, sizes=SIZES, vocabulary=VOCABULARY)


def test_nothing_stays_of_a_failure(tmp_path):
    with pytest.raises(ValueError, match="letters a to z"):
        build(tmp_path / "corpus", sizes=SIZES, vocabulary=[word.upper() for word in VOCABULARY])
    assert list(tmp_path.iterdir()) == []


def test_a_missing_split_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"dev\.tsv"):
        read_split(tmp_path, "dev")


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    pytest.importorskip("wordfreq", reason="needs signdiff-slp[corpora]")
    folder = tmp_path_factory.mktemp("corpora") / "several"
    build(folder, seed=4, sizes=SIZES, languages=choose_languages(["gsg", "ukl"]))
    return folder


def test_texts_of_several_languages_have_tags(several):
    for split, count in (("train", 12), ("test", 3)):
        examples = read_split(several, split)
        tags = [split_tag(example.text)[0] for example in examples]
        assert tags == ["<gsg>"] * count + ["<ukl>"] * count
        for example in examples:
            assert "".join(hold.letter for hold in example.holds) == split_tag(example.text)[1].replace(" ", "")
    assert [example.name for example in read_split(several, "test", kind="string")] == [
        "test-string-gsg-0000",
        "test-string-ukl-0000",
    ]


def test_what_a_language_has_does_not_depend_on_the_others(several):
    alone = items(seed=4, sizes=SIZES, languages=choose_languages(["ukl"]))
    texts = [example.text for example in read_split(several, "train") if example.text.startswith("<ukl>")]
    assert [item.tagged for item in alone["train"]] == texts


def test_asl_has_the_same_words_alone_and_among_others():
    alone = items(seed=4, sizes=SIZES)
    among = items(seed=4, sizes=SIZES, languages=choose_languages(["ase", "gsg"]))
    for split, chosen in alone.items():
        texts = [item.text for item in among[split] if item.language == "ase"]
        assert texts == [item.text for item in chosen]
        assert [item.text for item in among[split][: len(texts)]] == texts  # timing depends on the place


def test_tagged_items_are_what_spelling_makes_and_their_statistics_are_those_of_train(several):
    example = read_split(several, "test")[3]
    expected = spell(split_tag(example.text)[1], rng=np.random.default_rng((4, 2, 3)), language="ukl")
    assert np.array_equal(example.joints, expected.joints)
    poses = np.load(several / "train.poses.npy").astype(np.float64)
    statistics = load_file(several / "statistics.safetensors")
    assert statistics["mean"] == pytest.approx(poses.mean(axis=0), abs=1e-6)
    assert statistics["std"] == pytest.approx(poses.std(axis=0), abs=1e-6)
    assert "| `<ukl>` | Ukrainian Sign Language |" in (several / "README.md").read_text()


def test_a_vocabulary_of_tags_encodes_the_texts(several, tmp_path):
    build_vocabulary(several, tmp_path / "v.json", "character")
    tokenizer = load_character_tokenizer(tmp_path / "v.json", CharacterTokenizerConfig())
    assert tokenizer.tags == ("<gsg>", "<ukl>")
    for example in read_split(several, "train"):
        tokens = tokenizer.create_encoder()(example.text)
        assert len(tokens) == len(split_tag(example.text)[1]) + 3
        assert tokenizer.vocab_info.unk_idx not in tokens


def test_languages_bring_their_own_words(tmp_path):
    with pytest.raises(ValueError, match="vocabulary must not be given with languages"):
        build(tmp_path / "corpus", vocabulary=VOCABULARY, languages=choose_languages(["gsg"]))
