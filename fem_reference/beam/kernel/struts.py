"""Struts of one cell: stiffness, deformations, end forces and their derivatives.

All quantities follow from the strut's vector v with unit tangent t and eight coefficients a, g, c1,
c2, c3, e1, e2, e3 (``elements.strut_coefficients``). With the displacement d = u_j - u_i + E v of
end j relative to end i, and rotations p, q of the ends, the deformations D are

    axial    a t.d
    twist    g t.(q - p)
    bending  P (c1 p + c2 q) - c3 t x d,    P (e1 p + e2 q) - e3 t x d,    P = 1 - t t^T,

and their squares sum to twice the energy. The six unit strains are adjacent in rows of ``WIDTH``
numbers; displacements and forces are stored in blocks, one per node: three rows of displacements
(forces), three of rotations (moments).
"""

from functools import cache
from typing import NamedTuple, no_type_check

import numpy as np
import torch

from fem_reference.beam.kernel.blocks import BLOCK, FREEDOMS, WIDTH
from fem_reference.jit import inner
from lattice_gnn.tensors.notation import strain_basis

DEFORMATIONS = 8 * WIDTH  #: numbers per strut for its deformations

_ROW, _TWO, _THREE = np.uint64(WIDTH), np.uint64(2 * WIDTH), np.uint64(3 * WIDTH)
_FIVE, _SIX = np.uint64(5 * WIDTH), np.uint64(6 * WIDTH)


class Struts(NamedTuple):
    """The struts of one cell.

    Attributes:
        count: Number of struts.
        first: Number of the first one in the batch.
        ends: Block of each end node.
        tangents: Unit vectors along the struts.
        vectors: Vectors from end i to end j, for the whole batch.
        coefficients: Coefficients as above, for the whole batch.
    """

    count: int  # type: ignore[assignment]
    first: int
    ends: np.ndarray
    tangents: np.ndarray
    vectors: np.ndarray
    coefficients: np.ndarray


@cache
def unit_strains() -> np.ndarray:
    """Return the Mandel unit strains, one row of ``WIDTH`` numbers per component."""
    basis = np.zeros((3, 3, WIDTH))
    basis[:, :, :FREEDOMS] = strain_basis(torch.zeros(1, dtype=torch.float64)).permute(1, 2, 0)
    return basis.ravel()


@inner()
@no_type_check
def normalise(struts):
    """Compute the unit vectors along the struts."""
    vectors, tangents = struts.vectors, struts.tangents
    for s in range(struts.count):
        b = struts.first + s
        x, y, z = vectors[b, 0], vectors[b, 1], vectors[b, 2]
        length = np.sqrt(x * x + y * y + z * z)
        tangents[s, 0], tangents[s, 1], tangents[s, 2] = x / length, y / length, z / length


# Vectors of three numbers


@inner()
@no_type_check
def _three(x, at):
    """Return three numbers, a row apart."""
    return x[at], x[at + _ROW], x[at + _TWO]


@inner()
@no_type_check
def _add_to(x, at, a):
    x[at] += a[0]
    x[at + _ROW] += a[1]
    x[at + _TWO] += a[2]


@inner()
@no_type_check
def _inner(a, b):
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@inner()
@no_type_check
def _cross(a, b):
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


@inner()
@no_type_check
def _sum(x, a, y, b):
    """Return x a + y b."""
    return x * a[0] + y * b[0], x * a[1] + y * b[1], x * a[2] + y * b[2]


@inner()
@no_type_check
def _stretch(u, basis, ends, v, k):
    """Return the relative displacement u_j - u_i + E v under the k-th unit strain."""
    a, b, c = _three(u, ends[0] + k), _three(u, ends[1] + k), _three(basis, k)
    d, e = _three(basis, k + _THREE), _three(basis, k + _SIX)
    return b[0] - a[0] + _inner(c, v), b[1] - a[1] + _inner(d, v), b[2] - a[2] + _inner(e, v)


@inner()
@no_type_check
def _coefficients_of(b, coefficients):
    """Return the coefficients of axial force and torsion, and of both bending deformations."""
    return (
        (coefficients[b, 0], coefficients[b, 1]),
        (coefficients[b, 2], coefficients[b, 3], coefficients[b, 4]),
        (coefficients[b, 5], coefficients[b, 6], coefficients[b, 7]),
    )


# All struts of a cell


@inner()
@no_type_check
def deform(struts, u, basis, columns, D):
    """Compute the deformations D of all struts under displacements u and the unit strains."""
    first, ends, tangents = struts.first, struts.ends, struts.tangents
    vectors, coefficients = struts.vectors, struts.coefficients
    for s in range(struts.count):
        b, at = first + s, np.uint64(DEFORMATIONS * s)
        t = tangents[s, 0], tangents[s, 1], tangents[s, 2]
        v = vectors[b, 0], vectors[b, 1], vectors[b, 2]
        (axial, twist), c, e = _coefficients_of(b, coefficients)
        i, j = np.uint64(BLOCK * ends[s, 0]), np.uint64(BLOCK * ends[s, 1])
        for k in range(columns):
            d = _stretch(u, basis, (i, j), v, k)
            p, q = _three(u, i + _THREE + k), _three(u, j + _THREE + k)
            along_p, along_q, chord = _inner(t, p), _inner(t, q), _cross(t, d)
            D[at + k] = axial * _inner(t, d)
            D[at + _ROW + k] = twist * (along_q - along_p)
            p, q = _sum(1.0, p, -along_p, t), _sum(1.0, q, -along_q, t)
            x = _sum(1.0, _sum(c[0], p, c[1], q), -c[2], chord)
            y = _sum(1.0, _sum(e[0], p, e[1], q), -e[2], chord)
            here, there = at + _TWO + k, at + _FIVE + k
            D[here], D[here + _ROW], D[here + _TWO] = x
            D[there], D[there + _ROW], D[there + _TWO] = y


@inner()
@no_type_check
def add_forces(struts, D, columns, f):
    """Add to f the end forces and moments that hold the struts at deformations D.

    The energy of a deformation D is D.D / 2, so that the forces are the transposed map of D.
    """
    first, ends, tangents = struts.first, struts.ends, struts.tangents
    coefficients = struts.coefficients
    for s in range(struts.count):
        b, at = first + s, np.uint64(DEFORMATIONS * s)
        t = tangents[s, 0], tangents[s, 1], tangents[s, 2]
        (axial, twist), c, e = _coefficients_of(b, coefficients)
        i, j = np.uint64(BLOCK * ends[s, 0]), np.uint64(BLOCK * ends[s, 1])
        for k in range(columns):
            stretch, turn = axial * D[at + k], twist * D[at + _ROW + k]
            x, y = _three(D, at + _TWO + k), _three(D, at + _FIVE + k)
            force = _sum(stretch, t, 1.0, _cross(t, _sum(c[2], x, e[2], y)))
            p, q = _sum(c[0], x, e[0], y), _sum(c[1], x, e[1], y)
            _add_to(f, i + k, (-force[0], -force[1], -force[2]))
            _add_to(f, i + _THREE + k, _sum(1.0, p, -_inner(t, p) - turn, t))
            _add_to(f, j + k, force)
            _add_to(f, j + _THREE + k, _sum(1.0, q, turn - _inner(t, q), t))


@inner()
@no_type_check
def _add_block(values, at, t, m):
    """Add [[m0 tt + m1 P, m2 [t]x], [m3 [t]x, m4 tt + m5 P]] to a block of six rows."""
    for r in range(3):
        for c in range(3):
            along = t[r] * t[c]
            across = (1.0 if r == c else 0.0) - along
            values[at + WIDTH * r + c] += m[0] * along + m[1] * across
            values[at + WIDTH * (r + 3) + c + 3] += m[4] * along + m[5] * across
        # row r of [t]x: t[r + 1] in column r + 2, -t[r + 2] in column r + 1, cyclically
        c, d = (r + 1) % 3, (r + 2) % 3
        values[at + WIDTH * r + 3 + d] += m[2] * t[c]
        values[at + WIDTH * r + 3 + c] -= m[2] * t[d]
        values[at + WIDTH * (r + 3) + d] += m[3] * t[c]
        values[at + WIDTH * (r + 3) + c] -= m[3] * t[d]


@inner()
@no_type_check
def assemble(struts, p):
    """Add the stiffness of all struts to the panels."""
    first, ends, tangents = struts.first, struts.ends, struts.tangents
    values, start, where, coefficients = p.values, p.start, p.where, struts.coefficients
    for s in range(struts.count):
        b, t = first + s, (tangents[s, 0], tangents[s, 1], tangents[s, 2])
        a, g = coefficients[b, 0] ** 2, coefficients[b, 1] ** 2
        c1, c2, c3 = coefficients[b, 2], coefficients[b, 3], coefficients[b, 4]
        e1, e2, e3 = coefficients[b, 5], coefficients[b, 6], coefficients[b, 7]
        shear = c3 * c3 + e3 * e3
        at_i, at_j = c3 * c1 + e3 * e1, c3 * c2 + e3 * e2
        ii, ij, jj = c1 * c1 + e1 * e1, c1 * c2 + e1 * e2, c2 * c2 + e2 * e2
        i, j = ends[s, 0], ends[s, 1]
        _add_block(values, start[i], t, (a, shear, -at_i, at_i, g, ii))
        _add_block(values, start[j], t, (a, shear, at_j, -at_j, g, jj))
        if i >= j:  # blocks are stored transposed
            place = start[j] + BLOCK * where[j, i]
            _add_block(values, place, t, (-a, -shear, at_i, at_j, -g, ij))
        if j >= i:
            place = start[i] + BLOCK * where[i, j]
            _add_block(values, place, t, (-a, -shear, -at_j, -at_i, -g, ij))


@inner()
@no_type_check
def add_derivatives(struts, X, motion, columns, gradient):
    """Add the derivatives of X . D by vectors and coefficients to ``gradient`` (struts, 11).

    ``motion`` is (u, basis): D is linear in displacements u and in the unit strains ``basis``
    (possibly zeros), both held fixed.
    """
    u, basis = motion
    for s in range(struts.count):
        b = struts.first + s
        t = struts.tangents[s, 0], struts.tangents[s, 1], struts.tangents[s, 2]
        v = struts.vectors[b, 0], struts.vectors[b, 1], struts.vectors[b, 2]
        constants = _coefficients_of(b, struts.coefficients)
        ends = np.uint64(BLOCK * struts.ends[s, 0]), np.uint64(BLOCK * struts.ends[s, 1])
        at = np.uint64(DEFORMATIONS * s)
        by_t, by_v = (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)
        a0 = a1 = a2 = a3 = a4 = a5 = a6 = a7 = 0.0
        for k in range(columns):
            d = _stretch(u, basis, ends, v, k)
            p, q = _three(u, ends[0] + _THREE + k), _three(u, ends[1] + _THREE + k)
            x, y = _three(X, at + _TWO + k), _three(X, at + _FIVE + k)
            chord, along = _cross(t, d), (_inner(t, p), _inner(t, q), _inner(t, x), _inner(t, y))
            a0 += X[at + k] * _inner(t, d)
            a1 += X[at + _ROW + k] * (along[1] - along[0])
            a2 += _inner(x, p) - along[2] * along[0]
            a3 += _inner(x, q) - along[2] * along[1]
            a4 -= _inner(x, chord)
            a5 += _inner(y, p) - along[3] * along[0]
            a6 += _inner(y, q) - along[3] * along[1]
            a7 -= _inner(y, chord)
            axial, twist = X[at + k], X[at + _ROW + k]
            turn, by_d = _by_tangent(t, constants, (axial, twist, d), (p, q, x, y), along)
            by_t = _sum(1.0, by_t, 1.0, turn)
            strain = _three(basis, k), _three(basis, k + _THREE), _three(basis, k + _SIX)
            by_v = _sum(1.0, by_v, by_d[0], strain[0])
            by_v = _sum(1.0, by_v, 1.0, _sum(by_d[1], strain[1], by_d[2], strain[2]))
        length, radial = np.sqrt(_inner(v, v)), _inner(t, by_t)
        by_v = _sum(1.0, by_v, 1.0 / length, _sum(1.0, by_t, -radial, t))
        for k, a in enumerate((*by_v, a0, a1, a2, a3, a4, a5, a6, a7)):
            gradient[b, k] += a


@inner()
@no_type_check
def _by_tangent(t, constants, stretch, turns, along):
    """Return the derivatives of X . D by the tangent t and by the displacement d."""
    (axial, twist), c, e = constants
    x_axial, x_twist, d = stretch
    p, q, x, y = turns
    chord = _sum(c[2], x, e[2], y)
    by_d = _sum(axial * x_axial, t, 1.0, _cross(t, chord))
    turn = _sum(axial * x_axial, d, -1.0, _cross(d, chord))
    twisted = twist * x_twist
    of_p = -twisted - c[0] * along[2] - e[0] * along[3]
    of_q = twisted - c[1] * along[2] - e[1] * along[3]
    of_x, of_y = c[0] * along[0] + c[1] * along[1], e[0] * along[0] + e[1] * along[1]
    turn = _sum(1.0, turn, 1.0, _sum(of_p, p, of_q, q))
    return _sum(1.0, turn, -1.0, _sum(of_x, x, of_y, y)), by_d
