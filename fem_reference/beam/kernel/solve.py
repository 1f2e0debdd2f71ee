"""Stiffness, fields and energies of cells from their equilibrium."""

from typing import NamedTuple, no_type_check

import numpy as np

from fem_reference.beam.kernel.blocks import BLOCK, FREEDOMS, WIDTH
from fem_reference.beam.kernel.cells import (
    clear,
    correct,
    equilibrium,
    struts_of,
    with_own_ends,
)
from fem_reference.beam.kernel.factor import block_columns, subtract_product
from fem_reference.beam.kernel.struts import DEFORMATIONS, add_forces
from fem_reference.jit import entry, inner


class Results(NamedTuple):
    """Result arrays; those not requested have no first axis.

    Attributes:
        solved: Whether the energies of a cell are verified to be accurate.
        stiffness: C of every cell.
        motion: Fluctuations and rotations of the nodes (nodes, 6, 6).
        forces: Forces and moments on the ends of the struts (struts, 12, 6).
        parts: Parts of C from axial force, torsion and bending (cells, 3, 6, 6).
    """

    solved: np.ndarray
    stiffness: np.ndarray
    motion: np.ndarray
    forces: np.ndarray
    parts: np.ndarray


@entry
@no_type_check
def solve(cells, span, columns, w, results):
    """Solve cells first, ..., last - 1 of a span."""
    for b in range(span[0], span[1]):
        nodes = cells.node_offsets[b], cells.node_offsets[b + 1] - cells.node_offsets[b]
        struts = struts_of(b, cells, w)
        results.solved[b] = equilibrium(struts, nodes, cells, w, columns)
        if not results.solved[b]:
            continue
        store_energies(b, struts.count, cells.volumes[b], (w, columns), results.stiffness)
        if len(results.motion):
            correct(nodes[1], w.panels, columns, w.f, w.u)
            _store_motion(nodes, w, results.motion)
        if len(results.forces):
            _store_forces(struts, w, columns, results.forces)
            _store_parts(b, struts.count, cells.volumes[b], (w, columns), results.parts)


@inner(inline="always")
@no_type_check
def store_energies(b, count, volume, work, stiffness):
    """Store C = (1/V) sum of D^T D over struts, six rows of D at a time."""
    w, columns = work
    C, D = w.C, w.D
    clear(C, BLOCK)
    size = DEFORMATIONS * count
    for k in range(BLOCK):  # pads the last six rows
        D[size + k] = 0.0
    for at in range(0, size, BLOCK):
        subtract_product(C, 0, block_columns(D, at), D, at, columns)
    for k in range(FREEDOMS):
        for l in range(FREEDOMS):
            both = C[WIDTH * k + l] + C[WIDTH * l + k]
            stiffness[b, k, l] = -both / (2.0 * volume)


@inner(inline="always")
@no_type_check
def _store_parts(b, count, volume, work, parts):
    """Store the axial (row 0 of D), torsion (row 1) and bending (rows 2-7) parts of C."""
    w, columns = work
    C, D = w.C, w.D
    clear(C, 3 * BLOCK)
    for s in range(count):
        at = DEFORMATIONS * s
        for row in range(2):
            for k in range(FREEDOMS):
                for l in range(FREEDOMS):
                    a, c = D[at + WIDTH * row + k], D[at + WIDTH * row + l]
                    C[BLOCK * row + WIDTH * k + l] -= a * c
        bending = at + 2 * WIDTH
        subtract_product(C, 2 * BLOCK, block_columns(D, bending), D, bending, columns)
    for row in range(3):
        for k in range(FREEDOMS):
            for l in range(FREEDOMS):
                both = C[BLOCK * row + WIDTH * k + l] + C[BLOCK * row + WIDTH * l + k]
                parts[b, row, k, l] = -both / (2.0 * volume)


@inner(inline="always")
@no_type_check
def _store_motion(nodes, w, motion):
    """Store displacements in the order of the nodes."""
    first, count = nodes
    u, place = w.u, w.panels.place
    for n in range(count):
        for c in range(FREEDOMS):
            for k in range(FREEDOMS):
                motion[first + n, c, k] = u[BLOCK * place[n] + WIDTH * c + k]


@inner(inline="always")
@no_type_check
def _store_forces(struts, w, columns, forces):
    """Store forces and moments on the ends of every strut."""
    apart, count = w.apart, struts.count
    clear(apart, 2 * BLOCK * count)
    alone = with_own_ends(struts, w)
    add_forces(alone, w.D, columns, apart)
    for s in range(count):
        for c in range(2 * FREEDOMS):
            for k in range(FREEDOMS):
                forces[struts.first + s, c, k] = apart[2 * BLOCK * s + WIDTH * c + k]
