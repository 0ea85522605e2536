"""Clips of OpenPose JSON that show words spelled, and what they say."""

import numpy as np
import pytest

from signdiff_core import formats
from signdiff_core.skeleton import make_pose
from signdiff_slp.corpora.clips import CLIP_FPS
from signdiff_slp.corpora.stitch import spell

WORDS = ("so", "at", "by", "we", "no", "up")


@pytest.fixture(scope="session")
def spelled_clips(tmp_path_factory):
    """A folder of six clips, named after what they spell, and ``texts.tsv`` beside it."""
    home = tmp_path_factory.mktemp("spelled")
    (home / "clips").mkdir()
    for word in WORDS:
        joints = spell(word, rng=np.random.default_rng(len(word))).joints
        formats.write(make_pose(joints, CLIP_FPS), home / "clips" / word, format="openpose")
    (home / "texts.tsv").write_text("".join(f"{word}\tthe word {word}\n" for word in WORDS), encoding="utf-8")
    return home
