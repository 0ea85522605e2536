"""Loop subdivision, against trimesh's."""

import numpy as np
import pytest

from signdiff_core.avatar.sculpting import subdivide

STRIP = np.array([[0, 1, 2], [2, 1, 3], [2, 3, 4], [4, 3, 5]])


def test_equals_trimesh_on_a_closed_mesh_where_six_triangles_meet_at_every_vertex():
    trimesh = pytest.importorskip("trimesh", reason="anny brings trimesh")
    mesh = trimesh.creation.torus(2, 1, major_sections=6, minor_sections=5)
    expected, faces = trimesh.remesh.subdivide_loop(mesh.vertices, mesh.faces, iterations=1)
    triangles, weights = subdivide(np.asarray(mesh.faces), len(mesh.vertices))
    ours = weights @ mesh.vertices
    assert triangles.shape == faces.shape
    order, other = (np.lexsort(points.round(9).T) for points in (ours, expected))
    np.testing.assert_allclose(ours[order], expected[other], atol=1e-9)


def test_weights_add_up_to_one_and_a_flat_mesh_stays_flat():
    triangles, weights = subdivide(STRIP, 6)
    np.testing.assert_allclose(weights.sum(1), 1)
    flat = np.array([[0, 0, 2], [1, 0, 2], [0, 1, 2], [1, 1, 2], [0, 2, 2], [1, 2, 2.0]])
    np.testing.assert_allclose((weights @ flat)[:, 2], 2)
    assert len(triangles) == 16


def test_a_border_edge_is_halved():
    _, weights = subdivide(np.array([[0, 1, 2]]), 3)
    np.testing.assert_allclose(weights[3:], [[0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
