"""Energies of struts that do not fit their nodes, and their derivatives (``beam.misfit``)."""

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
from fem_reference.beam.kernel.derivatives import apply_weights, load_apart
from fem_reference.beam.kernel.factor import solve_lower, solve_upper
from fem_reference.beam.kernel.solve import store_energies
from fem_reference.beam.kernel.struts import add_derivatives, add_forces, deform
from fem_reference.jit import entry, inner


class Misfits(NamedTuple):
    """Misfits of several sets and what follows from them.

    Attributes:
        solved: Whether the stiffness of a cell is positive definite.
        misfit: Displacements and rotations of strut ends (sets, struts, 12, 6); on return of
            ``relax`` relative to the nodes at rest, so with the motion of the nodes added.
        energy: D^T D summed over the struts (sets, cells, 6, 6).
        forces: Forces and moments on the ends, times the derivatives by the energies (sets, struts,
            12, 6).
    """

    solved: np.ndarray
    misfit: np.ndarray
    energy: np.ndarray
    forces: np.ndarray


@entry
@no_type_check
def relax(cells, span, columns, w, given):
    """Let the nodes of the cells of a span move to equilibrium under each set of misfits."""
    for b in range(span[0], span[1]):
        nodes = cells.node_offsets[b], cells.node_offsets[b + 1] - cells.node_offsets[b]
        struts = struts_of(b, cells, w)
        alone = with_own_ends(struts, w)
        build_matrix(struts, nodes, cells.held, w.panels, columns)
        given.solved[b] = True
        for k in range(len(given.misfit)):
            if given.solved[b]:
                load_apart(struts, given.misfit[k], w.apart)
                given.solved[b] = _move(struts, alone, nodes[1], (w, columns), k == 0)
                _store_apart(struts, w.apart, given.misfit[k])
                store_energies(b, struts.count, 1.0, (w, columns), given.energy[k])


@inner()
@no_type_check
def _move(struts, alone, nodes, context, first):
    """Add the motion of the nodes to w.apart, set w.D; return whether the matrix is definite."""
    w, columns = context
    p, u, f = w.panels, w.u, w.f
    deform(alone, w.apart, w.nothing, columns, w.D)
    clear(f, BLOCK * nodes)
    add_forces(struts, w.D, columns, f)
    scale(nodes, p, columns, f, -1.0)
    if first:
        if not factor_and_solve(nodes, p, columns, f, u):
            return False
    else:
        solve_lower(nodes, p, f, columns)
        solve_upper(nodes, p, f, columns)
        scale(nodes, p, columns, f, 1.0)
        for k in range(BLOCK * nodes):
            u[k] = f[k]
    for s in range(struts.count):
        for k in range(BLOCK):
            w.apart[2 * BLOCK * s + k] += u[BLOCK * struts.ends[s, 0] + k]
            w.apart[2 * BLOCK * s + BLOCK + k] += u[BLOCK * struts.ends[s, 1] + k]
    deform(alone, w.apart, w.nothing, columns, w.D)
    return True


@inner()
@no_type_check
def _store_apart(struts, apart, values):
    """Copy the blocks of the ends of struts to an array (struts, 12, 6)."""
    for s in range(struts.count):
        for c in range(2 * FREEDOMS):
            for k in range(FREEDOMS):
                values[struts.first + s, c, k] = apart[2 * BLOCK * s + WIDTH * c + k]


@entry
@no_type_check
def differentiate_misfits(cells, span, columns, w, given, gradient):
    """Write the derivatives by misfits to ``given.forces``, those by vectors and coefficients.

    ``given.energy`` holds the derivatives by the energies, symmetrised and doubled.
    """
    for b in range(span[0], span[1]):
        for s in range(cells.strut_offsets[b], cells.strut_offsets[b + 1]):
            for k in range(11):
                gradient[s, k] = 0.0
        if not given.solved[b]:
            continue
        struts = struts_of(b, cells, w)
        alone = with_own_ends(struts, w)
        for q in range(len(given.misfit)):
            load_apart(struts, given.misfit[q], w.apart)
            deform(alone, w.apart, w.nothing, columns, w.D)
            for row in range(3):
                for k in range(FREEDOMS):
                    for l in range(FREEDOMS):
                        w.C[BLOCK * row + WIDTH * k + l] = given.energy[q, b, k, l]
            apply_weights(struts.count, w, columns)
            add_derivatives(alone, w.X, (w.apart, w.nothing), columns, gradient)
            clear(w.apart, 2 * BLOCK * struts.count)
            add_forces(alone, w.X, columns, w.apart)
            _store_apart(struts, w.apart, given.forces[q])
