"""Filled share of each voxel of a strut lattice, and connected components of filled voxels.

Voxels divide the cell in lattice coordinates, so they are parallelepipeds and the cell may be
skewed. A voxel that a surface may cut is sampled at 16 x 16 x 16 points; one bit per point marks
whether any strut covers it, so that overlaps count once.
"""

from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Float

from fem_reference.jit import compiled
from fem_reference.solid.grid import Shape
from fem_reference.solid.pieces import (
    SAMPLES,
    column,
    covered,
    half_diagonal,
    is_full,
    pieces_of,
    points_in,
    reach,
)
from lattice_gnn.lattice.lattice import Lattice

_EMPTY, _FULL = -1, -2  #: states of a voxel; others are numbers of cut voxels


@dataclass(frozen=True, slots=True)
class Components:
    """Connected components of the filled voxels.

    Attributes:
        kept: Number of components that span space.
        dropped: Number of components dropped because they do not span space and carry no load.
        dropped_volume: Their share of the cell's volume.
    """

    kept: int
    dropped: int
    dropped_volume: float


def volume_fractions(lattice: Lattice, shape: Shape) -> Float[np.ndarray, "n1 n2 n3"]:
    """Compute the filled share of every voxel, float32.

    Args:
        lattice: The lattice.
        shape: Number of voxels along each cell vector.
    """
    pieces, edges, to_voxels = pieces_of(lattice, shape)
    state = np.full(shape, _EMPTY, dtype=np.int32)
    count = _classify(pieces, edges, to_voxels, state)
    masks = np.zeros((count, SAMPLES, SAMPLES), dtype=np.uint16)
    _fill(pieces, edges, to_voxels, state, masks)
    weights = (state == _FULL).astype(np.float32)
    bits = np.bitwise_count(masks).sum(axis=(1, 2), dtype=np.int64)
    cut = state >= 0
    weights[cut] = bits[state[cut]] / np.float32(SAMPLES**3)
    return weights


@compiled()
@no_type_check
def _classify(pieces, edges, to_voxels, state):
    """Mark full voxels, number the others that a piece may cut, and return their count."""
    half = half_diagonal(edges)
    n1, n2, n3 = state.shape
    count = 0
    for s in range(len(pieces)):
        piece = pieces[s]
        box = reach(piece, to_voxels, half)
        for i in range(box[0, 0], box[0, 1]):
            for j in range(box[1, 0], box[1, 1]):
                first, last = column(piece, edges, i, j, half)
                for k in range(first, last):
                    at = (i % n1, j % n2, k % n3)
                    if state[at] == _FULL:
                        continue
                    if is_full(piece, edges, i, j, k, half):
                        state[at] = _FULL
                    elif state[at] == _EMPTY:
                        state[at] = count
                        count += 1
    return count


@compiled()
@no_type_check
def _fill(pieces, edges, to_voxels, state, masks):
    """Set the bits of the sampling points that a piece covers, line by line along axis 3."""
    half = half_diagonal(edges)
    n1, n2, _ = state.shape
    u = (edges[2, 0], edges[2, 1], edges[2, 2])
    for s in range(len(pieces)):
        piece = pieces[s]
        box = reach(piece, to_voxels, half)
        for i in range(box[0, 0], box[0, 1]):
            for j in range(box[1, 0], box[1, 1]):
                first, last = column(piece, edges, i, j, half)
                if first == last:
                    continue
                along = state[i % n1, j % n2]
                for a in range(SAMPLES):
                    p = i + (a + 0.5) / SAMPLES
                    for b in range(SAMPLES):
                        q = j + (b + 0.5) / SAMPLES
                        x = (p * edges[0, 0] + q * edges[1, 0] - piece[0],
                             p * edges[0, 1] + q * edges[1, 1] - piece[1],
                             p * edges[0, 2] + q * edges[1, 2] - piece[2])  # fmt: skip
                        low, high, bore_low, bore_high = covered(piece, x, u)
                        start, stop = points_in(low, high)
                        bore_start, bore_stop = points_in(bore_low, bore_high)
                        if bore_start == bore_stop:
                            _set_bits(masks, along, a, b, start, stop)
                        else:
                            _set_bits(masks, along, a, b, start, min(stop, bore_start))
                            _set_bits(masks, along, a, b, max(start, bore_stop), stop)


@compiled()
@no_type_check
def _set_bits(masks, along, a, b, start, stop):
    """Set the bits of the points from ``start`` to before ``stop`` of a line through cut voxels."""
    if start >= stop:
        return
    for k in range(start // SAMPLES, (stop - 1) // SAMPLES + 1):
        number = along[k % len(along)]
        if number >= 0:
            from_bit = max(0, start - k * SAMPLES)
            to_bit = min(SAMPLES, stop - k * SAMPLES)
            masks[number, a, b] |= np.uint16((1 << to_bit) - (1 << from_bit))


def keep_spanning(
    weights: Float[np.ndarray, "n1 n2 n3"],
) -> tuple[Float[np.ndarray, "n1 n2 n3"], Components]:
    """Drop the components of filled voxels that do not span space.

    Voxels that share a node are connected, as in the finite element model. A component spans space
    if its paths from a voxel to its own images lead along three independent directions.
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


@compiled()
@no_type_check
def _label(active, place, shape, labels):
    """Label components by flood fill; return the rank of each one's cycles."""
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


@compiled()
@no_type_check
def _extend(basis, rank, cycle):
    """Add a cycle to an orthogonal basis if it is independent; return the rank."""
    length = np.sqrt((cycle * cycle).sum())
    if length == 0.0:
        return rank
    for row in range(rank):
        cycle -= (cycle * basis[row]).sum() / (basis[row] * basis[row]).sum() * basis[row]
    if np.sqrt((cycle * cycle).sum()) > 1e-6 * length:
        basis[rank] = cycle
        return rank + 1
    return rank
