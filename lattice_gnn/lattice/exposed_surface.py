"""Points on the exposed surface of the union of struts and joints, with their share of its area.

The shape derivative of the volume of the union is the integral of the normal velocity over its
surface; the points and normals here are its quadrature.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.contacts import reduction
from lattice_gnn.lattice.sections import cross_axes
from lattice_gnn.lattice.solids import Solids
from lattice_gnn.lattice.union import (
    Pieces,
    cover_counts,
    overlapping_pieces,
    pieces_of,
)

PLACES, AZIMUTHS = 96, 16
"""Points along and around each strut, and on each joint. Evenly spaced azimuths make the sum of the
normals around a strut zero, as it must be."""
_GOLDEN = (np.sqrt(5) - 1) / 2


@dataclass(frozen=True, slots=True, eq=False)
class ExposedSurface:
    """Points on the surface of the union, per periodic cell.

    A point of strut s lies at start + place * vector + radius(place) * direction; a point of the
    ball of a node at its centre + radius * direction.

    Attributes:
        strut: Strut of the points on struts.
        place: Their place along it, 0 to 1.
        strut_direction: Unit vectors from the axis to the points, across it.
        strut_areas: Area that a point stands for, times the unit normal.
        node: Node of the points on balls.
        ball_direction: Unit vectors from the centres to the points.
        ball_areas: Area that a point stands for, times the unit normal.
    """

    strut: Int[np.ndarray, " strut_points"]
    place: Float[np.ndarray, " strut_points"]
    strut_direction: Float[np.ndarray, "strut_points 3"]
    strut_areas: Float[np.ndarray, "strut_points 3"]
    node: Int[np.ndarray, " ball_points"]
    ball_direction: Float[np.ndarray, "ball_points 3"]
    ball_areas: Float[np.ndarray, "ball_points 3"]


def exposed_surface(solids: Solids) -> ExposedSurface:
    """Sample the surface of the union of solid struts and joints.

    Every piece (cone frustum or ball) carries points on its curved surface, even in the place along
    it and the azimuth; those inside another piece are dropped. The flat ends of a solid strut lie
    inside the balls of its nodes.

    Raises:
        LatticeGnnError: For hollow struts.
    """
    if solids.bore_ratios.any():
        raise LatticeGnnError(
            "volume_fraction: has no gradient for hollow struts; use relative_density instead"
        )
    pieces = pieces_of(solids)
    reduced = reduction(solids.cell) @ solids.cell
    first, second, offsets = overlapping_pieces(pieces, reduced)
    bounds = np.searchsorted(first, np.arange(len(pieces.radii) + 1))
    uv = _even_points()
    found = []
    for piece in range(len(pieces.radii)):
        near = slice(bounds[piece], bounds[piece + 1])
        on_strut = piece < pieces.num_struts
        place, direction, areas = (_side if on_strut else _ball)(pieces, piece, uv)
        a, b = pieces.radii[piece], pieces.end_radii[piece]
        at = (a + (b - a) * place)[:, None] * direction
        at += pieces.starts[piece] + place[:, None] * pieces.vectors[piece]
        free = cover_counts(at, pieces, second[near], offsets[near]) == 0
        found.append((np.full(free.sum(), piece), place[free], direction[free], areas[free]))
    sides, balls = found[: pieces.num_struts], found[pieces.num_struts :]
    strut, place, strut_direction, strut_areas = _joined(sides)
    ball, _, ball_direction, ball_areas = _joined(balls)
    return ExposedSurface(
        strut=strut,
        place=place,
        strut_direction=strut_direction,
        strut_areas=strut_areas,
        node=np.unique(solids.struts)[ball - pieces.num_struts],
        ball_direction=ball_direction,
        ball_areas=ball_areas,
    )


def _even_points() -> Float[np.ndarray, "points 2"]:
    """Return places, 0 to 1, and azimuths; the azimuths of successive places are staggered."""
    place = (np.arange(PLACES) + 0.5) / PLACES
    shift = _GOLDEN * np.arange(PLACES)[:, None] % 1
    turn = 2 * np.pi / AZIMUTHS * (np.arange(AZIMUTHS) + shift)
    return np.column_stack([np.repeat(place, AZIMUTHS), turn.ravel()])


def _joined(parts: Sequence[tuple[np.ndarray, ...]]) -> tuple[np.ndarray, ...]:
    return tuple(np.concatenate(values) for values in zip(*parts, strict=True))


def _side(
    pieces: Pieces, piece: int, uv: Float[np.ndarray, "points 2"]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return places, directions and directed areas of points on the side of a frustum."""
    place, angle = uv[:, 0], uv[:, 1]
    a, b = pieces.radii[piece], pieces.end_radii[piece]
    axis = pieces.vectors[piece]
    side, other = cross_axes(axis[None])
    direction = np.cos(angle)[:, None] * side + np.sin(angle)[:, None] * other
    length = np.linalg.norm(axis)
    # The area per unit of length and angle is r, along e - r' t with r' = dr/dl.
    normal = direction - (b - a) / length * axis / length
    areas = (a + (b - a) * place)[:, None] * normal * (2 * np.pi * length / len(uv))
    return place, direction, areas


def _ball(
    pieces: Pieces, piece: int, uv: Float[np.ndarray, "points 2"]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return places (zero), directions and directed areas of points on a ball."""
    height, angle = 2 * uv[:, 0] - 1, uv[:, 1]
    ring = np.sqrt(1 - height**2)
    direction = np.column_stack([ring * np.cos(angle), ring * np.sin(angle), height])
    areas = direction * (4 * np.pi * pieces.radii[piece] ** 2 / len(uv))
    return np.zeros(len(uv)), direction, areas
