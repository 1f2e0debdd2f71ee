"""Young's modulus of every voxel of a lattice whose struts have different moduli.

A point covered by several struts has the mean of their moduli: a joint has the mean modulus of the
strut ends that meet there, and elsewhere a strut has its own modulus. Voxels reached only by struts
of one modulus have that modulus; the others are sampled at the same 16 x 16 x 16 points as for the
filled share.
"""

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

_NONE, _SEVERAL = -1, -2  #: no strut reaches a voxel; struts of several moduli do


def voxel_moduli(lattice: Lattice, shape: Shape) -> Float[np.ndarray, "n1 n2 n3"] | None:
    """Compute the mean modulus E / E_s of the filled part of every voxel, float32; 1 if empty.

    Args:
        lattice: The lattice, with a modulus for each strut.
        shape: Number of voxels along each cell vector.

    Returns:
        The moduli, or None if all struts have the modulus of the lattice's material.
    """
    if lattice.E is None or bool((lattice.E == lattice.material.E).all()):
        return None
    E = lattice.E / lattice.material.E
    pieces, edges, to_voxels = pieces_of(lattice, shape)
    owner = np.full(shape, _NONE, dtype=np.int32)
    _own(pieces, edges, to_voxels, E, owner)
    moduli = np.append(E, [1.0, 1.0]).astype(np.float32)[owner]  # -1 and -2 are the last two
    mixed = np.flatnonzero(owner.ravel() == _SEVERAL)
    if len(mixed):
        number = owner
        number.ravel()[:] = -1
        number.ravel()[mixed] = np.arange(len(mixed), dtype=np.int32)
        counts = np.zeros(len(mixed) + 1, dtype=np.int64)
        _count(pieces, edges, to_voxels, number, counts)
        first = np.cumsum(counts)
        near = np.empty((int(first[-1]), 4), dtype=np.int32)
        _collect(pieces, edges, to_voxels, number, first[:-1].copy(), near)
        moduli.ravel()[mixed] = _mean_moduli(pieces, edges, E, first, near)
    return moduli


@compiled()
@no_type_check
def _own(pieces, edges, to_voxels, E, owner):
    """Record for every voxel a strut that reaches it, or that struts of several moduli do."""
    half = half_diagonal(edges)
    n1, n2, n3 = owner.shape
    for s in range(len(pieces)):
        box = reach(pieces[s], to_voxels, half)
        for i in range(box[0, 0], box[0, 1]):
            for j in range(box[1, 0], box[1, 1]):
                first, last = column(pieces[s], edges, i, j, half)
                for k in range(first, last):
                    at = (i % n1, j % n2, k % n3)
                    if owner[at] == _NONE:
                        owner[at] = s
                    elif owner[at] >= 0 and E[owner[at]] != E[s]:
                        owner[at] = _SEVERAL


@compiled()
@no_type_check
def _count(pieces, edges, to_voxels, number, counts):
    """Count the struts that reach each numbered voxel, stored one place further on."""
    half = half_diagonal(edges)
    n1, n2, n3 = number.shape
    for s in range(len(pieces)):
        box = reach(pieces[s], to_voxels, half)
        for i in range(box[0, 0], box[0, 1]):
            for j in range(box[1, 0], box[1, 1]):
                first, last = column(pieces[s], edges, i, j, half)
                for k in range(first, last):
                    voxel = number[i % n1, j % n2, k % n3]
                    if voxel >= 0:
                        counts[voxel + 1] += 1


@compiled()
@no_type_check
def _collect(pieces, edges, to_voxels, number, place, near):
    """Store these struts, each with the image of the voxel that it reaches."""
    half = half_diagonal(edges)
    n1, n2, n3 = number.shape
    for s in range(len(pieces)):
        box = reach(pieces[s], to_voxels, half)
        for i in range(box[0, 0], box[0, 1]):
            for j in range(box[1, 0], box[1, 1]):
                first, last = column(pieces[s], edges, i, j, half)
                for k in range(first, last):
                    voxel = number[i % n1, j % n2, k % n3]
                    if voxel >= 0:
                        row = near[place[voxel]]
                        row[0], row[1], row[2], row[3] = s, i, j, k
                        place[voxel] += 1


@compiled()
@no_type_check
def _mean_moduli(pieces, edges, E, first, near):
    """Average over the covered points of a voxel, or over its struts if no point is covered."""
    half = half_diagonal(edges)
    found = np.empty(len(first) - 1)
    sums, struts = np.empty(SAMPLES), np.empty(SAMPLES, np.int64)
    for voxel in range(len(found)):
        rows = near[first[voxel] : first[voxel + 1]]
        inside = True
        mean = 0.0
        for row in rows:
            inside &= is_full(pieces[row[0]], edges, row[1], row[2], row[3], half)
            mean += E[row[0]] / len(rows)
        found[voxel] = mean
        if inside:  # every strut covers every point
            continue
        total, covered = 0.0, 0
        for line in range(SAMPLES**2):
            sums[:], struts[:] = 0.0, 0
            for row in rows:
                for start, stop in _covered_points(pieces[row[0]], edges, row, line):
                    sums[start:stop] += E[row[0]]
                    struts[start:stop] += 1
            for point in range(SAMPLES):
                if struts[point] > 0:
                    total += sums[point] / struts[point]
                    covered += 1
        if covered > 0:
            found[voxel] = total / covered
    return found


@compiled()
@no_type_check
def _covered_points(piece, edges, row, line):
    """Return the ranges [first, stop) of points that a piece covers before and after its bore."""
    p = row[1] + (line // SAMPLES + 0.5) / SAMPLES
    q = row[2] + (line % SAMPLES + 0.5) / SAMPLES
    x = (p * edges[0, 0] + q * edges[1, 0] + row[3] * edges[2, 0] - piece[0],
         p * edges[0, 1] + q * edges[1, 1] + row[3] * edges[2, 1] - piece[1],
         p * edges[0, 2] + q * edges[1, 2] + row[3] * edges[2, 2] - piece[2])  # fmt: skip
    low, high, bore_low, bore_high = covered(piece, x, (edges[2, 0], edges[2, 1], edges[2, 2]))
    start, stop = points_in(min(max(low, 0.0), 1.0), min(max(high, 0.0), 1.0))
    if bore_low > bore_high or bore_high <= 0.0 or bore_low >= 1.0:
        return (start, stop), (0, 0)
    bore = points_in(max(bore_low, 0.0), min(bore_high, 1.0))
    return (start, max(start, min(stop, bore[0]))), (min(stop, max(start, bore[1])), stop)
