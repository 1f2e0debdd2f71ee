"""How much of each voxel a strut lattice fills, and which filled voxels hang together.

Voxels divide the cell in lattice coordinates, so they are parallelepipeds and any cell will do. The
solid is the union of capsules: a cylinder of the strut's radius with a ball of that radius at both
ends. A voxel that a surface may cut is sampled at 16 x 16 x 16 points; a bit for each says whether
any capsule covers it, so that overlaps count once. A capsule is convex: along a line of 16 points
it covers an interval, which is computed and not searched.
"""

from dataclasses import dataclass
from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Float

from fem_reference.solid.grid import Shape
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.lattice import Lattice

SAMPLES = 16  #: sampling points along each edge of a cut voxel
_EMPTY, _FULL = -1, -2  #: states of a voxel; others are numbers of cut voxels


@dataclass(frozen=True, slots=True)
class Components:
    """What the filled voxels consist of.

    Attributes:
        kept: Number of components that span space.
        dropped: Number of components dropped: they span less than space and carry no load.
        dropped_volume: Their share of the cell's volume.
    """

    kept: int
    dropped: int
    dropped_volume: float


def volume_fractions(lattice: Lattice, shape: Shape) -> Float[np.ndarray, "n1 n2 n3"]:
    """Filled share of every voxel, float32.

    Args:
        lattice: Plain struts; radii may differ.
        shape: Number of voxels along each cell vector.

    Raises:
        LatticeGnnError: For hollow or tapered struts.
    """
    refuse_unsupported_sections(lattice)
    capsules, edges, to_voxels = capsules_of(lattice, shape)
    state = np.full(shape, _EMPTY, dtype=np.int32)
    count = _classify(capsules, edges, to_voxels, state)
    masks = np.zeros((count, SAMPLES, SAMPLES), dtype=np.uint16)
    _fill(capsules, edges, to_voxels, state, masks)
    weights = (state == _FULL).astype(np.float32)
    bits = np.bitwise_count(masks).sum(axis=(1, 2), dtype=np.int64)
    cut = state >= 0
    weights[cut] = bits[state[cut]] / np.float32(SAMPLES**3)
    return weights


def capsules_of(
    lattice: Lattice, shape: Shape
) -> tuple[Float[np.ndarray, "struts 7"], Float[np.ndarray, "3 3"], Float[np.ndarray, "3 3"]]:
    """Start, vector and radius of every strut; edges of a voxel as rows; points to voxels.

    A point x lies at x @ (the last) voxels.
    """
    size = np.array(shape)
    starts = lattice.nodes[lattice.struts[:, 0]] @ lattice.cell
    capsules = np.hstack([starts, lattice.strut_vectors, lattice.radii[:, None]])
    return capsules, lattice.cell / size[:, None], np.linalg.inv(lattice.cell) * size


def refuse_unsupported_sections(lattice: Lattice) -> None:
    """Raise where a strut is not a plain solid cylinder."""
    if lattice.inner_radii is not None and bool((lattice.inner_radii > 0).any()):
        raise LatticeGnnError(
            "the solid reference: hollow struts (inner_radii) are not supported; use solid struts"
        )
    if lattice.end_radii is not None and not np.allclose(lattice.end_radii, lattice.radii):
        raise LatticeGnnError(
            "the solid reference: tapered struts (end_radii) are not supported; use constant radii"
        )


@numba.njit(cache=True)
@no_type_check
def _ball_interval(x, u, uu, radius2):
    """Where |x + t u|^2 <= radius2; empty (1, 0) where nowhere."""
    xu = x[0] * u[0] + x[1] * u[1] + x[2] * u[2]
    xx = x[0] * x[0] + x[1] * x[1] + x[2] * x[2]
    root = xu * xu - uu * (xx - radius2)
    if root < 0.0:
        return 1.0, 0.0
    root = np.sqrt(root)
    return (-xu - root) / uu, (-xu + root) / uu


@numba.njit(cache=True)
@no_type_check
def capsule_interval(x, u, v, radius):
    """Where the line x + t u lies in the capsule about the segment from 0 to v; else (1, 0).

    The line enters and leaves the capsule where it enters and leaves the infinite cylinder, unless
    that point lies beyond an end of the segment: then through the ball there, or not at all.
    """
    uu = u[0] * u[0] + u[1] * u[1] + u[2] * u[2]
    vv = v[0] * v[0] + v[1] * v[1] + v[2] * v[2]
    uv = u[0] * v[0] + u[1] * v[1] + u[2] * v[2]
    xv = x[0] * v[0] + x[1] * v[1] + x[2] * v[2]
    radius2 = radius * radius
    across = (x[0] - xv / vv * v[0], x[1] - xv / vv * v[1], x[2] - xv / vv * v[2])
    slope = (u[0] - uv / vv * v[0], u[1] - uv / vv * v[1], u[2] - uv / vv * v[2])
    ss = slope[0] * slope[0] + slope[1] * slope[1] + slope[2] * slope[2]
    low, high = -1e300, 1e300
    if ss > 1e-20 * uu:
        low, high = _ball_interval(across, slope, ss, radius2)
        if low > high:
            return 1.0, 0.0
    elif across[0] ** 2 + across[1] ** 2 + across[2] ** 2 > radius2:
        return 1.0, 0.0
    along_low, along_high = xv + low * uv, xv + high * uv
    if along_low < 0.0 or along_low > vv:
        low, last = _ball_interval_at(0.0 if along_low < 0.0 else 1.0, x, u, v, radius2)
        if low > last:
            return 1.0, 0.0
    if along_high < 0.0 or along_high > vv:
        first, high = _ball_interval_at(0.0 if along_high < 0.0 else 1.0, x, u, v, radius2)
        if first > high:
            return 1.0, 0.0
    return low, high


@numba.njit(cache=True)
@no_type_check
def _ball_interval_at(end, x, u, v, radius2):
    """Where the line x + t u lies in the ball about the point end v."""
    uu = u[0] * u[0] + u[1] * u[1] + u[2] * u[2]
    y = (x[0] - end * v[0], x[1] - end * v[1], x[2] - end * v[2])
    return _ball_interval(y, u, uu, radius2)


@numba.njit(cache=True)
@no_type_check
def reach(capsule, to_voxels, more):
    """Bounding box of a capsule in voxels along the first two axes: first and one past the last."""
    box = np.empty((2, 2), np.int64)
    radius = capsule[6] + more
    for axis in range(2):
        a = b = extent = 0.0
        for k in range(3):
            a += capsule[k] * to_voxels[k, axis]
            b += (capsule[k] + capsule[3 + k]) * to_voxels[k, axis]
            extent += to_voxels[k, axis] ** 2
        extent = radius * np.sqrt(extent)
        box[axis, 0] = np.floor(min(a, b) - extent)
        box[axis, 1] = np.floor(max(a, b) + extent) + 1
    return box


@numba.njit(cache=True)
@no_type_check
def centre_distance(capsule, edges, i, j, k):
    """Distance of the centre of a voxel from the axis of a capsule."""
    px = np.empty(3)
    vv = pv = 0.0
    for c in range(3):
        px[c] = (i + 0.5) * edges[0, c] + (j + 0.5) * edges[1, c] + (k + 0.5) * edges[2, c]
        px[c] -= capsule[c]
        vv += capsule[3 + c] ** 2
        pv += px[c] * capsule[3 + c]
    t = min(1.0, max(0.0, pv / vv))
    total = 0.0
    for c in range(3):
        total += (px[c] - t * capsule[3 + c]) ** 2
    return np.sqrt(total)


@numba.njit(cache=True)
@no_type_check
def half_diagonal(edges):
    """Largest distance of a corner of a voxel from its centre."""
    largest = 0.0
    for a in (-0.5, 0.5):
        for b in (-0.5, 0.5):
            total = 0.0
            for c in range(3):
                total += (0.5 * edges[0, c] + a * edges[1, c] + b * edges[2, c]) ** 2
            largest = max(largest, np.sqrt(total))
    return largest


@numba.njit(cache=True)
@no_type_check
def column(capsule, edges, i, j, more):
    """Voxels k of the column (i, j) whose centre line may be in the widened capsule."""
    x = ((i + 0.5) * edges[0, 0] + (j + 0.5) * edges[1, 0] - capsule[0],
         (i + 0.5) * edges[0, 1] + (j + 0.5) * edges[1, 1] - capsule[1],
         (i + 0.5) * edges[0, 2] + (j + 0.5) * edges[1, 2] - capsule[2])  # fmt: skip
    u = (edges[2, 0], edges[2, 1], edges[2, 2])
    v = (capsule[3], capsule[4], capsule[5])
    low, high = capsule_interval(x, u, v, capsule[6] + more)
    if low > high:
        return 0, 0
    return int(np.ceil(low - 0.5 - 1e-9)), int(np.floor(high - 0.5 + 1e-9)) + 1


@numba.njit(cache=True)
@no_type_check
def _classify(capsules, edges, to_voxels, state):
    """Mark full voxels, and number the others that a capsule may cut; returns their count."""
    half = half_diagonal(edges)
    n1, n2, n3 = state.shape
    count = 0
    for s in range(len(capsules)):
        capsule = capsules[s]
        box = reach(capsule, to_voxels, half)
        for i in range(box[0, 0], box[0, 1]):
            for j in range(box[1, 0], box[1, 1]):
                first, last = column(capsule, edges, i, j, half)
                for k in range(first, last):
                    at = (i % n1, j % n2, k % n3)
                    if state[at] == _FULL:
                        continue
                    if centre_distance(capsule, edges, i, j, k) + half <= capsule[6]:
                        state[at] = _FULL
                    elif state[at] == _EMPTY:
                        state[at] = count
                        count += 1
    return count


@numba.njit(cache=True)
@no_type_check
def _fill(capsules, edges, to_voxels, state, masks):
    """Set the bits of the sampling points that a capsule covers, line by line along axis 3."""
    half = half_diagonal(edges)
    n1, n2, n3 = state.shape
    u = (edges[2, 0], edges[2, 1], edges[2, 2])
    for s in range(len(capsules)):
        capsule = capsules[s]
        v = (capsule[3], capsule[4], capsule[5])
        box = reach(capsule, to_voxels, half)
        for i in range(box[0, 0], box[0, 1]):
            for j in range(box[1, 0], box[1, 1]):
                first, last = column(capsule, edges, i, j, half)
                if first == last:
                    continue
                along = state[i % n1, j % n2]
                for a in range(SAMPLES):
                    p = i + (a + 0.5) / SAMPLES
                    for b in range(SAMPLES):
                        q = j + (b + 0.5) / SAMPLES
                        x = (p * edges[0, 0] + q * edges[1, 0] - capsule[0],
                             p * edges[0, 1] + q * edges[1, 1] - capsule[1],
                             p * edges[0, 2] + q * edges[1, 2] - capsule[2])  # fmt: skip
                        low, high = capsule_interval(x, u, v, capsule[6])
                        start = int(np.ceil(low * SAMPLES - 0.5))
                        stop = int(np.floor(high * SAMPLES + 0.5))
                        for k in range(start // SAMPLES, (stop - 1) // SAMPLES + 1):
                            number = along[k % n3]
                            if number >= 0:
                                from_bit = max(0, start - k * SAMPLES)
                                to_bit = min(SAMPLES, stop - k * SAMPLES)
                                masks[number, a, b] |= np.uint16((1 << to_bit) - (1 << from_bit))


def keep_spanning(
    weights: Float[np.ndarray, "n1 n2 n3"],
) -> tuple[Float[np.ndarray, "n1 n2 n3"], Components]:
    """Drop the components of filled voxels that do not span space.

    Voxels that share a node hang together, as they do in the finite element model. A component
    spans space where its paths from a voxel to its own images lead along three independent
    directions.
    """
    shape = weights.shape
    active = np.flatnonzero(weights.ravel() > 0)
    place = np.full(weights.size, -1, dtype=np.int32)
    place[active] = np.arange(len(active), dtype=np.int32)
    labels = np.full(len(active), -1, dtype=np.int32)
    ranks = _label(active, place, np.array(shape), labels)
    spans = ranks == 3
    if spans.all():
        return weights, Components(len(ranks), 0, 0.0)
    out = weights.copy()
    lost = active[~spans[labels]]
    dropped = float(weights.ravel()[lost].sum(dtype=np.float64)) / weights.size
    out.ravel()[lost] = 0.0
    return out, Components(int(spans.sum()), int((~spans).sum()), dropped)


@numba.njit(cache=True)
@no_type_check
def _label(active, place, shape, labels):
    """Label components by flooding; returns the rank of each one's cycles."""
    n1, n2, n3 = shape
    windings = np.zeros((len(active), 3), np.int16)
    stack = np.empty(len(active), np.int32)
    ranks = []
    for seed in range(len(active)):
        if labels[seed] >= 0:
            continue
        component, top = len(ranks), 1
        basis, rank = np.zeros((3, 3)), 0
        stack[0], labels[seed] = seed, component
        while top > 0:
            top -= 1
            here = stack[top]
            number = active[here]
            at = (number // (n2 * n3), number // n3 % n2, number % n3)
            for step in range(27):
                i, j, k = at[0] + step // 9 - 1, at[1] + step // 3 % 3 - 1, at[2] + step % 3 - 1
                there = place[(i % n1 * n2 + j % n2) * n3 + k % n3]
                if there < 0:
                    continue
                w = windings[here]
                wind = (w[0] + i // n1, w[1] + j // n2, w[2] + k // n3)
                if labels[there] < 0:
                    labels[there] = component
                    for axis in range(3):
                        windings[there, axis] = wind[axis]
                    stack[top] = there
                    top += 1
                elif rank < 3:
                    cycle = np.empty(3)
                    for axis in range(3):
                        cycle[axis] = wind[axis] - windings[there, axis]
                    rank = _extend(basis, rank, cycle)
        ranks.append(rank)
    return np.array(ranks)


@numba.njit(cache=True)
@no_type_check
def _extend(basis, rank, cycle):
    """Add a cycle to an orthogonal basis where it is independent; returns the rank."""
    length = np.sqrt((cycle * cycle).sum())
    if length == 0.0:
        return rank
    for row in range(rank):
        cycle -= (cycle * basis[row]).sum() / (basis[row] * basis[row]).sum() * basis[row]
    if np.sqrt((cycle * cycle).sum()) > 1e-6 * length:
        basis[rank] = cycle
        return rank + 1
    return rank
