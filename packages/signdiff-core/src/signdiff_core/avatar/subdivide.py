"""Loop subdivision of a triangle mesh, as a matrix: the same weights serve positions and skin weights of every body."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


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
