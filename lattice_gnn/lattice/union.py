"""The union of struts and joints as a solid: volume fraction, and gaps between struts.

Pure functions of arrays; :class:`~lattice_gnn.lattice.lattice.Lattice` has methods of the same
names.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.contacts import image_pairs, reduction, segment_contacts
from lattice_gnn.lattice.gaps import smallest_gaps
from lattice_gnn.lattice.sections import cross_axes
from lattice_gnn.lattice.solids import Solids
from lattice_gnn.wording import counted

DEFAULT_SAMPLES = 16384
"""Samples of :func:`volume_fraction`; the error decreases at least as their square root."""
_REPLICATES = 16
_BATCH = 2_000_000


@dataclass(frozen=True, slots=True)
class VolumeFraction:
    """Volume of the union of struts and joints over the cell volume.

    Attributes:
        value: The estimate, 0 to 1.
        error: Its standard error.
    """

    value: float
    error: float


@dataclass(frozen=True, slots=True)
class Clearance:
    """Smallest gap between struts that share no joint.

    Attributes:
        distance: Gap between the surfaces, unit of the cell; negative if they overlap.
        strut_a: Number of one strut, in the home cell.
        strut_b: Number of the other; equal to ``strut_a`` for a strut and its own image.
        shift: Cell in which strut b starts, in cell vectors.
        touching: Number of pairs of struts per cell whose gap is not positive.
        narrowest: Smallest gap above zero, unit of the cell; ``distance`` if no struts touch.
    """

    distance: float
    strut_a: int
    strut_b: int
    shift: tuple[int, int, int]
    touching: int
    narrowest: float

    @property
    def pair(self) -> str:
        """The two struts in words."""
        return f"strut {self.strut_a} and strut {self.strut_b} displaced by {list(self.shift)}"

    def describe(self) -> str:
        """Describe the clearance in one sentence; warns if struts touch or overlap."""
        if self.distance > 0:
            found = f"{self.distance:.4g} ({self.pair})"
            return f"The smallest gap between struts without a joint is {found}."
        return (
            f"{counted(self.touching, 'pair')} of struts that share no joint "
            f"{'touches or overlaps' if self.touching == 1 else 'touch or overlap'}, worst "
            f"{self.pair} by {-self.distance:.4g}: they are one solid there, which beam FEM and "
            "networks do not see; join them by a node or make them thinner."
        )


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """Components of the union: frusta, then balls (frusta of length zero)."""

    starts: Float[np.ndarray, "pieces 3"]
    vectors: Float[np.ndarray, "pieces 3"]
    radii: Float[np.ndarray, " pieces"]
    end_radii: Float[np.ndarray, " pieces"]
    bore_ratios: Float[np.ndarray, " pieces"]
    num_struts: int

    @property
    def volumes(self) -> Float[np.ndarray, " pieces"]:
        """Volume of each piece by itself."""
        a, b, length = self.radii, self.end_radii, np.linalg.norm(self.vectors, axis=1)
        frusta = np.pi * length * (a * a + a * b + b * b) / 3 * (1 - self.bore_ratios**2)
        balls = 4 / 3 * np.pi * a**3
        return np.where(np.arange(len(a)) < self.num_struts, frusta, balls)


def volume_fraction(
    solids: Solids, samples: int = DEFAULT_SAMPLES, seed: int = 0
) -> VolumeFraction:
    """Estimate the volume fraction of the union of all struts and joints, periodic images included.

    A strut is a cylinder, or a cone frustum if tapered, with flat ends at the node centres. Each
    node carries a ball with the largest radius of the solid struts that end there. A hollow strut
    counts as the wall around its own bore and adds no ball.

    The pieces k of volume V_k are sampled instead of the cell: the volume of a union is the sum
    over k of V_k times the mean of 1/m over piece k, where m counts the pieces that cover a point
    (Karp, Luby & Madras, J. Algorithms 10 (1989) 429), so that only the overlaps contribute to the
    error. Points form a quasi-random Kronecker sequence; 16 copies of it under independent random
    shifts give the standard error.

    Args:
        solids: The lattice.
        samples: Total number of points (at least 4 per piece and copy are taken).
        seed: Random seed of the shifts.

    Raises:
        LatticeGnnError: If samples < 1, or a strut or radius spans too many cells.
    """
    if samples < 1:
        raise LatticeGnnError(f"samples: expected at least 1, got {samples}.")
    pieces = pieces_of(solids)
    cell_volume = abs(np.linalg.det(solids.cell))
    reduced = reduction(solids.cell) @ solids.cell
    covering_radius = np.linalg.norm(reduced, axis=1).sum() / 2
    if (pieces.radii[pieces.num_struts :] >= covering_radius).any():
        return VolumeFraction(1.0, 0.0)
    first, second, offsets = overlapping_pieces(pieces, reduced)
    volumes = pieces.volumes
    points_per_copy = np.maximum(4, np.ceil(samples / _REPLICATES * volumes / volumes.sum()))
    bounds = np.searchsorted(first, np.arange(len(volumes) + 1))
    generator = np.random.default_rng(seed)
    totals = np.zeros(_REPLICATES)
    for piece, volume in enumerate(volumes):
        near = slice(bounds[piece], bounds[piece + 1])
        numbers = shifted_sequence(int(points_per_copy[piece]), generator)
        points = _points_in(pieces, piece, numbers)
        shares = 1 / (1 + cover_counts(points, pieces, second[near], offsets[near]))
        totals += volume * shares.reshape(_REPLICATES, -1).mean(axis=1)
    fractions = totals / cell_volume
    error = float(fractions.std(ddof=1) / np.sqrt(_REPLICATES))
    return VolumeFraction(min(1.0, float(fractions.mean())), error)


def pieces_of(solids: Solids) -> Pieces:
    """Return the frusta of all struts, then one ball per node where a solid strut ends."""
    balls = np.zeros(len(solids.nodes))
    solid = solids.bore_ratios == 0
    np.maximum.at(balls, solids.struts[solid, 0], solids.radii[solid])
    np.maximum.at(balls, solids.struts[solid, 1], solids.end_radii[solid])
    nodes = np.flatnonzero(balls)
    return Pieces(
        starts=np.concatenate([solids.starts, solids.nodes[nodes] @ solids.cell]),
        vectors=np.concatenate([solids.vectors, np.zeros((len(nodes), 3))]),
        radii=np.concatenate([solids.radii, balls[nodes]]),
        end_radii=np.concatenate([solids.end_radii, balls[nodes]]),
        bore_ratios=np.concatenate([solids.bore_ratios, np.zeros(len(nodes))]),
        num_struts=len(solids.struts),
    )


def overlapping_pieces(
    pieces: Pieces, cell: Float[np.ndarray, "3 3"]
) -> tuple[Int[np.ndarray, " pairs"], Int[np.ndarray, " pairs"], Float[np.ndarray, "pairs 3"]]:
    """Find pairs (a, b, displacement of b) that may overlap, in both orders, sorted by a."""
    widest = np.maximum(pieces.radii, pieces.end_radii)
    reach = np.linalg.norm(pieces.vectors, axis=1) / 2 + widest
    a, b, shifts = image_pairs(cell, pieces.starts + pieces.vectors / 2, reach, 0.0)
    offsets = shifts @ cell
    apart = pieces.starts[b] + offsets - pieces.starts[a]
    distances = segment_contacts(apart, pieces.vectors[a], pieces.vectors[b])[0].min(axis=1)
    keep = np.flatnonzero(distances < widest[a] + widest[b])
    keep = keep[np.argsort(a[keep], kind="stable")]
    return a[keep], b[keep], offsets[keep]


def shifted_sequence(count: int, generator: np.random.Generator) -> Float[np.ndarray, "points 3"]:
    """Return 16 randomly shifted copies of a Kronecker sequence in the unit cube.

    Its steps are powers of 1/1.22074..., the root of x^4 = x + 1 (Roberts' R3 sequence).
    """
    root = 1.2207440846057596
    base = np.arange(count)[:, None] * np.array([1 / root, 1 / root**2, 1 / root**3])
    shifts = generator.random((_REPLICATES, 1, 3))
    return ((base + shifts) % 1.0).reshape(-1, 3)


def _points_in(
    pieces: Pieces, piece: int, numbers: Float[np.ndarray, "points 3"]
) -> Float[np.ndarray, "points 3"]:
    """Map uniform numbers to points uniform in one piece."""
    u, v, w = numbers.T
    angle = 2 * np.pi * w
    a, b, k = pieces.radii[piece], pieces.end_radii[piece], pieces.bore_ratios[piece]
    if piece >= pieces.num_struts:
        height = 2 * u - 1
        ring = np.sqrt(1 - height**2)
        directions = np.column_stack([ring * np.cos(angle), ring * np.sin(angle), height])
        return pieces.starts[piece] + a * np.cbrt(v)[:, None] * directions
    t = u if a == b else (np.cbrt(a**3 + u * (b**3 - a**3)) - a) / (b - a)
    radius = (a + (b - a) * t) * np.sqrt(k * k + (1 - k * k) * v)
    axis = pieces.vectors[piece]
    side, other = cross_axes(axis[None])
    across = np.cos(angle)[:, None] * side + np.sin(angle)[:, None] * other
    return pieces.starts[piece] + t[:, None] * axis + radius[:, None] * across


def cover_counts(
    points: Float[np.ndarray, "points 3"],
    pieces: Pieces,
    others: Int[np.ndarray, " others"],
    offsets: Float[np.ndarray, "others 3"],
) -> Int[np.ndarray, " points"]:
    """Count the other pieces that cover each point."""
    counts = np.zeros(len(points), dtype=np.int64)
    step = max(1, _BATCH // max(1, len(points)))
    for begin in range(0, len(others), step):
        part = others[begin : begin + step]
        counts += _covered(points, pieces, part, offsets[begin : begin + step]).sum(axis=1)
    return counts


def _covered(
    points: Float[np.ndarray, "points 3"],
    pieces: Pieces,
    others: Int[np.ndarray, " others"],
    offsets: Float[np.ndarray, "others 3"],
) -> Bool[np.ndarray, "points others"]:
    starts, vectors = pieces.starts[others] + offsets, pieces.vectors[others]
    a, b, k = pieces.radii[others], pieces.end_radii[others], pieces.bore_ratios[others]
    squares = (vectors**2).sum(axis=1)
    centre = points.mean(axis=0)
    x, y = points - centre, starts - centre
    distance2 = (x**2).sum(axis=1)[:, None] - 2 * x @ y.T + (y**2).sum(axis=1)
    along = x @ vectors.T - (y * vectors).sum(axis=1)
    ball = squares == 0
    t = along / np.where(ball, 1.0, squares)
    off_axis2 = distance2 - t * along
    radius2 = (a + (b - a) * t) ** 2
    inside = (off_axis2 <= radius2) & (off_axis2 >= k * k * radius2 - ball) & (t >= 0) & (t <= 1)
    return np.where(ball, distance2 <= a * a, inside)


def clearance(solids: Solids) -> Clearance:
    """Find the smallest gap between the surfaces of struts that share no joint, images included.

    Two struts share a joint if they end at the same image of a node. The gap is the distance
    between the strut axes minus the radii at the closest points (for tapered struts, the smallest
    such value over the closest inner points and those closest to the four ends). The balls at the
    joints are covered by the strut ends.
    """
    found = smallest_gaps(solids)
    touching = int((found.distance <= 0).sum())
    if touching:
        found = smallest_gaps(solids, touching + 1)
    x, y, z = found.shifts[0].tolist()
    return Clearance(
        distance=float(found.distance[0]),
        strut_a=int(found.strut_a[0]),
        strut_b=int(found.strut_b[0]),
        shift=(x, y, z),
        touching=touching,
        narrowest=float(found.distance[touching]),
    )
