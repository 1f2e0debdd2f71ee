"""Derivatives of what follows from equilibrium, by the vectors and coefficients of the struts.

C is stationary in the displacements, so that its derivative is the explicit one. Other results R
depend on the displacements U, too: with the adjoint displacements A = K^-1 dR/dU the derivative of
K U + f = 0 adds that of -A . (K U + f), a sum over struts of D(A) . D(U).
"""

from typing import NamedTuple, no_type_check

import numpy as np

from fem_reference.beam.kernel.cells import (
    build_matrix,
    deform_all,
    factor_and_solve,
    make_work,
    scale,
    struts_of,
    sum_forces,
)
from fem_reference.beam.kernel.factor import block_rows, dot, subtract_product
from fem_reference.beam.kernel.jit import BLOCK, FREEDOMS, WIDTH, compiled, entry
from fem_reference.beam.kernel.struts import DEFORMATIONS, Struts, add_derivatives, deform


class Derivatives(NamedTuple):
    """Derivatives by the results, and the motion at which they are taken.

    Attributes:
        solved: Cells to be looked at.
        motion: Fluctuations and rotations of the nodes (nodes, 6, 6).
        by_stiffness: (cells, 6, 6).
        by_motion: (nodes, 6, 6).
        by_forces: (struts, 12, 6).
        by_parts: (cells, 3, 6, 6).
        beyond_stiffness: Whether any but ``by_stiffness`` is not zero.
    """

    solved: np.ndarray
    motion: np.ndarray
    by_stiffness: np.ndarray
    by_motion: np.ndarray
    by_forces: np.ndarray
    by_parts: np.ndarray
    beyond_stiffness: bool


@entry
@no_type_check
def differentiate(cells, first, last, columns, given, gradient):
    """Write the derivatives by vectors and coefficients, (struts, 11), for some cells."""
    w = make_work(cells, first, last, columns)
    for b in range(first, last):
        nodes = slice(cells.node_offsets[b], cells.node_offsets[b + 1])
        members = slice(cells.strut_offsets[b], cells.strut_offsets[b + 1])
        gradient[members] = 0.0
        if not given.solved[b]:
            continue
        struts = struts_of(b, cells, w)
        _load(w, given.motion[nodes], w.u)
        deform_all(struts, w, w.u, w.basis)
        for row in range(3):
            _weights(given, b, row, cells.volumes[b], w.C[BLOCK * row : BLOCK * (row + 1)])
        for s in range(len(struts.ends)):
            _apply_weights(DEFORMATIONS * s, w)
        if given.beyond_stiffness:
            _add_adjoint(struts, nodes, members, (cells, given, w), gradient[members])
        for s in range(len(struts.ends)):
            motion = w.u, w.basis, w.columns
            add_derivatives(s, struts, w.X, DEFORMATIONS * s, motion, gradient[members])


@compiled()
@no_type_check
def _load(w, values, x):
    """Blocks of nodes, in the order of elimination."""
    for n in range(len(values)):
        at = BLOCK * w.panels.place[n]
        for c in range(FREEDOMS):
            for k in range(FREEDOMS):
                x[at + WIDTH * c + k] = values[n, c, k]
            for k in range(FREEDOMS, WIDTH):
                x[at + WIDTH * c + k] = 0.0


@compiled()
@no_type_check
def _weights(given, b, row, volume, W):
    """W such that the derivatives by deformations D of a kind are -D W."""
    for k in range(FREEDOMS):
        for l in range(FREEDOMS):
            total = given.by_stiffness[b, k, l] + given.by_stiffness[b, l, k]
            if given.beyond_stiffness:
                total += given.by_parts[b, row, k, l] + given.by_parts[b, row, l, k]
            W[WIDTH * k + l] = -total / volume


@compiled()
@no_type_check
def _apply_weights(at, w):
    """X = -D W for one strut, W by kind: axial, twist, bending."""
    columns = w.columns
    w.X[at : at + DEFORMATIONS] = 0.0
    for row in range(2):
        here, block = np.uint64(at + WIDTH * row), np.uint64(BLOCK * row)
        d = (
            w.D[here],
            w.D[here + np.uint64(1)],
            w.D[here + np.uint64(2)],
            w.D[here + np.uint64(3)],
            w.D[here + np.uint64(4)],
            w.D[here + np.uint64(5)],
        )
        for k in range(columns):
            W = (
                w.C[block + k],
                w.C[block + np.uint64(WIDTH) + k],
                w.C[block + np.uint64(2 * WIDTH) + k],
                w.C[block + np.uint64(3 * WIDTH) + k],
                w.C[block + np.uint64(4 * WIDTH) + k],
                w.C[block + np.uint64(5 * WIDTH) + k],
            )
            w.X[here + k] = -dot(d, W)
    bending = at + 2 * WIDTH
    subtract_product(w.X, bending, block_rows(w.D, bending), w.C, 2 * BLOCK, columns)


@compiled()
@no_type_check
def _add_adjoint(struts, nodes, members, context, gradient):
    """Add derivatives by way of forces and displacements; X then lacks the explicit part alone."""
    cells, given, w = context
    held, by_forces = cells.held[nodes], given.by_forces[members]
    alone = Struts(w.pairs, struts.vectors, struts.tangents, struts.coefficients)
    for s in range(len(struts.ends)):  # forces B^T D: by D, B times the derivative
        _load_ends(by_forces[s], w.v)
        _add_deformation(s, alone, w.v, w)
    sum_forces(struts, len(held), w, w.X)
    _add_blocks(given.by_motion[nodes], w)
    build_matrix(struts, held, w)
    scale(len(held), w, w.f, 1.0)
    factor_and_solve(len(held), w, w.f)
    for s in range(len(struts.ends)):
        _load_ends(by_forces[s], w.v)
        for k in range(BLOCK):
            w.v[k] -= w.f[BLOCK * struts.ends[s, 0] + k]
            w.v[BLOCK + k] -= w.f[BLOCK * struts.ends[s, 1] + k]
        motion = w.v, w.nothing, w.columns
        add_derivatives(s, alone, w.D, DEFORMATIONS * s, motion, gradient)
    for k in range(BLOCK * len(held)):
        w.f[k] = -w.f[k]
    for s in range(len(struts.ends)):
        _add_deformation(s, struts, w.f, w)


@compiled()
@no_type_check
def _add_deformation(s, struts, u, w):
    """X += D(u) without strain, for one strut."""
    at = DEFORMATIONS * s
    deform(s, struts, u, w.nothing, w.columns, w.one, 0)
    for k in range(DEFORMATIONS):
        w.X[at + k] += w.one[k]


@compiled()
@no_type_check
def _load_ends(values, v):
    """Values at the two ends of a strut as two blocks."""
    for c in range(2 * FREEDOMS):
        for k in range(FREEDOMS):
            v[WIDTH * c + k] = values[c, k]


@compiled()
@no_type_check
def _add_blocks(values, w):
    """Add values of the nodes to the blocks of f."""
    for n in range(len(values)):
        at = BLOCK * w.panels.place[n]
        for c in range(FREEDOMS):
            for k in range(FREEDOMS):
                w.f[at + WIDTH * c + k] += values[n, c, k]
