"""Triangle meshes of the unit sphere, refined where marked; they stay closed."""

import numpy as np
from jaxtyping import Bool, Float, Int

_SPLITS = {
    0: ((0, 1, 2),),
    1: ((0, 3, 2), (3, 1, 2)),
    2: ((0, 1, 4), (0, 4, 2)),
    3: ((3, 1, 4), (0, 3, 4), (0, 4, 2)),
    4: ((0, 1, 5), (5, 1, 2)),
    5: ((0, 3, 5), (3, 1, 2), (3, 2, 5)),
    6: ((4, 2, 5), (0, 1, 4), (0, 4, 5)),
    7: ((0, 3, 5), (3, 1, 4), (5, 4, 2), (3, 4, 5)),
}
"""Pieces of a triangle (0, 1, 2) whose edges have midpoints 3 (of 0-1), 4 (of 1-2) and 5 (of 2-0);
the key has bit 1, 2 or 4 where the edge is halved."""


def icosphere(level: int) -> tuple[Float[np.ndarray, "points 3"], Int[np.ndarray, "faces 3"]]:
    """Build a unit sphere of 20 * 4^level triangles by halving the edges of an icosahedron."""
    golden = (1 + 5**0.5) / 2
    ring = [(0.0, s, t * golden) for s in (-1, 1) for t in (-1, 1)]
    points = np.array([np.roll(p, k) for k in range(3) for p in ring])
    gaps = np.linalg.norm(points[:, None] - points[None], axis=-1)
    near = np.isclose(gaps, 2.0)
    faces = np.array(
        [
            (a, b, c) if np.linalg.det(points[[a, b, c]]) > 0 else (a, c, b)
            for a in range(12)
            for b in range(a + 1, 12)
            for c in range(b + 1, 12)
            if near[a, b] and near[b, c] and near[a, c]
        ]
    )
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    for _ in range(level):
        points, faces = split_edges(points, faces, np.ones(faces.shape, dtype=bool))
    return points, faces


def split_edges(
    points: Float[np.ndarray, "points 3"],
    faces: Int[np.ndarray, "faces 3"],
    marked: Bool[np.ndarray, "faces 3"],
) -> tuple[Float[np.ndarray, "more 3"], Int[np.ndarray, "pieces 3"]]:
    """Halve the marked edges of triangles on the unit sphere; the mesh stays closed.

    Args:
        points: Unit vectors.
        faces: Triangles (a, b, c).
        marked: Whether to halve the edges ab, bc and ca; equal on both sides of an edge.
    """
    edges, member = edges_of(faces)
    chosen = np.unique(member[marked])
    halves = points[edges[chosen]].sum(axis=1)
    halves /= np.linalg.norm(halves, axis=1, keepdims=True)
    middles = np.where(marked, len(points) + np.searchsorted(chosen, member), -1)
    corners = np.concatenate([faces, middles], axis=1)
    pattern = marked @ np.array([1, 2, 4])
    pieces = [corners[pattern == key][:, list(t)] for key, ts in _SPLITS.items() for t in ts]
    return np.concatenate([points, halves]), np.concatenate(pieces)


def edges_of(
    faces: Int[np.ndarray, "faces 3"],
) -> tuple[Int[np.ndarray, "edges 2"], Int[np.ndarray, "faces 3"]]:
    """List every edge once, and number the edges ab, bc and ca of each triangle."""
    other = np.roll(faces, -1, axis=1)
    count = int(faces.max()) + 1
    keys = np.minimum(faces, other) * count + np.maximum(faces, other)
    unique, member = np.unique(keys.reshape(-1), return_inverse=True)
    return np.column_stack(np.divmod(unique, count)), member.reshape(faces.shape)
