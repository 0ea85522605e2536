"""No hand is inside the body, as the mesh lies when it is drawn, in the poses of real signing."""

import warnings

import numpy as np
import pytest

from signdiff_core import sources
from signdiff_core.avatar import AvatarBody, Motion, fit
from signdiff_core.gaps import fill_gaps
from signdiff_core.lifting.poses import with_depth
from signdiff_core.skeleton import face_of

CELL = 0.004
"""Side of a cell of the picture, normalised units: 4 mm of a grown-up."""

BODY = ("root", "spine", "clavicle", "shoulder", "neck", "head")
HAND = ("wrist", "metacarpal", "finger")
CORNERS = np.array([(a, b, 6 - a - b) for a in range(7) for b in range(7 - a)]) / 6
"""Points all over a triangle."""


def skinned(body: AvatarBody, turns: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """Where the vertices (V, 3) of a body are, blended over four bones."""
    weight = body.bone_weight.astype(float) / body.bone_weight.astype(float).sum(axis=1, keepdims=True)
    bones = body.bone_index
    moved = np.einsum("vkij,vj->vki", turns[bones].astype(float), body.vertices) + shifts[bones]
    return np.einsum("vk,vki->vi", weight, moved)


def deepest(motion: Motion, every: int) -> np.ndarray:
    """How far the deepest vertex of a hand is behind the body's front and before its back, frame by frame."""
    body = motion.body
    owner = np.array(body.cast.bones)[body.bone_index[:, 0]]
    trunk, hands = (np.array([name.startswith(names) for name in owner]) for names in (BODY, HAND))
    triangles = body.triangles[trunk[body.triangles].all(axis=1)].astype(int)
    found = []
    for turns, shifts, _ in motion[::every].blocks():
        for turn, shift in zip(turns, shifts, strict=True):
            vertices = skinned(body, turn, shift)
            surface = (CORNERS @ vertices[triangles]).reshape(-1, 3)
            corner = surface[:, :2].min(axis=0)
            cells = ((surface[:, :2] - corner) / CELL).astype(int)
            front, back = (np.full(cells.max(axis=0) + 2, far) for far in (9.0, -9.0))
            np.minimum.at(front, tuple(cells.T), surface[:, 2])
            np.maximum.at(back, tuple(cells.T), surface[:, 2])
            hand = vertices[hands]
            place = ((hand[:, :2] - corner) / CELL).astype(int)
            within = ((hand[:, :2] >= corner) & (place < front.shape)).all(axis=1)
            place = tuple(np.where(within[:, None], place, 0).T)
            depth = np.minimum(hand[:, 2] - front[place], back[place] - hand[:, 2])
            found.append(np.where(within, depth, -9.0).max())
    return np.array(found)


def test_a_hand_pushed_into_the_chest_is_noticed():
    body = AvatarBody.named()
    turns = np.tile(np.eye(3, dtype=np.float32), (2, len(body.heads), 1, 1))
    at_rest = deepest(Motion(body=body, turns=turns), 1)
    assert (at_rest < 0).all()
    # The fit would not do that: the bones of the right hand are moved into the middle of the chest.
    moved = Motion(body=body, turns=turns[:1])
    ((turn, shift, _),) = moved.blocks()
    hand = [number for number, name in enumerate(body.cast.bones) if name.startswith(HAND) and name.endswith("R")]
    shift[0, hand] += np.array([0.42, -0.1, 0.2], dtype=np.float32)

    class Pushed(Motion):
        def blocks(self):
            yield turn, shift, None

        def __getitem__(self, frames):
            return self

    assert deepest(Pushed(body=body, turns=turns[:1]), 1)[0] > 0.02


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["person", "young sturdy woman", "old man"])
def test_no_vertex_of_a_hand_is_inside_the_body(realdata, name):
    clips = sorted((realdata / "how2sign-clips" / "mediapipe").glob("*.npz"))
    assert clips
    body, worst = AvatarBody.named(name), {}
    for clip in clips:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pose = with_depth(sources.read_pose(clip))
            filled = fill_gaps(pose)
        motion = fit(body, filled.joints, filled.confidence, face=face_of(pose))
        worst[clip.stem] = deepest(motion, 3).max()
    assert max(worst.values()) <= 0, worst
