"""Faces that OpenPose saw on real signing (marker ``realdata``)."""

import numpy as np
import pytest

from signdiff_core.avatar import AvatarBody
from signdiff_core.avatar.face import face_shapes
from signdiff_core.avatar.head import head_turns
from signdiff_core.skeleton import face_of
from signdiff_core.sources import read_pose

pytestmark = pytest.mark.realdata


@pytest.fixture
def face(realdata) -> tuple[np.ndarray, np.ndarray]:
    folders = sorted((realdata / "how2sign-openpose" / "json").iterdir())
    found = face_of(read_pose(folders[0]))
    assert found is not None
    return found


@pytest.fixture
def head(face) -> np.ndarray:
    return head_turns(np.full((len(face[0]), 50, 3), np.nan), *face, smoothing=0)


def test_the_head_tilts_as_the_line_of_the_eyes_does(face, head):
    across = face[0][:, 4 + 45] - face[0][:, 4 + 36]
    line = np.degrees(np.arctan2(across[:, 1], across[:, 0]))
    tilt = np.degrees(np.arctan2(head[:, 1, 0], head[:, 0, 0]))
    assert np.ptp(line) > 10, "this signer tilts the head"
    assert np.corrcoef(line, tilt)[0, 1] > 0.97
    assert np.median(np.abs(line - tilt)) < 3


def test_mouth_and_lids_open_as_the_signer_s(face, head):
    points, body = face[0][:, 4:], AvatarBody.named("young man")
    weights = face_shapes(body, *face, head, smoothing=0)
    size = np.linalg.norm(points[:, 45] - points[:, 36], axis=-1)
    lips = np.linalg.norm(points[:, 66] - points[:, 62], axis=-1) / size
    lids = np.linalg.norm(points[:, [37, 38, 43, 44]] - points[:, [41, 40, 47, 46]], axis=-1).mean(-1) / size
    names = body.cast.shapes
    blink = weights[:, [names.index("eyeBlinkLeft"), names.index("eyeBlinkRight")]].mean(axis=1)
    assert np.corrcoef(lids, blink)[0, 1] < -0.8
    opened, closed = lips > np.percentile(lips, 85), lips < np.percentile(lips, 30)
    jaw = weights[:, names.index("jawOpen")]
    assert jaw[opened].mean() > jaw[closed].mean() + 0.1
