"""Builders of named cells: from points and distances to a lattice with given radius or density."""

import itertools
from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Float

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.lattice import Lattice, Material

CUBE: Float[np.ndarray, "3 3"] = np.eye(3)
CUBE.setflags(write=False)
_SAME = 1e-9

Point = Sequence[float | int]
Points = Iterable[Point]


def sized(net: Lattice, radius: float | None, relative_density: float | None, nu: float) -> Lattice:
    """Return the net with struts of one radius, given directly or by the relative density.

    Args:
        net: Any lattice; only its topology and proportions are used.
        radius: Strut radius over the cell edge a = 1, > 0.
        relative_density: Sum of pi r^2 L over the cell volume, 0 < density < 1.
        nu: Poisson's ratio of the solid; its Young's modulus is 1.

    Raises:
        LatticeGnnError: Unless exactly one of ``radius`` and ``relative_density`` is given.
    """
    net = net.replace(material=Material(nu=nu))
    if radius is not None and relative_density is None:
        return net.with_radii(radius)
    if relative_density is not None and radius is None:
        return net.with_relative_density(relative_density)
    got = "neither" if radius is None else "both"
    raise LatticeGnnError(f"{net.name}: expected either a radius or a relative density, got {got}.")


def neighbour_net(
    name: str, cell: Float[np.ndarray, "3 3"], nodes: Points, *distances: float
) -> Lattice:
    """Join all nodes, images included, that lie at one of the given distances.

    Args:
        name: Name of the lattice.
        cell: Cell vectors as rows.
        nodes: Fractional coordinates.
        distances: Strut lengths in the unit of ``cell``, matched to 1e-9.
    """
    points = np.array(list(nodes), dtype=np.float64)
    shifts = np.array(list(itertools.product((-2, -1, 0, 1, 2), repeat=3)))
    vectors = (points[None, :, None] - points[:, None, None] + shifts) @ cell
    lengths = np.linalg.norm(vectors, axis=-1)
    close = np.min([np.abs(lengths - distance) for distance in distances], axis=0) < _SAME
    found = np.argwhere(close)
    return _lattice(name, cell, points, found[:, :2], shifts[found[:, 2]])


def segment_net(
    name: str, cell: Float[np.ndarray, "3 3"], segments: Iterable[tuple[Point, Point]]
) -> Lattice:
    """Fold straight segments into the cell: end points become nodes, equal images one strut.

    Args:
        name: Name of the lattice.
        cell: Cell vectors as rows.
        segments: Pairs of end points in fractional coordinates. Points that differ by cell vectors,
            to 1e-9, are one node; segments that cross without an end point there are not joined.
    """
    ends = np.array(list(segments), dtype=np.float64).reshape(-1, 3)
    nodes: list[np.ndarray] = []
    numbers = np.zeros(len(ends), dtype=np.int64)
    offsets = np.zeros((len(ends), 3), dtype=np.int64)
    for row, point in enumerate(ends):
        for number, node in enumerate(nodes):
            apart = point - node
            if np.abs(apart - np.round(apart)).max() < _SAME:
                numbers[row], offsets[row] = number, np.round(apart)
                break
        else:
            offsets[row] = np.floor(point + _SAME)
            numbers[row] = len(nodes)
            nodes.append(point - offsets[row])
    struts = numbers.reshape(-1, 2)
    shifts = offsets[1::2] - offsets[::2]
    return _lattice(name, cell, np.array(nodes), struts, shifts)


def _lattice(
    name: str, cell: np.ndarray, nodes: np.ndarray, struts: np.ndarray, shifts: np.ndarray
) -> Lattice:
    """Build a lattice, keeping each strut once, in one direction."""
    unique: dict[tuple[int, ...], None] = {}
    for (i, j), shift in zip(struts.tolist(), shifts.tolist(), strict=True):
        forward = (i, j, *shift)
        backward = (j, i, *(-x for x in shift))
        if backward not in unique:
            unique[forward] = None
    rows = np.array(list(unique), dtype=np.int64)
    radii = np.full(len(rows), 0.01)
    return Lattice(cell, nodes, rows[:, :2], rows[:, 2:], radii, name=name)


def joined(name: str, *nets: Lattice) -> Lattice:
    """Superpose nets of the same cell; coincident nodes become one node."""
    segments: list[tuple[Point, Point]] = []
    for net in nets:
        i, j = net.struts.T
        ends = (net.nodes[j] + net.shifts).tolist()
        segments += list(zip(net.nodes[i].tolist(), ends, strict=True))
    return segment_net(name, nets[0].cell, segments)


def face_centred(point: Point) -> list[tuple[float, float, float]]:
    """Return a point and its three face-centred translates."""
    x, y, z = point
    half = ((0.0, 0.0, 0.0), (0.0, 0.5, 0.5), (0.5, 0.0, 0.5), (0.5, 0.5, 0.0))
    return [(x + a, y + b, z + c) for a, b, c in half]


def signed_permutations(x: float, y: float, z: float) -> list[tuple[float, ...]]:
    """Return all distinct permutations of (+-x, +-y, +-z), sorted."""
    signs = itertools.product((1, -1), repeat=3)
    return sorted(
        {
            tuple(0.0 if value == 0 else value for value in point)
            for a, b, c in signs
            for point in itertools.permutations((a * x, b * y, c * z))
        }
    )


def inside_cell(points: Points) -> list[tuple[float, ...]]:
    """Wrap points into [0, 1) and keep one of each, to 1e-9."""
    kept: list[tuple[float, ...]] = []
    for point in points:
        wrapped = np.asarray(point, dtype=np.float64)
        wrapped = wrapped - np.floor(wrapped + _SAME)
        if all(np.abs(wrapped - np.asarray(other)).max() > _SAME for other in kept):
            kept.append(tuple(wrapped.tolist()))
    return kept
