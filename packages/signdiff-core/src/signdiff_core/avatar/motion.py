"""A body in motion: rotations of its bones, and where they put its joints."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from signdiff_core.avatar.body import AvatarBody


_BLOCK: Final = 128
"""Frames that are worked out at once: their doubles take memory."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Motion:
    """What a body does, frame by frame.

    Args:
        body: the body that moves.
        turns: (T, J, 3, 3) rotation of each bone against its rest, in the camera's axes, float32.
    """

    body: AvatarBody
    turns: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.turns)

    @cached_property
    def shifts(self) -> NDArray[np.float32]:
        """Where the bones are: (T, J, 3); bone j takes a rest point x to ``turns[t, j] @ x + shifts[t, j]``.

        The neck (the middle of the shoulders) stays at the origin.
        """
        blocks = range(0, len(self), _BLOCK)
        empty = np.zeros((0, len(self.body.heads), 3), dtype=np.float32)
        return np.concatenate([empty, *(self._shifts(self.turns[first : first + _BLOCK]) for first in blocks)])

    def _shifts(self, turns: NDArray[np.float32]) -> NDArray[np.float32]:
        heads = self.body.heads.astype(np.float64)
        turning = turns.astype(np.float64)
        places = np.zeros((len(turning), len(heads), 3))
        for bone, parent in enumerate(self.body.cast.parents):
            if parent >= 0:
                places[:, bone] = places[:, parent] + turning[:, parent] @ (heads[bone] - heads[parent])
        shoulders = [self.body.bone(f"upperarm01.{side}") for side in "LR"]
        places -= places[:, shoulders].mean(axis=1, keepdims=True)
        return np.asarray(places - np.einsum("tjik,jk->tji", turning, heads), dtype=np.float32)

    @cached_property
    def joints(self) -> NDArray[np.float32]:
        """The body's own 50 joints: (T, 50, 3), the neck at the origin, shoulders 1/3 apart."""
        bones = self.body.joint_bones
        joints = np.einsum("tjik,jk->tji", self.turns[:, bones], self.body.joint_rest) + self.shifts[:, bones]
        joints[:, 1] = 0.0
        return np.asarray(joints, dtype=np.float32)
