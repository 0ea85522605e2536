"""A body in motion: rotations of its bones, and where they put its joints."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

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

    def blocks(self) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """Go through turns and shifts, some frames at a time.

        Yields:
            (t, J, 3, 3) turns and (t, J, 3) shifts: bone j takes a rest point x to ``turns[t, j] @ x + shifts[t, j]``.
            The neck (the middle of the shoulders) stays at the origin.
        """
        for first in range(0, len(self), _BLOCK):
            turns = self.turns[first : first + _BLOCK]
            yield turns, self._shifts(turns)

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
        bones, rest = self.body.joint_bones, self.body.joint_rest
        joints = np.empty((len(self), len(rest), 3), dtype=np.float32)
        done = 0
        for turns, shifts in self.blocks():
            joints[done : done + len(turns)] = np.einsum("tjik,jk->tji", turns[:, bones], rest) + shifts[:, bones]
            done += len(turns)
        joints[:, 1] = 0.0
        return joints
