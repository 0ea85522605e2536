"""The bundled translator reads what the corpus and the text-to-pose model spell, in the order that must be."""

import numpy as np
import pytest

pytest.importorskip("spoken_to_signed", reason="needs signdiff-slp[corpora]")
pytest.importorskip("transformers", reason="needs signdiff-eval[backtranslation]")

from signdiff_core.skeleton import joints_of
from signdiff_eval import functional
from signdiff_eval.backtranslation import BackTranslator
from signdiff_slp import TextToPose
from signdiff_slp.corpora.fingerspelling import items, spelled

WORDS = 16


def test_held_out_words_are_read_and_better_poses_are_read_better():
    chosen = [item for item in items(seed=0)["test"] if "-word-" in item.name][:WORDS]
    references = [spelling for _, spelling in spelled(chosen, "test", seed=0)]
    texts = [spelling.text for spelling in references]
    true = [spelling.joints for spelling in references]
    poses = {
        "truth": true,
        "model": [joints_of(pose)[0] for pose in TextToPose.from_pretrained()(texts)],
        "frozen": [np.repeat(joints.mean(axis=0, keepdims=True), len(joints), axis=0) for joints in true],
        "shuffled": [*true[1:], true[0]],
    }
    translator = BackTranslator.from_pretrained()
    wrong = {name: functional.cer(translator(each), texts) for name, each in poses.items()}
    # 1.5% and 4.4% on all 100 words.
    assert wrong["truth"] <= 5
    assert wrong["truth"] <= wrong["model"] < 20
    assert min(wrong["frozen"], wrong["shuffled"]) > 60
