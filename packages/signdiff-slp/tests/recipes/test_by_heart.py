"""Real sentences, learned by heart and signed freely from their texts: every sequence comes back."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("torch")

from signdiff_core.skeleton import joints_of
from signdiff_eval import functional
from signdiff_slp import TextToPose
from signdiff_slp.cli import main
from signdiff_slp.corpora.read import read_split
from signdiff_slp.export import export

pytestmark = [pytest.mark.slow, pytest.mark.realdata]


@pytest.fixture
def phoenix(realdata, tmp_path):
    corpus = tmp_path / "corpus"
    assert main(["corpus", "skels", str(realdata / "phoenix14t-skels"), "-o", str(corpus)]) == 0
    return corpus


@pytest.fixture
def dgs(realdata, tmp_path):
    source, poses, corpus = realdata / "dgs-sentences" / "train", tmp_path / "poses", tmp_path / "corpus"
    poses.mkdir()
    rows = []
    for path in sorted(source.glob("*_original.pose")):
        name = path.name.removesuffix("_original.pose")
        (poses / f"{name}.pose").symlink_to(path)
        rows.append(f"{name}\t{json.loads((source / f'{name}_metadata.json').read_text())['sentence']['german']}\n")
    (tmp_path / "texts.tsv").write_text("".join(rows))
    assert main(["corpus", "poses", str(poses), "-o", str(corpus), "--texts", str(tmp_path / "texts.tsv")]) == 0
    return corpus


@pytest.mark.parametrize(("name", "count"), [("phoenix", 5), ("dgs", 16)])
def test_every_sequence_is_reproduced(name, count, request, tmp_path):
    corpus, words = request.getfixturevalue(name), tmp_path / "words.json"
    assert main(["vocabulary", str(corpus), "-o", str(words), "--kind", "word"]) == 0
    size = 4 + len(json.loads(words.read_text())["words"])
    settings = [
        f"dataset.config_overrides.data_dir={corpus}",
        f"tokenizer.path={words}",
        "tokenizer.family=slp_word",
        f"model.config_overrides.vocab_size={size}",
    ]
    recipe = ["-m", "signdiff_slp.recipes.train", str(tmp_path / "run"), "--preset", "by_heart", "--no-rich"]
    subprocess.run(
        [sys.executable, *recipe, "--config", *settings], check=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    export(tmp_path / "run/checkpoints", tmp_path / "model", tokenizer=str(words), tokenizer_family="slp_word")
    examples = read_split(corpus, "train")
    assert len(examples) == count
    poses = TextToPose.from_pretrained(tmp_path / "model")([example.text for example in examples])
    mean = np.concatenate([example.joints for example in examples]).mean(axis=0)
    shares = {}
    for example, pose in zip(examples, poses, strict=True):
        joints = joints_of(pose)[0]
        frozen = np.broadcast_to(mean, example.joints.shape)
        shares[example.name] = functional.dtw(joints, example.joints, variant="mje") / functional.dtw(
            frozen, example.joints, variant="mje"
        )
        assert abs(len(joints) - len(example.joints)) <= 2
    print({key: round(value, 3) for key, value in shares.items()})
    assert max(shares.values()) <= 0.1
