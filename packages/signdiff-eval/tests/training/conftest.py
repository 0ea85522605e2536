from itertools import pairwise

import numpy as np
import pytest

LETTERS = "abcd"


def spelled(text, rng, frames=6):
    """A made-up manual alphabet: each letter puts the joints somewhere else, with a turn between them."""
    places = np.random.default_rng(7).normal(size=(len(LETTERS), 5, 3))
    keys = [np.zeros((5, 3)), *(places[LETTERS.index(letter)] for letter in text), np.zeros((5, 3))]
    parts = []
    for before, after in pairwise(keys):
        weight = np.linspace(0, 1, 4)[:, None, None]
        parts += [before * (1 - weight) + after * weight, np.repeat(after[None], frames - 2, axis=0)]
    joints = np.concatenate(parts)
    return (joints + rng.normal(scale=0.01, size=joints.shape)).astype(np.float32)


def write_corpus(folder, sizes, seed=0):
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for split, size in sizes.items():
        rows, poses, start = [], [], 0
        for number in range(size):
            text = "".join(rng.choice(list(LETTERS), rng.integers(1, 5)))
            joints = spelled(text, rng)
            rows.append(f"{split}-word-{number:04d}\t{start}\t{len(joints)}\t{text}\n")
            poses.append(joints.reshape(len(joints), -1))
            start += len(joints)
        (folder / f"{split}.tsv").write_text("".join(rows))
        np.save(folder / f"{split}.poses.npy", np.concatenate(poses))
    return folder


@pytest.fixture
def spell():
    return spelled


@pytest.fixture
def corpus(tmp_path):
    return write_corpus(tmp_path / "corpus", {"train": 48, "dev": 8, "test": 8})


@pytest.fixture
def make_corpus():
    return write_corpus
