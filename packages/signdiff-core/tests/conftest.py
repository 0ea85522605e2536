"""What the tests of signdiff-core share: real plug-ins in a folder of their own, and the samples of real corpora."""

import os
import sys
from pathlib import Path

# Before anything imports the library of the Hub, as doctests of the sources do; no test may reach it.
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
import pytest

from signdiff_core.skeleton import HAND_LIMBS, make_pose

PLUGIN_MODULE = '''
from collections.abc import Iterator

import numpy as np

from signdiff_core.skeleton import make_pose


class Semaphore:
    """Translates a text to one still frame a character; knows Latin letters only."""

    def __init__(self, frames):
        self.frames = frames

    @classmethod
    def from_pretrained(cls, name_or_dir=None):
        return cls(int(name_or_dir or 1))

    def __call__(self, texts):
        for text in texts:
            if not text.isascii():
                raise ValueError(f"text must be written in Latin letters, but holds {text[0]!r}.")
        joints = np.zeros((50, 3))
        joints[[2, 5]] = (-1 / 6, 0, 0), (1 / 6, 0, 0)
        return [make_pose(np.repeat(joints[None], self.frames * len(text), axis=0), 25) for text in texts]


class Flat:
    """Draws every frame in one grey."""

    name = "flat"
    requires = ()
    extra = ""

    def __init__(self, *, dtype="uint8"):
        self.dtype = dtype

    def render(self, pose, *, size=None, seed=0, steps=1) -> Iterator:
        print("mixing paint")
        for _ in pose.body.data:
            yield np.full((size or 32, size or 32, 3), 10 * steps + seed, dtype=self.dtype)


class Stumbling(Flat):
    """Fails at the second frame."""

    name = "stumbling"

    def render(self, pose, *, size=None, seed=0) -> Iterator:
        yield np.zeros((32, 32, 3), dtype=np.uint8)
        raise RuntimeError("out of ink")


class Needy(Flat):
    """Needs what nobody has."""

    name = "needy"
    requires = ("json", "no_such_module_anywhere")
    extra = "stand-ins[ink]"
'''

ENTRY_POINTS = """
[signdiff.translators]
semaphore = stand_ins:Semaphore

[signdiff.renderers]
flat = stand_ins:Flat
stumbling = stand_ins:Stumbling
needy = stand_ins:Needy
"""


def install(folder: Path, name: str, version: str, entry_points: str, modules: dict[str, str]) -> None:
    """Lay out a distribution in a folder, as an installer would."""
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(entry_points)
    for module, source in modules.items():
        (folder / f"{module}.py").write_text(source)


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder on Python's path that a test can install distributions into: ``install(site, ...)``."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    before = set(sys.modules)
    yield folder
    for module in set(sys.modules) - before:
        if getattr(sys.modules[module], "__file__", None) and str(folder) in str(sys.modules[module].__file__):
            del sys.modules[module]


@pytest.fixture
def installed():
    """The function that installs a distribution into a folder."""
    return install


@pytest.fixture
def stand_ins(site):
    """A small translator and small renderers, installed as plug-ins."""
    install(site, "stand_ins", "1.2", ENTRY_POINTS, {"stand_ins": PLUGIN_MODULE})
    return site


@pytest.fixture
def realdata():
    """The folder with samples of real corpora."""
    folder = os.environ.get("SIGNDIFF_REALDATA")
    if not folder:
        pytest.skip("SIGNDIFF_REALDATA names no folder with samples of real corpora")
    return Path(folder)


def signer(frames: int = 4) -> np.ndarray:
    """Joints (T, 50, 3) of a signer who raises the right hand: upright, shoulders exactly 1/3 apart."""
    joints = np.zeros((frames, 50, 3))
    joints[:, 0] = (0, -0.2, -0.05)
    joints[:, 2:5] = (-1 / 6, 0, 0), (-0.2, 0.3, 0), (-0.22, 0.1, -0.2)
    joints[:, 5:8] = (1 / 6, 0, 0), (0.2, 0.3, 0), (0.2, 0.55, 0)
    for start, wrist in ((8, 7), (29, 4)):
        joints[:, start] = joints[:, wrist]
        for a, b in HAND_LIMBS:
            finger = (b - 1) // 4
            step = np.array([0.02 * (finger - 2), -0.03, -0.005]) if wrist == 4 else np.array([0.01, 0.03, 0])
            joints[:, start + b] = joints[:, start + a] + step
    joints[:, 29:, 1] -= np.linspace(0, 0.1, frames)[:, None]
    joints[:, 4, 1] = joints[:, 29, 1]
    return joints


@pytest.fixture
def pose():
    """A short pose of the 50 joints in normalised coordinates."""
    return make_pose(signer(), 25)
