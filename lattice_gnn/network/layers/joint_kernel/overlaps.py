"""Search for struts whose axes come close, over all periodic images."""

import math
from typing import NamedTuple, no_type_check

import numpy as np

from fem_reference.jit import entry, inner
from lattice_gnn.network.layers.joint_kernel.vectors import dot


class Axes(NamedTuple):
    """Axes of the struts of many lattices.

    Attributes:
        cells: Cell vectors as rows (lattices, 3, 3).
        inverses: Their inverses.
        offsets: Lattice k owns struts ``offsets[k]:offsets[k + 1]``.
        middles: Middles of the axes (struts, 3).
        vectors: Axes from end to end (struts, 3).
        lengths: Their lengths.
        radii: Radius of each strut.
        ends: Nodes at both ends (struts, 2).
        shifts: Cell of the second node relative to the first (struts, 3).
    """

    cells: np.ndarray
    inverses: np.ndarray
    offsets: np.ndarray
    middles: np.ndarray
    vectors: np.ndarray
    lengths: np.ndarray
    radii: np.ndarray
    ends: np.ndarray
    shifts: np.ndarray


@entry
@no_type_check
def find_overlaps(axes, found):
    """Write rows (a, b, shift) of struts without common joint closer than the sum of their radii.

    Each pair is written once; the last row of ``found`` receives the number of pairs, of which
    those that do not fit are left out.
    """
    count = 0
    for k in range(len(axes.cells)):
        for a in range(axes.offsets[k], axes.offsets[k + 1]):
            for b in range(a, axes.offsets[k + 1]):
                count = _add_images(axes, k, (a, b), found, count)
    found[len(found) - 1, 0] = count


@inner(forceinline=True)
@no_type_check
def _add_images(axes, k, pair, found, count):
    """Add the rows of two struts of lattice k; return the new number of rows."""
    a, b = pair
    inverse = axes.inverses[k]
    reach = (axes.lengths[a] + axes.lengths[b]) / 2 + axes.radii[a] + axes.radii[b]
    apart = _minus(axes.middles[b], axes.middles[a])
    i0, i1 = _range(apart, inverse[:, 0], reach)
    j0, j1 = _range(apart, inverse[:, 1], reach)
    l0, l1 = _range(apart, inverse[:, 2], reach)
    for i in range(i0, i1 + 1):
        for j in range(j0, j1 + 1):
            for l in range(l0, l1 + 1):
                if (a != b or _is_forward(i, j, l)) and _overlap(axes, k, pair, (i, j, l)):
                    if count < len(found) - 1:
                        row = found[count]
                        row[0], row[1], row[2], row[3], row[4] = a, b, i, j, l
                    count += 1
    return count


@inner(forceinline=True)
@no_type_check
def _range(apart, column, reach):
    """Return the smallest and largest shift by which two middles come within reach."""
    at, width = dot(apart, column), reach * math.sqrt(dot(column, column))
    return math.ceil(-at - width), math.floor(-at + width)


@inner(forceinline=True)
@no_type_check
def _overlap(axes, k, pair, shift):
    """Return whether a and the image of b overlap without a common joint."""
    a, b = pair
    image = _image(_minus(axes.middles[b], axes.middles[a]), shift, axes.cells[k])
    closest = axes.radii[a] + axes.radii[b]
    reach = (axes.lengths[a] + axes.lengths[b]) / 2 + closest
    if dot(image, image) > reach * reach or _share_joint(axes, a, b, shift):
        return False
    return _distance2(image, axes.vectors[a], axes.vectors[b]) < closest * closest


@inner(forceinline=True)
@no_type_check
def _minus(a, b):
    """Return a - b."""
    return a[0] - b[0], a[1] - b[1], a[2] - b[2]


@inner(forceinline=True)
@no_type_check
def _is_forward(i, j, l):
    """Return whether the first index that is not 0 is positive."""
    return i > 0 or (i == 0 and (j > 0 or (j == 0 and l > 0)))


@inner(forceinline=True)
@no_type_check
def _image(apart, shift, cell):
    """Return apart + shift @ cell."""
    return (
        apart[0] + shift[0] * cell[0, 0] + shift[1] * cell[1, 0] + shift[2] * cell[2, 0],
        apart[1] + shift[0] * cell[0, 1] + shift[1] * cell[1, 1] + shift[2] * cell[2, 1],
        apart[2] + shift[0] * cell[0, 2] + shift[1] * cell[1, 2] + shift[2] * cell[2, 2],
    )


@inner(forceinline=True)
@no_type_check
def _share_joint(axes, a, b, shift):
    """Return whether strut a and strut b displaced by ``shift`` share a node image."""
    for first in range(2):
        for second in range(2):
            if axes.ends[a, first] == axes.ends[b, second]:
                same = True
                for x in range(3):
                    place = shift[x] + second * axes.shifts[b, x] - first * axes.shifts[a, x]
                    same = same and place == 0
                if same:
                    return True
    return False


@inner(forceinline=True)
@no_type_check
def _distance2(apart, p, q):
    """Return the squared distance of the segments x p and apart + y q, |x|, |y| <= 1/2."""
    pp, qq, pq = dot(p, p), dot(q, q), dot(p, q)
    u, v = dot(apart, p), dot(apart, q)
    determinant = pp * qq - pq * pq
    x = 0.0
    if determinant > 1e-14 * pp * qq:
        x = min(max((u * qq - v * pq) / determinant, -0.5), 0.5)
    y = min(max((x * pq - v) / qq, -0.5), 0.5)
    x = min(max((u + y * pq) / pp, -0.5), 0.5)
    square = 0.0
    for k in range(3):
        d = apart[k] + y * q[k] - x * p[k]
        square += d * d
    return square
