"""Gaps between struts that share no joint, and nodes that nearly coincide, over all images."""

from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Float, Int

from lattice_gnn.lattice.checks import is_forward
from lattice_gnn.lattice.contacts import image_pairs, reduction, segment_contacts, share_joint
from lattice_gnn.lattice.solids import Solids


@dataclass(frozen=True, slots=True, eq=False)
class Gaps:
    """Gaps between the surfaces of pairs of struts, smallest first.

    The closest points lie at strut_a's start + s (end - start) and likewise t along strut b.

    Attributes:
        distance: Gap, unit of the cell; negative where the struts overlap.
        strut_a: Number of one strut, in the home cell.
        strut_b: Number of the other.
        shifts: Cell in which strut b starts, in cell vectors.
        s: Place of the closest point on strut a, 0 to 1.
        t: Place of the closest point on strut b, 0 to 1.
    """

    distance: Float[np.ndarray, " pairs"]
    strut_a: Int[np.ndarray, " pairs"]
    strut_b: Int[np.ndarray, " pairs"]
    shifts: Int[np.ndarray, "pairs 3"]
    s: Float[np.ndarray, " pairs"]
    t: Float[np.ndarray, " pairs"]


def smallest_gaps(solids: Solids, count: int = 1) -> Gaps:
    """Find all gaps up to the one of a given rank, and some more, in ascending order.

    The gap is the distance between the strut axes minus the radii at the closest points (for
    tapered struts, the smallest such value over the closest inner points and those closest to the
    four ends). The search range is widened until it contains enough gaps.

    Args:
        solids: The lattice.
        count: Least number of gaps that are sure to be the smallest.

    Raises:
        LatticeGnnError: If a strut spans too many cells.
    """
    U = reduction(solids.cell)
    searched = 0.1 * float(np.median(np.linalg.norm(solids.vectors, axis=1)))
    while True:
        found = _gaps_about(solids, U, searched)
        known = float(found.distance[count - 1]) if len(found.distance) >= count else np.inf
        if known <= searched:
            return found
        searched = known if np.isfinite(known) else 2 * searched


def gaps_within(solids: Solids, distance: float) -> Gaps:
    """Find all gaps up to a distance, in ascending order.

    Raises:
        LatticeGnnError: If a strut spans too many cells.
    """
    found = _gaps_about(solids, reduction(solids.cell), distance)
    count = int(np.searchsorted(found.distance, distance, side="right"))
    return Gaps(**{field.name: getattr(found, field.name)[:count] for field in fields(Gaps)})


def _gaps_about(solids: Solids, U: Int[np.ndarray, "3 3"], searched: float) -> Gaps:
    """Return all gaps up to a range, and of others those whose bounding spheres are within it."""
    starts, vectors = solids.starts, solids.vectors
    r, end = solids.radii, solids.end_radii
    reach = np.linalg.norm(vectors, axis=1) / 2 + np.maximum(r, end)
    a, b, reduced = image_pairs(U @ solids.cell, starts + vectors / 2, reach, searched)
    shifts = reduced @ U
    keep = is_forward(a, b, shifts)
    keep &= ~share_joint(solids.struts, solids.shifts, a, b, shifts)
    a, b, shifts = a[keep], b[keep], shifts[keep]
    apart = starts[b] + shifts @ solids.cell - starts[a]
    distances, s, t = segment_contacts(apart, vectors[a], vectors[b])
    taper = (end - r)[:, None]
    gaps = distances - (r[a, None] + taper[a] * s) - (r[b, None] + taper[b] * t)
    best = gaps.argmin(axis=1)
    rows = np.arange(len(best))
    gap = gaps[rows, best]
    order = np.argsort(gap, kind="stable")
    return Gaps(
        distance=gap[order],
        strut_a=a[order],
        strut_b=b[order],
        shifts=shifts[order],
        s=s[rows, best][order],
        t=t[rows, best][order],
    )


@dataclass(frozen=True, slots=True)
class CloseNodes:
    """The two nodes that are closest to one another for their radii.

    Attributes:
        ratio: Their distance over the larger radius of the struts that end there.
        node_a: Number of one node.
        node_b: Number of the other; equal to ``node_a`` for a node and its own image.
    """

    ratio: float
    node_a: int
    node_b: int


def close_nodes(solids: Solids) -> CloseNodes | None:
    """Find the two nodes that are closest for their radii; None if no two joints overlap.

    Joints overlap where the distance of two nodes is below the sum of their radii, each the largest
    of the struts that end there.

    Raises:
        LatticeGnnError: If a radius spans too many cells.
    """
    radii = np.zeros(len(solids.nodes))
    np.maximum.at(radii, solids.struts[:, 0], solids.radii)
    np.maximum.at(radii, solids.struts[:, 1], solids.end_radii)
    U = reduction(solids.cell)
    places = solids.nodes @ solids.cell
    a, b, shifts = image_pairs(U @ solids.cell, places, radii, 0.0)
    if not len(a):
        return None
    apart = np.linalg.norm(places[b] + shifts @ U @ solids.cell - places[a], axis=1)
    ratios = apart / np.maximum(radii[a], radii[b])
    worst = int(np.argmin(ratios))
    return CloseNodes(float(ratios[worst]), int(a[worst]), int(b[worst]))
