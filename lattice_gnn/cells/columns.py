"""Named cells with columns: re-entrant lattices, and plane honeycombs with columns along z.

Every function takes ``radius`` or ``relative_density`` (sum of pi r^2 L over the volume), and
``nu``, Poisson's ratio of the solid, whose Young's modulus is 1; then keyword parameters of its
own. The period in the x direction is a = 1. A honeycomb has a column along z through each of its
nodes, so that it spans space; ``depth`` is its period along z.
"""

from math import radians, sqrt, tan

import numpy as np

from lattice_gnn.cells.building import CUBE, segment_net, sized
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.checks import finite_number, positive_number
from lattice_gnn.lattice.lattice import Lattice


def re_entrant(
    radius: float | None = None,
    relative_density: float | None = None,
    nu: float = 0.3,
    *,
    angle: float = 20.0,
    height: float | None = None,
) -> Lattice:
    """Three-dimensional re-entrant (auxetic) lattice in a cube.

    8 nodes, 20 struts, coordination 5. Columns of length ``height`` stand at (0 0) and (1/2 1/2),
    centred on z = 0; columns of length 1 + tan(angle) - height stand at (1/2 0) and (0 1/2),
    centred on z = 1/2. The top of each column is joined to the bottoms of its four neighbours by
    struts that dip ``angle`` below the horizontal, and its bottom to their tops. Group 4/mmm. Yang,
    Harrysson, West & Cormier, Int. J. Solids Struct. 69-70 (2015) 475.

    Args:
        radius: Strut radius over a.
        relative_density: Sum of strut volumes over the cell volume.
        nu: Poisson's ratio of the solid.
        angle: Dip in degrees, positive for re-entrant, 0 for flat, negative for convex.
        height: Length of the columns through the cell corner over a; None makes all columns equal.
    """
    first, second = _column_lengths("re-entrant", angle, height)
    top, bottom = first / 2, 0.5 - second / 2
    segments = []
    for x, y in ((0.0, 0.0), (0.5, 0.5)):
        segments.append(((x, y, -top), (x, y, top)))
        segments.append(((x + 0.5, y, bottom), (x + 0.5, y, 1 - bottom)))
        for dx, dy in ((0.5, 0), (-0.5, 0), (0, 0.5), (0, -0.5)):
            segments.append(((x, y, top), (x + dx, y + dy, bottom)))
            segments.append(((x, y, -top), (x + dx, y + dy, -bottom)))
    net = segment_net("re-entrant", CUBE, segments)
    return sized(net, radius, relative_density, nu)


def _column_lengths(name: str, angle: float, height: float | None) -> tuple[float, float]:
    """Return the lengths of both kinds of column; raise if column ends would meet or cross."""
    dip = tan(radians(finite_number(angle, f"{name}: angle")))
    if not abs(angle) < 45:
        raise LatticeGnnError(
            f"{name}: expected an angle between -45 and 45 degrees, got {angle:g}."
        )
    first = (1 + dip) / 2 if height is None else finite_number(height, f"{name}: height")
    low, high = max(0.0, dip), min(1.0, 1 + dip)
    if not low < first < high:
        raise LatticeGnnError(
            f"{name}: at an angle of {angle:g} degrees the height lies between {low:.4g} and "
            f"{high:.4g}, got {first:g}."
        )
    return first, 1 + dip - first


def re_entrant_honeycomb(
    radius: float | None = None,
    relative_density: float | None = None,
    nu: float = 0.3,
    *,
    angle: float = 20.0,
    height: float | None = None,
    depth: float = 1.0,
) -> Lattice:
    """Re-entrant (auxetic) honeycomb in the xy plane with columns along z.

    4 nodes, 10 struts, coordination 5: walls of length ``height`` along y at x = 0, centred on y =
    0, and of length 1 + tan(angle) - height at x = 1/2, centred on y = 1/2; struts that dip
    ``angle`` join the ends of each wall to its neighbours. In-plane periods 1 by 1. Group mmm.
    Gibson & Ashby, Cellular Solids (1997), section 4.

    Args:
        radius: Strut radius over a.
        relative_density: Sum of strut volumes over the cell volume.
        nu: Poisson's ratio of the solid.
        angle: Dip in degrees, positive for re-entrant.
        height: Length of the walls through the cell corner over a; None makes all walls equal.
        depth: Period along z over a.
    """
    first, second = _column_lengths("re-entrant-honeycomb", angle, height)
    top, bottom = first / 2, 0.5 - second / 2
    segments = [((0.0, -top, 0), (0.0, top, 0)), ((0.5, bottom, 0), (0.5, 1 - bottom, 0))]
    for x in (-0.5, 0.5):
        segments.append(((0.0, top, 0), (x, bottom, 0)))
        segments.append(((0.0, -top, 0), (x, -bottom, 0)))
    for x, y in ((0.0, top), (0.0, -top), (0.5, bottom), (0.5, 1 - bottom)):
        segments.append(((x, y, 0), (x, y, 1)))
    cell = np.diag([1.0, 1.0, positive_number(depth, "re-entrant-honeycomb: depth")])
    net = segment_net("re-entrant-honeycomb", cell, segments)
    return sized(net, radius, relative_density, nu)


def hexagonal_honeycomb(
    radius: float | None = None,
    relative_density: float | None = None,
    nu: float = 0.3,
    *,
    depth: float = 1.0,
) -> Lattice:
    """Regular hexagonal honeycomb in the xy plane with columns along z.

    2 nodes (1/3 1/3 0; 2/3 2/3 0) of the hexagonal cell with vectors a at 60 degrees, 3 struts of
    length a/sqrt(3) in the plane and 2 columns of length ``depth``, coordination 5. Group 6/mmm.
    """
    segments = [
        ((1 / 3, 1 / 3, 0), (2 / 3, 2 / 3, 0)),
        ((1 / 3, 1 / 3, 0), (-1 / 3, 2 / 3, 0)),
        ((1 / 3, 1 / 3, 0), (2 / 3, -1 / 3, 0)),
        ((1 / 3, 1 / 3, 0), (1 / 3, 1 / 3, 1)),
        ((2 / 3, 2 / 3, 0), (2 / 3, 2 / 3, 1)),
    ]
    net = segment_net("hexagonal-honeycomb", _hexagonal("hexagonal-honeycomb", depth), segments)
    return sized(net, radius, relative_density, nu)


def triangular_honeycomb(
    radius: float | None = None,
    relative_density: float | None = None,
    nu: float = 0.3,
    *,
    depth: float = 1.0,
) -> Lattice:
    """Equilateral triangular honeycomb in the xy plane with columns along z.

    1 node of the hexagonal cell with vectors a at 60 degrees, 3 struts of length a in the plane and
    1 column of length ``depth``, coordination 8. Group 6/mmm.
    """
    ends = ((1, 0, 0), (0, 1, 0), (1, -1, 0), (0, 0, 1))
    cell = _hexagonal("triangular-honeycomb", depth)
    net = segment_net("triangular-honeycomb", cell, [((0, 0, 0), end) for end in ends])
    return sized(net, radius, relative_density, nu)


def square_honeycomb(
    radius: float | None = None,
    relative_density: float | None = None,
    nu: float = 0.3,
    *,
    depth: float = 1.0,
) -> Lattice:
    """Square honeycomb in the xy plane with columns along z.

    1 node, 2 struts of length a in the plane and 1 column of length ``depth``, coordination 6.
    Group 4/mmm; with depth 1 it is simple cubic.
    """
    cell = np.diag([1.0, 1.0, positive_number(depth, "square-honeycomb: depth")])
    net = segment_net(
        "square-honeycomb", cell, [((0, 0, 0), tuple(end)) for end in np.eye(3).tolist()]
    )
    return sized(net, radius, relative_density, nu)


def _hexagonal(name: str, depth: float) -> np.ndarray:
    depth = positive_number(depth, f"{name}: depth")
    return np.array([[1, 0, 0], [0.5, sqrt(3) / 2, 0], [0, 0, depth]])
