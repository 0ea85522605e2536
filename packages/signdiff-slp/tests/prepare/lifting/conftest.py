"""A signer whose bones and directions are known."""

import numpy as np
import pytest

from signdiff_slp.prepare.lifting.measuring import BONES, CARRYING, LIMBS

_BODY_LENGTHS = (90.0, 80.0, 150.0, 130.0, 8.0)


@pytest.fixture(scope="session")
def bones():
    """(25,) lengths in pixels."""
    return np.array([*_BODY_LENGTHS, *np.linspace(30, 12, 20)])


@pytest.fixture(scope="session")
def make_signer(bones):
    """``make_signer(T)``: joints (T, 50, 3) in pixels. In 60 % of the frames every limb lies across the view."""

    def make(T=60, seed=0):
        rng = np.random.default_rng(seed)
        share = np.arange(T)[:, None] / T
        start, speed = rng.uniform(-np.pi, np.pi, size=(2, len(LIMBS)))
        turn = start + speed * share
        tilt = 0.9 * np.sin(np.pi * np.clip((share - 0.3) / 0.4, 0, 1)) ** 2
        tilt = tilt * rng.uniform(0.5, 1, size=len(LIMBS))
        directions = np.stack([np.cos(tilt) * np.cos(turn), np.cos(tilt) * np.sin(turn), -np.sin(tilt)], axis=1)
        joints = ((directions * bones[BONES]) @ CARRYING).transpose(0, 2, 1)
        return joints + np.array([640.0, 300.0, 0.0])

    return make


@pytest.fixture(scope="session")
def see():
    """``see(joints)``: keypoints (T, 50, 3), all of them certain, of joints."""

    def look(joints, confidence=1.0):
        return np.concatenate([joints[..., :2], np.full((*joints.shape[:2], 1), confidence)], axis=-1)

    return look
