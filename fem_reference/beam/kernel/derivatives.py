"""Derivatives of the results with respect to the vectors and coefficients of the struts.

C is stationary in the displacements, so that its derivative is the explicit one. Other results R
also depend on the displacements U: with the adjoint displacements A = K^-1 dR/dU, differentiating
K U + f = 0 adds the derivative of -A . (K U + f), a sum over struts of D(A) . D(U).
"""

from typing import NamedTuple, no_type_check

import numpy as np

from fem_reference.beam.kernel.blocks import BLOCK, FREEDOMS, WIDTH
from fem_reference.beam.kernel.cells import (
    build_matrix,
    clear,
    factor_and_solve,
    scale,
    struts_of,
    with_own_ends,
)
from fem_reference.beam.kernel.factor import dot, six
from fem_reference.beam.kernel.struts import DEFORMATIONS, add_derivatives, add_forces, deform
from fem_reference.jit import entry, inner


class Derivatives(NamedTuple):
    """Derivatives with respect to the results, and the motion at which they are taken.

    Attributes:
        solved: Cells to differentiate.
        motion: Fluctuations and rotations of the nodes (nodes, 6, 6).
        by_stiffness: (cells, 6, 6).
        by_motion: (nodes, 6, 6).
        by_forces: (struts, 12, 6).
        by_parts: (cells, 3, 6, 6).
        beyond_stiffness: Whether any derivative other than ``by_stiffness`` is non-zero.
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
def differentiate(cells, span, columns, w, given, gradient):
    """Write derivatives by vectors and coefficients, (struts, 11), for the cells of a span."""
    for b in range(span[0], span[1]):
        nodes = cells.node_offsets[b], cells.node_offsets[b + 1] - cells.node_offsets[b]
        for s in range(cells.strut_offsets[b], cells.strut_offsets[b + 1]):
            for k in range(11):
                gradient[s, k] = 0.0
        if not given.solved[b]:
            continue
        struts = struts_of(b, cells, w)
        clear(w.u, BLOCK * nodes[1])
        _add_blocks(nodes, given.motion, w.panels.place, w.u)
        deform(struts, w.u, w.basis, columns, w.D)
        _weights(b, given, cells.volumes[b], w.C)
        apply_weights(struts.count, w, columns)
        if given.beyond_stiffness:
            _add_adjoint(struts, nodes, cells.held, (given, w, columns), gradient)
        add_derivatives(struts, w.X, (w.u, w.basis), columns, gradient)


@inner(inline="always")
@no_type_check
def _add_blocks(nodes, values, place, x):
    """Add values of the nodes to blocks in elimination order."""
    first, count = nodes
    for n in range(count):
        for c in range(FREEDOMS):
            for k in range(FREEDOMS):
                x[BLOCK * place[n] + WIDTH * c + k] += values[first + n, c, k]


@inner(inline="always")
@no_type_check
def _weights(b, given, volume, W):
    """Compute W for each kind of deformation: derivatives by deformations D are D W."""
    for row in range(3):
        for k in range(FREEDOMS):
            for l in range(FREEDOMS):
                total = given.by_stiffness[b, k, l] + given.by_stiffness[b, l, k]
                if given.beyond_stiffness:
                    total += given.by_parts[b, row, k, l] + given.by_parts[b, row, l, k]
                W[BLOCK * row + WIDTH * k + l] = total / volume


@inner(inline="always")
@no_type_check
def apply_weights(count, w, columns):
    """Set X = D W for all struts, W by kind: axial, twist, and the six rows of bending."""
    W, D, X = w.C, w.D, w.X
    for s in range(count):
        for row in range(8):
            at = np.uint64(DEFORMATIONS * s + WIDTH * row)
            d, block = six(D, at, np.uint64(1)), np.uint64(BLOCK * min(row, 2))
            for k in range(columns):
                X[at + k] = dot(d, six(W, block + k, np.uint64(WIDTH)))


@inner(inline="always")
@no_type_check
def _add_adjoint(struts, nodes, held, context, gradient):
    """Add the derivatives through forces and displacements; X then lacks only the explicit part."""
    given, w, columns = context
    p, f, D, X, apart = w.panels, w.f, w.D, w.X, w.apart
    alone = with_own_ends(struts, w)
    # Forces are B^T D: the derivative by D is B applied to the derivative by the forces.
    load_apart(struts, given.by_forces, apart)
    _add_deformations(alone, apart, w, columns)
    clear(f, BLOCK * nodes[1])
    add_forces(struts, X, columns, f)
    _add_blocks(nodes, given.by_motion, p.place, f)
    build_matrix(struts, nodes, held, p, columns)
    scale(nodes[1], p, columns, f, 1.0)
    factor_and_solve(nodes[1], p, columns, f, f)
    for s in range(struts.count):
        for k in range(BLOCK):
            apart[2 * BLOCK * s + k] -= f[BLOCK * struts.ends[s, 0] + k]
            apart[2 * BLOCK * s + BLOCK + k] -= f[BLOCK * struts.ends[s, 1] + k]
    add_derivatives(alone, D, (apart, w.nothing), columns, gradient)
    for k in range(BLOCK * nodes[1]):
        f[k] = -f[k]
    _add_deformations(struts, f, w, columns)


@inner(inline="always")
@no_type_check
def _add_deformations(struts, u, w, columns):
    """Add D(u) without strain to X; w.D is unchanged."""
    deform(struts, u, w.nothing, columns, w.Y)
    X, Y = w.X, w.Y
    for k in range(DEFORMATIONS * struts.count):
        X[k] += Y[k]


@inner(inline="always")
@no_type_check
def load_apart(struts, values, apart):
    """Copy the values at the ends of struts to two separate blocks each."""
    clear(apart, 2 * BLOCK * struts.count)
    for s in range(struts.count):
        for c in range(2 * FREEDOMS):
            for k in range(FREEDOMS):
                apart[2 * BLOCK * s + WIDTH * c + k] = values[struts.first + s, c, k]
