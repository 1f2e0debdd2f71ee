"""Struts of one cell: stiffness, deformations, end forces and their derivatives.

Everything follows from the strut's vector v with unit tangent t and eight coefficients a, g, c1, c2,
c3, e1, e2, e3 (``elements.strut_coefficients``). With the displacement d = u_j - u_i + E v of end j
beside end i, and rotations r_i, r_j of the ends, the deformations are

    axial    a t.d
    twist    g t.(r_j - r_i)
    bending  P (c1 r_i + c2 r_j) - c3 t x d,    P (e1 r_i + e2 r_j) - e3 t x d,    P = 1 - t t^T,

and their squares add up to twice the energy. Six unit strains lie side by side in rows of ``WIDTH``
numbers; displacements and forces come in blocks, one per node: three rows of displacements (forces),
three of rotations (moments).
"""

from typing import NamedTuple, no_type_check

import numpy as np

from fem_reference.beam.kernel.jit import BLOCK, WIDTH, compiled

DEFORMATIONS = 8 * WIDTH  #: numbers that hold the deformations of a strut

_R1, _R2, _R3 = np.uint64(WIDTH), np.uint64(2 * WIDTH), np.uint64(3 * WIDTH)
_R4, _R5, _R6 = np.uint64(4 * WIDTH), np.uint64(5 * WIDTH), np.uint64(6 * WIDTH)
_R7 = np.uint64(7 * WIDTH)


class Struts(NamedTuple):
    """The struts of one cell, views of those of the batch but for ``ends`` and ``tangents``.

    Attributes:
        ends: Steps at which the end nodes are eliminated.
        vectors: From end i to end j.
        tangents: Unit vectors along them.
        coefficients: See above.
    """

    ends: np.ndarray
    vectors: np.ndarray
    tangents: np.ndarray
    coefficients: np.ndarray


@compiled()
@no_type_check
def unit_strains():
    """The unit strains of the Mandel basis, ``WIDTH`` numbers for every component: (9, WIDTH)."""
    basis = np.zeros((9, WIDTH))
    half = np.sqrt(0.5)
    basis[0, 0] = basis[4, 1] = basis[8, 2] = 1.0
    basis[5, 3] = basis[7, 3] = half
    basis[2, 4] = basis[6, 4] = half
    basis[1, 5] = basis[3, 5] = half
    return basis.reshape(9 * WIDTH)


@compiled()
@no_type_check
def normalise(vectors, tangents):
    """Unit vectors."""
    for s in range(len(vectors)):
        x, y, z = vectors[s, 0], vectors[s, 1], vectors[s, 2]
        length = np.sqrt(x * x + y * y + z * z)
        tangents[s, 0], tangents[s, 1], tangents[s, 2] = x / length, y / length, z / length


@compiled()
@no_type_check
def deform(s, struts, u, basis, columns, D, at):
    """Deformations of strut s under the unit strains and displacements u."""
    t0, t1, t2 = struts.tangents[s, 0], struts.tangents[s, 1], struts.tangents[s, 2]
    x, y, z = struts.vectors[s, 0], struts.vectors[s, 1], struts.vectors[s, 2]
    c = struts.coefficients[s]
    axial, twist = c[0], c[1]
    c1, c2, c3, e1, e2, e3 = c[2], c[3], c[4], c[5], c[6], c[7]
    i, j = np.uint64(BLOCK * struts.ends[s, 0]), np.uint64(BLOCK * struts.ends[s, 1])
    at = np.uint64(at)
    for k in range(columns):
        d0 = basis[k] * x + basis[_R1 + k] * y + basis[_R2 + k] * z
        d1 = basis[_R3 + k] * x + basis[_R4 + k] * y + basis[_R5 + k] * z
        d2 = basis[_R6 + k] * x + basis[_R7 + k] * y + basis[_R7 + _R1 + k] * z
        d0 += u[j + k] - u[i + k]
        d1 += u[j + _R1 + k] - u[i + _R1 + k]
        d2 += u[j + _R2 + k] - u[i + _R2 + k]
        p0, p1, p2 = u[i + _R3 + k], u[i + _R4 + k], u[i + _R5 + k]
        q0, q1, q2 = u[j + _R3 + k], u[j + _R4 + k], u[j + _R5 + k]
        x0, x1, x2 = t1 * d2 - t2 * d1, t2 * d0 - t0 * d2, t0 * d1 - t1 * d0
        D[at + k] = axial * (t0 * d0 + t1 * d1 + t2 * d2)
        p, q = t0 * p0 + t1 * p1 + t2 * p2, t0 * q0 + t1 * q1 + t2 * q2
        D[at + _R1 + k] = twist * (q - p)
        p0, p1, p2 = p0 - t0 * p, p1 - t1 * p, p2 - t2 * p
        q0, q1, q2 = q0 - t0 * q, q1 - t1 * q, q2 - t2 * q
        D[at + _R2 + k] = c1 * p0 + c2 * q0 - c3 * x0
        D[at + _R3 + k] = c1 * p1 + c2 * q1 - c3 * x1
        D[at + _R4 + k] = c1 * p2 + c2 * q2 - c3 * x2
        D[at + _R5 + k] = e1 * p0 + e2 * q0 - e3 * x0
        D[at + _R6 + k] = e1 * p1 + e2 * q1 - e3 * x1
        D[at + _R7 + k] = e1 * p2 + e2 * q2 - e3 * x2


@compiled()
@no_type_check
def add_forces(s, struts, D, at, columns, f):
    """Add the forces and moments on the ends of strut s, where deformations D are kept, to f.

    A deformation D costs the energy D.D / 2, so that forces are the transposed map of D.
    """
    t0, t1, t2 = struts.tangents[s, 0], struts.tangents[s, 1], struts.tangents[s, 2]
    c = struts.coefficients[s]
    axial, twist = c[0], c[1]
    c1, c2, c3, e1, e2, e3 = c[2], c[3], c[4], c[5], c[6], c[7]
    i, j = np.uint64(BLOCK * struts.ends[s, 0]), np.uint64(BLOCK * struts.ends[s, 1])
    at = np.uint64(at)
    for k in range(columns):
        a, g = axial * D[at + k], twist * D[at + _R1 + k]
        p0, p1, p2 = D[at + _R2 + k], D[at + _R3 + k], D[at + _R4 + k]
        q0, q1, q2 = D[at + _R5 + k], D[at + _R6 + k], D[at + _R7 + k]
        x0, x1, x2 = c3 * p0 + e3 * q0, c3 * p1 + e3 * q1, c3 * p2 + e3 * q2
        f0, f1 = a * t0 + t1 * x2 - t2 * x1, a * t1 + t2 * x0 - t0 * x2
        f2 = a * t2 + t0 * x1 - t1 * x0
        x0, x1, x2 = c1 * p0 + e1 * q0, c1 * p1 + e1 * q1, c1 * p2 + e1 * q2
        along = t0 * x0 + t1 * x1 + t2 * x2 + g
        f[i + k] -= f0
        f[i + _R1 + k] -= f1
        f[i + _R2 + k] -= f2
        f[i + _R3 + k] += x0 - t0 * along
        f[i + _R4 + k] += x1 - t1 * along
        f[i + _R5 + k] += x2 - t2 * along
        x0, x1, x2 = c2 * p0 + e2 * q0, c2 * p1 + e2 * q1, c2 * p2 + e2 * q2
        along = t0 * x0 + t1 * x1 + t2 * x2 - g
        f[j + k] += f0
        f[j + _R1 + k] += f1
        f[j + _R2 + k] += f2
        f[j + _R3 + k] += x0 - t0 * along
        f[j + _R4 + k] += x1 - t1 * along
        f[j + _R5 + k] += x2 - t2 * along


@compiled()
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


@compiled()
@no_type_check
def assemble(struts, p):
    """Add the stiffness of all struts to the panels."""
    for s in range(len(struts.ends)):
        c = struts.coefficients[s]
        c1, c2, c3, e1, e2, e3 = c[2], c[3], c[4], c[5], c[6], c[7]
        a, g = c[0] * c[0], c[1] * c[1]
        shear = c3 * c3 + e3 * e3
        at_i, at_j = c3 * c1 + e3 * e1, c3 * c2 + e3 * e2
        ii, ij, jj = c1 * c1 + e1 * e1, c1 * c2 + e1 * e2, c2 * c2 + e2 * e2
        t = struts.tangents[s]
        i, j = struts.ends[s, 0], struts.ends[s, 1]
        _add_block(p.values, p.start[i], t, (a, shear, -at_i, at_i, g, ii))
        _add_block(p.values, p.start[j], t, (a, shear, at_j, -at_j, g, jj))
        if i >= j:  # blocks lie transposed
            place = p.start[j] + BLOCK * p.where[j, i]
            _add_block(p.values, place, t, (-a, -shear, at_i, at_j, -g, ij))
        if j >= i:
            place = p.start[i] + BLOCK * p.where[i, j]
            _add_block(p.values, place, t, (-a, -shear, -at_j, -at_i, -g, ij))


@compiled()
@no_type_check
def add_derivatives(s, struts, X, at, motion, gradient):
    """Add the derivatives of X . D by the vector and coefficients of strut s to gradient[s].

    ``motion`` is (u, basis, columns): D is linear in displacements u and in the unit strains
    ``basis`` (which may be zeros), and both are held fixed.
    """
    u, basis, columns = motion
    t0, t1, t2 = struts.tangents[s, 0], struts.tangents[s, 1], struts.tangents[s, 2]
    x, y, z = struts.vectors[s, 0], struts.vectors[s, 1], struts.vectors[s, 2]
    c = struts.coefficients[s]
    i, j = np.uint64(BLOCK * struts.ends[s, 0]), np.uint64(BLOCK * struts.ends[s, 1])
    at = np.uint64(at)
    a0 = a1 = a2 = a3 = a4 = a5 = a6 = a7 = 0.0
    n0 = n1 = n2 = v0 = v1 = v2 = 0.0
    for k in range(columns):
        d0 = basis[k] * x + basis[_R1 + k] * y + basis[_R2 + k] * z
        d1 = basis[_R3 + k] * x + basis[_R4 + k] * y + basis[_R5 + k] * z
        d2 = basis[_R6 + k] * x + basis[_R7 + k] * y + basis[_R7 + _R1 + k] * z
        d0 += u[j + k] - u[i + k]
        d1 += u[j + _R1 + k] - u[i + _R1 + k]
        d2 += u[j + _R2 + k] - u[i + _R2 + k]
        p0, p1, p2 = u[i + _R3 + k], u[i + _R4 + k], u[i + _R5 + k]
        q0, q1, q2 = u[j + _R3 + k], u[j + _R4 + k], u[j + _R5 + k]
        e, f = X[at + k], X[at + _R1 + k]
        x0, x1, x2 = X[at + _R2 + k], X[at + _R3 + k], X[at + _R4 + k]
        y0, y1, y2 = X[at + _R5 + k], X[at + _R6 + k], X[at + _R7 + k]
        # axial and twist
        a0 += e * (t0 * d0 + t1 * d1 + t2 * d2)
        p, q = t0 * p0 + t1 * p1 + t2 * p2, t0 * q0 + t1 * q1 + t2 * q2
        a1 += f * (q - p)
        e, f = c[0] * e, c[1] * f
        n0, n1 = n0 + e * d0 + f * (q0 - p0), n1 + e * d1 + f * (q1 - p1)
        n2 += e * d2 + f * (q2 - p2)
        # bending: rotations, then the chord
        along_x, along_y = t0 * x0 + t1 * x1 + t2 * x2, t0 * y0 + t1 * y1 + t2 * y2
        a2 += x0 * p0 + x1 * p1 + x2 * p2 - along_x * p
        a3 += x0 * q0 + x1 * q1 + x2 * q2 - along_x * q
        a5 += y0 * p0 + y1 * p1 + y2 * p2 - along_y * p
        a6 += y0 * q0 + y1 * q1 + y2 * q2 - along_y * q
        r, m = c[2] * p + c[3] * q, c[5] * p + c[6] * q
        g, h = c[2] * along_x + c[5] * along_y, c[3] * along_x + c[6] * along_y
        n0 -= x0 * r + y0 * m + p0 * g + q0 * h
        n1 -= x1 * r + y1 * m + p1 * g + q1 * h
        n2 -= x2 * r + y2 * m + p2 * g + q2 * h
        r0, r1, r2 = t1 * d2 - t2 * d1, t2 * d0 - t0 * d2, t0 * d1 - t1 * d0
        a4 -= x0 * r0 + x1 * r1 + x2 * r2
        a7 -= y0 * r0 + y1 * r1 + y2 * r2
        m0, m1, m2 = c[4] * x0 + c[7] * y0, c[4] * x1 + c[7] * y1, c[4] * x2 + c[7] * y2
        n0, n1 = n0 - (d1 * m2 - d2 * m1), n1 - (d2 * m0 - d0 * m2)
        n2 -= d0 * m1 - d1 * m0
        # d itself follows the vector by the unit strains
        g0, g1, g2 = (
            e * t0 + t1 * m2 - t2 * m1,
            e * t1 + t2 * m0 - t0 * m2,
            e * t2 + t0 * m1 - t1 * m0,
        )
        v0 += g0 * basis[k] + g1 * basis[_R3 + k] + g2 * basis[_R6 + k]
        v1 += g0 * basis[_R1 + k] + g1 * basis[_R4 + k] + g2 * basis[_R7 + k]
        v2 += g0 * basis[_R2 + k] + g1 * basis[_R5 + k] + g2 * basis[_R7 + _R1 + k]
    length, along = np.sqrt(x * x + y * y + z * z), n0 * t0 + n1 * t1 + n2 * t2
    out = gradient[s]
    out[0] += v0 + (n0 - along * t0) / length
    out[1] += v1 + (n1 - along * t1) / length
    out[2] += v2 + (n2 - along * t2) / length
    for k, a in enumerate((a0, a1, a2, a3, a4, a5, a6, a7)):
        out[3 + k] += a
