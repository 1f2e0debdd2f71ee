"""Geometry of the pictures in plain numpy, common to both renderers.

A lattice is drawn as tapered tubes and spherical joints, the cell as its twelve edges, a stiffness
as the closed surface with radius E(n) in every direction n.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from lattice_gnn.lattice.images import strut_images
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.lattice.sections import cross_axes
from lattice_gnn.tensors.stiffness import Stiffness

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


@dataclass(frozen=True, slots=True, eq=False)
class Tubes:
    """Struts as drawn, and the joints at their ends, in the lattice's unit of length.

    Attributes:
        starts: Position of the axis at the first end.
        ends: Position of the axis at the second end.
        start_radii: Outer radius at the first end.
        end_radii: Outer radius at the second end.
        joints: Centres of the spheres that close the ends, each position once.
        joint_radii: Radius of the widest strut that ends there.
        sources: Number of the strut of which each tube is a periodic image.
    """

    starts: Float[np.ndarray, "tubes 3"]
    ends: Float[np.ndarray, "tubes 3"]
    start_radii: Float[np.ndarray, " tubes"]
    end_radii: Float[np.ndarray, " tubes"]
    joints: Float[np.ndarray, "joints 3"]
    joint_radii: Float[np.ndarray, " joints"]
    sources: Int[np.ndarray, " tubes"]


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """A closed triangle mesh with one value per point; faces are anticlockwise from outside."""

    points: Float[np.ndarray, "points 3"]
    faces: Int[np.ndarray, "faces 3"]
    values: Float[np.ndarray, " points"]

    @property
    def volume(self) -> float:
        """Enclosed volume, by the divergence theorem."""
        a, b, c = (self.points[self.faces[:, k]] for k in range(3))
        return float(np.einsum("fi,fi->", a, np.cross(b, c)) / 6)


def lattice_tubes(
    lattice: Lattice, tiles: tuple[int, int, int] = (1, 1, 1), tolerance: float = 0.05
) -> Tubes:
    """Collect every periodic image of a strut whose midpoint lies in the drawn block of cells.

    The block is closed: a strut in a face of the cell is drawn in the opposite face too, so that an
    octet shows its 36 struts and not the 24 that are stored.

    Args:
        lattice: The lattice; struts are drawn at their outer radius.
        tiles: Number of cells along each cell vector.
        tolerance: Distance outside the block, in fractional coordinates, at which a midpoint may
            lie. Not zero, so that the faces of an imperfect lattice are complete on both sides.
    """
    i, j = lattice.struts.T
    first = lattice.nodes[i]
    sources, offsets = strut_images(lattice, tiles, tolerance)
    node_keys = np.concatenate(
        [
            np.column_stack([i[sources], offsets]),
            np.column_stack([j[sources], offsets + lattice.shifts[sources]]),
        ]
    )
    radii, end_radii = lattice.radii, lattice.sections.end_radii
    keys, member = np.unique(node_keys, axis=0, return_inverse=True)
    joint_radii = np.zeros(len(keys))
    ends_of_tubes = np.concatenate([radii[sources], end_radii[sources]])
    np.maximum.at(joint_radii, member.reshape(-1), ends_of_tubes)
    starts = (first[sources] + offsets) @ lattice.cell
    return Tubes(
        starts=starts,
        ends=starts + lattice.strut_vectors[sources],
        start_radii=radii[sources],
        end_radii=end_radii[sources],
        joints=(lattice.nodes[keys[:, 0]] + keys[:, 1:]) @ lattice.cell,
        joint_radii=joint_radii,
        sources=sources,
    )


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
        points, faces = _split(points, faces, np.ones(faces.shape, dtype=bool))
    return points, faces


def _split(
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
    edges, member = _edges(faces)
    chosen = np.unique(member[marked])
    halves = points[edges[chosen]].sum(axis=1)
    halves /= np.linalg.norm(halves, axis=1, keepdims=True)
    middles = np.where(marked, len(points) + np.searchsorted(chosen, member), -1)
    corners = np.concatenate([faces, middles], axis=1)
    pattern = marked @ np.array([1, 2, 4])
    pieces = [corners[pattern == key][:, list(t)] for key, ts in _SPLITS.items() for t in ts]
    return np.concatenate([points, halves]), np.concatenate(pieces)


def modulus_surface(stiffness: Stiffness, tolerance: float = 2e-3) -> Surface:
    """Build the surface r = E(n)/E_s, with values E(n)/E_s, refined at sharp peaks.

    Edges that deviate from the true surface, or are long, are halved up to eight times: the peaks
    of slender lattices are narrower than a degree. A singular stiffness has no Young's modulus in
    general directions: its surface is a point.

    Args:
        stiffness: One stiffness, not a batch.
        tolerance: Admissible distance of the midpoint of an edge from the surface, relative to the
            largest E(n); edges may be 15 times as long.
    """
    directions, faces = icosphere(5)
    if not bool(stiffness.is_positive_definite()):
        return Surface(0.0 * directions, faces, np.zeros(len(directions)))
    values = _moduli(stiffness, directions)
    for _ in range(8):
        points = directions * values[:, None]
        edges, member = _edges(faces)
        middle = directions[edges].sum(axis=1)
        middle /= np.linalg.norm(middle, axis=1, keepdims=True)
        gap = _moduli(stiffness, middle)[:, None] * middle - points[edges].mean(axis=1)
        length = np.linalg.norm(points[edges[:, 0]] - points[edges[:, 1]], axis=1)
        error = np.maximum(np.linalg.norm(gap, axis=1), length / 15)
        marked = (error > tolerance * values.max())[member]
        if not marked.any():
            break
        directions, faces = _split(directions, faces, marked)
        values = np.concatenate([values, _moduli(stiffness, directions[len(values) :])])
    return Surface(points=directions * values[:, None], faces=faces, values=values)


def _edges(
    faces: Int[np.ndarray, "faces 3"],
) -> tuple[Int[np.ndarray, "edges 2"], Int[np.ndarray, "faces 3"]]:
    """List every edge once, and number the edges ab, bc and ca of each triangle."""
    other = np.roll(faces, -1, axis=1)
    count = int(faces.max()) + 1
    keys = np.minimum(faces, other) * count + np.maximum(faces, other)
    unique, member = np.unique(keys.reshape(-1), return_inverse=True)
    return np.column_stack(np.divmod(unique, count)), member.reshape(faces.shape)


def _moduli(
    stiffness: Stiffness, directions: Float[np.ndarray, "points 3"]
) -> Float[np.ndarray, " points"]:
    """Evaluate E(n)/E_s in numpy."""
    n = torch.from_numpy(directions).to(stiffness.mandel.device)
    values: Float[np.ndarray, " points"] = stiffness.detach().young_modulus(n).cpu().numpy()
    return values


def strut_surface(
    tubes: Tubes, sides: int = 24, pieces: int = 1, *, capped: bool = True
) -> Surface:
    """Mesh the tubes as triangles; the values are the outer radii.

    Args:
        tubes: What to mesh.
        sides: Number of flat sides of each tube.
        pieces: Number of equal lengths into which each tube is cut, for renderers that sort
            triangles by depth.
        capped: Whether flat caps close the ends.
    """
    axes = tubes.ends - tubes.starts
    side, other = cross_axes(axes)
    angle = np.arange(sides)[:, None] * 2 * np.pi / sides
    rim = np.cos(angle) * side[:, None] + np.sin(angle) * other[:, None]
    t = np.linspace(0, 1, pieces + 1)
    centres = tubes.starts[:, None] + t[:, None] * (tubes.ends - tubes.starts)[:, None]
    radii = tubes.start_radii[:, None] + t * (tubes.end_radii - tubes.start_radii)[:, None]
    points = centres[:, :, None] + radii[:, :, None, None] * rim[:, None]
    faces = _tube_faces(sides, pieces, capped)
    firsts = np.arange(len(axes)) * sides * (pieces + 1)
    return Surface(
        points=points.reshape(-1, 3),
        faces=(firsts[:, None, None] + faces).reshape(-1, 3),
        values=np.repeat(radii.reshape(-1), sides),
    )


def _tube_faces(sides: int, pieces: int, capped: bool) -> Int[np.ndarray, "faces 3"]:
    """Number the triangles of one tube of (pieces + 1) rings of points."""
    around = np.arange(sides)
    rings = sides * np.arange(pieces)[:, None]
    here, beside = rings + around, rings + (around + 1) % sides
    lower = np.stack([here, beside, beside + sides], axis=-1)
    upper = np.stack([here, beside + sides, here + sides], axis=-1)
    wall = np.concatenate([lower.reshape(-1, 3), upper.reshape(-1, 3)])
    if not capped:
        return wall
    fan = np.column_stack([np.zeros(sides - 2, dtype=np.int64), around[2:], around[1:-1]])
    return np.concatenate([wall, fan, fan[:, ::-1] + sides * pieces])


def joint_surface(tubes: Tubes, level: int = 2) -> Surface:
    """Mesh the joints as spheres of 20 * 4^level triangles; the values are their radii."""
    ball, faces = icosphere(level)
    points = tubes.joints[:, None] + tubes.joint_radii[:, None, None] * ball
    firsts = np.arange(len(tubes.joints)) * len(ball)
    return Surface(
        points=points.reshape(-1, 3),
        faces=(firsts[:, None, None] + faces).reshape(-1, 3),
        values=np.repeat(tubes.joint_radii, len(ball)),
    )
