"""Pairs of a drawing and a frame in which the drawing decides the frame: a box where the drawing has a dot."""

import cv2
import numpy as np
import pytest


def make_pair(rng, shade):
    """A dot on black, and a bright box of the same place on a ground of this shade."""
    x, y = rng.integers(16, 48, size=2).tolist()
    drawing = np.zeros((64, 64, 3), np.uint8)
    cv2.circle(drawing, (x, y), 4, (0, 0, 255), -1)
    frame = np.full((64, 64, 3), shade, np.uint8)
    cv2.rectangle(frame, (x - 8, y - 8), (x + 8, y + 8), (230, 230, 230), -1)
    return drawing, frame


@pytest.fixture(scope="session")
def pairs(tmp_path_factory):
    """Three signers with four pairs each, in a folder for each signer."""
    root = tmp_path_factory.mktemp("pairs")
    rng = np.random.default_rng(0)
    for signer in range(3):
        for kind in ("drawings", "frames"):
            (root / kind / f"signer{signer}").mkdir(parents=True)
        for number in range(4):
            for kind, image in zip(("drawings", "frames"), make_pair(rng, 40 + 40 * signer), strict=True):
                cv2.imwrite(str(root / kind / f"signer{signer}" / f"{number}.png"), image[..., ::-1])
    return root
