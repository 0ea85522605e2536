import filecmp

import numpy as np
import pytest

pytest.importorskip("spoken_to_signed", reason="needs signdiff-slp[corpora]")

from safetensors.numpy import load_file

from signdiff_slp.corpora.fingerspelling import build
from signdiff_slp.corpora.read import read_split
from signdiff_slp.corpora.stitch import spell
from signdiff_slp.corpora.words import SPLITS, Sizes

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
