"""Small real models and corpora for the tests of signdiff-slp."""

import os
from pathlib import Path

# Without the first, a broken extension is one line of a log; the second keeps tests off a GPU that happens to be there.
os.environ.setdefault("FAIRSEQ2_EXTENSION_TRACE", "1")
os.environ.setdefault("FAIRSEQ2_DEVICE", "cpu")

import numpy as np
import pytest

# Before any test module imports fairseq2, which needs the library that this preloads.
import signdiff_slp  # noqa: F401

LETTERS = "abcdefgh"


def _write_split(folder, split, words, rng):
    """A made-up alphabet: every letter is a random hand shape, held for five frames."""
    from signdiff_core.skeleton import LEFT_WRIST, RIGHT_WRIST

    shapes = np.random.default_rng(7).normal(scale=0.1, size=(len(LETTERS), 50, 3))
    base = np.random.default_rng(8).normal(scale=0.3, size=(50, 3))
    base[8], base[29] = base[LEFT_WRIST], base[RIGHT_WRIST]
    rows, chunks, offset = [], [], 0
    for number, word in enumerate(words):
        keys = np.concatenate([base[None], base + shapes[[LETTERS.index(c) for c in word]], base[None]])
        times = np.linspace(0, len(keys) - 1, 5 * (len(word) + 1) + int(rng.integers(0, 2)))
        left = np.minimum(times.astype(int), len(keys) - 2)
        share = (times - left)[:, None, None]
        poses = ((1 - share) * keys[left] + share * keys[left + 1]).reshape(len(times), 150)
        rows.append(f"{split}-{number:04d}\t{offset}\t{len(poses)}\t{word}\n")
        offset += len(poses)
        chunks.append(poses.astype(np.float32))
    (folder / f"{split}.tsv").write_text("".join(rows), encoding="utf-8")
    np.save(folder / f"{split}.poses.npy", np.concatenate(chunks))


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    """A folder with the splits train (48 examples), dev (5) and test (3)."""
    folder = tmp_path_factory.mktemp("corpus")
    rng = np.random.default_rng(0)
    for split, number in (("train", 48), ("dev", 5), ("test", 3)):
        words = ["".join(rng.choice(list(LETTERS), size=rng.integers(2, 6))) for _ in range(number)]
        _write_split(folder, split, words, rng)
    return folder


@pytest.fixture
def make_model():
    """Makes tiny models: ``make_model(just_counter=False, ...)``."""
    import torch

    from signdiff_slp.models.progressive import ProgressiveConfig, create_model

    def make(seed=0, **settings):
        config = {
            "model_dim": 16,
            "vocab_size": 31,
            "num_heads": 2,
            "ffn_inner_dim": 32,
            "num_encoder_layers": 1,
            "num_decoder_layers": 2,
            "counter": "rate",
            "variant": "fairseq2",
            "clock": "token",
            "just_counter": True,
        }
        torch.manual_seed(seed)
        model = create_model(ProgressiveConfig(**(config | settings)))
        model.standardizer.rest.normal_()
        model.standardizer.mean.normal_()
        return model.eval()

    return make


@pytest.fixture
def sign_steadily():
    """Makes a model advance its counter by 1/T whatever it reads."""
    import math

    import torch

    def change(model, num_frames):
        with torch.no_grad():
            counters = slice(model.config.pose_dim, None, model.config.pose_dim + 1)
            model.final_proj.weight[counters].zero_()
            model.final_proj.bias[counters] = math.log(100 / num_frames)
        return model

    return change


@pytest.fixture
def realdata():
    """The folder with samples of real corpora."""
    folder = os.environ.get("SIGNDIFF_REALDATA")
    if not folder:
        pytest.skip("SIGNDIFF_REALDATA names no folder with samples of real corpora")
    return Path(folder)
