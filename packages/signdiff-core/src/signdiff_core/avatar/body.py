"""A body: its shape at rest, which fitting and drawing need to know, and its motion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from signdiff_core.avatar.cast import Cast, bundled_cast

_BLOCK: Final = 128
"""Frames of a motion that are worked out at once: their doubles take memory."""


@dataclass(frozen=True, kw_only=True, eq=False)
class AvatarBody:
    """One body at rest: neck at the origin, shoulders 1/3 apart, the camera's axes.

    Args:
        name: what captions call it, such as "young slim woman".
        cast: the mesh and bones that it shares with other bodies.
        vertices: (V, 3) rest positions, float32.
        heads: (J, 3) rest positions of the bones' joints, float32.
        axes: (J, 3, 3) rest directions of the bones (columns: hinge, length, third), float32.
    """

    name: str
    cast: Cast
    vertices: NDArray[np.float32]
    heads: NDArray[np.float32]
    axes: NDArray[np.float32]

    @staticmethod
    def named(name: str = "person") -> AvatarBody:
        """Take a body of the bundled cast.

        Args:
            name: one of `body_names()`; "person" is the neutral one.

        Raises:
            ValueError: there is no such body.
        """
        cast = bundled_cast()
        if name not in cast.names:
            raise ValueError(f"name must be one of {', '.join(cast.names)}, but is {name!r}.")
        number = cast.names.index(name)
        return AvatarBody(
            name=name,
            cast=cast,
            vertices=cast.vertices[number],
            heads=cast.heads[number],
            axes=cast.axes[number],
        )

    @staticmethod
    def from_phenotype(name: str = "person", **phenotype: float) -> AvatarBody:
        """Shape a body that is not in the cast; this needs the extra ``[bodies]``, and minutes at first.

        Args:
            name: what captions shall call it.
            phenotype: anny's phenotype values in [0, 1]: gender (0 male, 1 female), age (2/3 young, 1 old), muscle,
                weight, height, proportions, cupsize, firmness, african, asian, caucasian; 0.5 where not given.

        Raises:
            ValueError: a value lies outside [0, 1], or ``age`` is below 0.6: only adults are drawn.
        """
        from signdiff_core.avatar.sculpting import load_anny, sculpture, shape_body

        for key, value in phenotype.items():
            if not 0 <= value <= 1:
                raise ValueError(f"{key} must be in [0, 1], but is {value}.")
        phenotype = {"age": 2 / 3, **phenotype}
        if phenotype["age"] < 0.6:
            raise ValueError(f"age must be at least 0.6 (an adult), but is {phenotype['age']}.")
        model = load_anny()
        points, heads, axes = shape_body(model, sculpture(model), phenotype)
        return AvatarBody(name=name, cast=bundled_cast(), vertices=points, heads=heads, axes=axes)

    @property
    def triangles(self) -> NDArray[np.uint16]:
        """Triangles of the mesh: (F, 3)."""
        return self.cast.triangles

    @property
    def material(self) -> NDArray[np.uint8]:
        """Material of each triangle: (F,)."""
        return self.cast.material

    @property
    def bone_index(self) -> NDArray[np.uint8]:
        """Bones that move each vertex: (V, 4)."""
        return self.cast.bone_index

    @property
    def bone_weight(self) -> NDArray[np.float16]:
        """How much those bones move it: (V, 4)."""
        return self.cast.bone_weight

    @cached_property
    def face_rest(self) -> NDArray[np.float32]:
        """OpenPose's 70 points of the face at rest: (70, 3)."""
        return self.vertices[self.cast.face_points]

    @cached_property
    def face_size(self) -> float:
        """How large the face is, against that of the cast's first body, on which shapes were made."""
        own, first = (points - points.mean(axis=0) for points in (self.face_rest, self.cast.first_face))
        return float(np.sqrt((own**2).sum() / (first**2).sum()))

    def shape_rows(self) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]:
        """List, vertex after vertex, the face shapes that move it.

        Returns:
            Where each vertex's rows begin and end (V + 1,), and for each row the shape (N,) and how far it moves the
            vertex (N, 3).
        """
        cast = self.cast
        order = np.argsort(cast.shape_vertex, kind="stable")
        shape = np.repeat(np.arange(len(cast.shapes)), np.diff(cast.shape_first))
        counts = np.bincount(cast.shape_vertex, minlength=len(self.vertices))
        first = np.concatenate([[0], np.cumsum(counts)])
        moves = cast.shape_delta[order].astype(np.float32) * np.float32(self.face_size)
        return first.astype(np.int32), shape[order].astype(np.int32), moves

    def bone(self, name: str) -> int:
        """Give a bone's number."""
        return self.cast.bones.index(name)

    @cached_property
    def joint_bones(self) -> NDArray[np.intp]:
        """The bone that carries each of the 50 joints: (50,)."""
        arm = {s: [f"upperarm01.{s}", f"lowerarm01.{s}", f"wrist.{s}"] for s in "LR"}
        names = ["head", "spine01", *arm["R"], *arm["L"]]
        for side in "LR":
            names.append(f"wrist.{side}")
            for finger in range(1, 6):
                names += [f"finger{finger}-{joint}.{side}" for joint in (1, 2, 3, 3)]
        return np.array([self.bone(name) for name in names])

    @cached_property
    def joint_rest(self) -> NDArray[np.float32]:
        """The 50 joints at rest: (50, 3)."""
        rest = self.heads[self.joint_bones].copy()
        tips = self.vertices[self.cast.landmarks]
        rest[0], rest[1] = tips[0], 0.0
        for hand, start in enumerate((8, 29)):
            rest[start + 4 : start + 21 : 4] = tips[1 + 5 * hand : 6 + 5 * hand]
        return rest


def body_names() -> tuple[str, ...]:
    """Name the bodies of the bundled cast; the first is the neutral one."""
    return bundled_cast().names


@dataclass(frozen=True, kw_only=True, eq=False)
class Motion:
    """What a body does, frame by frame.

    Args:
        body: the body that moves.
        turns: (T, J, 3, 3) rotation of each bone against its rest, in the camera's axes, float32.
        shapes: (T, S) weights of the cast's face shapes, 0 at rest, float32; None is a face at rest.
    """

    body: AvatarBody
    turns: NDArray[np.float32]
    shapes: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.turns)

    def __getitem__(self, frames: slice | NDArray[np.integer]) -> Motion:
        """Take some frames."""
        shapes = None if self.shapes is None else self.shapes[frames]
        return Motion(body=self.body, turns=self.turns[frames], shapes=shapes)

    def blocks(self) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]]:
        """Go through turns, shifts and weights of face shapes, some frames at a time.

        Yields:
            (t, J, 3, 3) turns, (t, J, 3) shifts and (t, S) weights: bone j takes a rest point x, which the shapes have
            moved, to ``turns[t, j] @ x + shifts[t, j]``. The neck (the middle of the shoulders) stays at the origin.
        """
        still = np.zeros((min(len(self), _BLOCK), len(self.body.cast.shapes)), dtype=np.float32)
        for first in range(0, len(self), _BLOCK):
            turns = self.turns[first : first + _BLOCK]
            shapes = still[: len(turns)] if self.shapes is None else self.shapes[first : first + _BLOCK]
            yield turns, self._shifts(turns), shapes

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
        for turns, shifts, _ in self.blocks():
            joints[done : done + len(turns)] = np.einsum("tjik,jk->tji", turns[:, bones], rest) + shifts[:, bones]
            done += len(turns)
        joints[:, 1] = 0.0
        return joints
