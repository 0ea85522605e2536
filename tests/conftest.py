import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent


@pytest.fixture
def run_command(tmp_path, monkeypatch):
    """Runs an installed command as a process of its own, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(command, *arguments, timeout=300):
        line = [str(BIN / command), *map(str, arguments)]
        return subprocess.run(line, capture_output=True, text=True, timeout=timeout)

    return run


@pytest.fixture
def wave():
    """A pose of 12 frames: the right arm goes up and down."""
    import numpy as np

    from signdiff_core import skeleton

    joints = np.zeros((12, 50, 3), dtype=np.float32)
    body = {
        skeleton.NOSE: (0, -0.18, 0),
        skeleton.RIGHT_SHOULDER: (-1 / 6, 0, 0),
        skeleton.LEFT_SHOULDER: (1 / 6, 0, 0),
        skeleton.RIGHT_ELBOW: (-0.2, 0.28, 0),
        skeleton.LEFT_ELBOW: (0.2, 0.28, 0),
        skeleton.RIGHT_WRIST: (-0.18, 0.3, -0.2),
        skeleton.LEFT_WRIST: (0.18, 0.5, -0.1),
    }
    for joint, place in body.items():
        joints[:, joint] = place
    joints[:, skeleton.RIGHT_WRIST, 1] -= 0.3 * np.sin(np.linspace(0, np.pi, 12))
    for hand, wrist in ((skeleton.RIGHT_HAND, skeleton.RIGHT_WRIST), (skeleton.LEFT_HAND, skeleton.LEFT_WRIST)):
        for place, joint in enumerate(range(hand.start, hand.stop)):
            finger, knuckle = divmod(place - 1, 4) if place else (2, -1)
            joints[:, joint] = joints[:, wrist] + [0.02 * (finger - 2), -0.03 * (knuckle + 1), 0]
    return skeleton.make_pose(joints, 25)
