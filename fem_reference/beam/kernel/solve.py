"""What the solver gives: stiffness, fields and energies of cells from their equilibrium."""

from typing import NamedTuple, no_type_check

import numpy as np

from fem_reference.beam.kernel.cells import correct, equilibrium, make_work, struts_of
from fem_reference.beam.kernel.factor import block_columns, subtract_product
from fem_reference.beam.kernel.jit import BLOCK, FREEDOMS, WIDTH, compiled, entry
from fem_reference.beam.kernel.struts import DEFORMATIONS, Struts, add_forces


class Results(NamedTuple):
    """What is found; arrays without a first axis are not asked for.

    Attributes:
        solved: Whether the energies of a cell are accurate beyond doubt.
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
def solve(cells, first, last, columns, results):
    """Solve cells first, ..., last - 1."""
    w = make_work(cells, first, last, columns)
    for b in range(first, last):
        nodes = slice(cells.node_offsets[b], cells.node_offsets[b + 1])
        members = slice(cells.strut_offsets[b], cells.strut_offsets[b + 1])
        struts = struts_of(b, cells, w)
        results.solved[b] = equilibrium(struts, cells.held[nodes], cells, w)
        if not results.solved[b]:
            continue
        _energies(len(struts.ends), w, cells.volumes[b], results.stiffness[b])
        if len(results.motion):
            correct(nodes.stop - nodes.start, w)
            _store_motion(w, results.motion[nodes])
        if len(results.forces):
            _store_forces(struts, w, results.forces[members])
            _store_parts(len(struts.ends), w, cells.volumes[b], results.parts[b])


@compiled()
@no_type_check
def _energies(count, w, volume, C):
    """C = (1/V) sum of D^T D over struts, six rows of D at a time."""
    w.C[:BLOCK] = 0.0
    size = DEFORMATIONS * count
    w.D[size : size + BLOCK] = 0.0
    for at in range(0, size, BLOCK):
        subtract_product(w.C, 0, block_columns(w.D, at), w.D, at, w.columns)
    _store_symmetric(w.C, volume, C)


@compiled()
@no_type_check
def _store_symmetric(negative, volume, C):
    for k in range(FREEDOMS):
        for l in range(FREEDOMS):
            C[k, l] = -(negative[WIDTH * k + l] + negative[WIDTH * l + k]) / (2.0 * volume)


@compiled()
@no_type_check
def _store_parts(count, w, volume, parts):
    """Parts of C: axial force (row 0 of D), torsion (row 1), bending (the six others)."""
    for row in range(2):
        part = parts[row]
        part[:] = 0.0
        for s in range(count):
            at = DEFORMATIONS * s + WIDTH * row
            for k in range(FREEDOMS):
                for l in range(FREEDOMS):
                    part[k, l] += w.D[at + k] * w.D[at + l] / volume
    w.C[:BLOCK] = 0.0
    for s in range(count):
        at = DEFORMATIONS * s + 2 * WIDTH
        subtract_product(w.C, 0, block_columns(w.D, at), w.D, at, w.columns)
    _store_symmetric(w.C, volume, parts[2])


@compiled()
@no_type_check
def _store_motion(w, motion):
    """Displacements in the order of the nodes."""
    for n in range(len(motion)):
        at = BLOCK * w.panels.place[n]
        for c in range(FREEDOMS):
            for k in range(FREEDOMS):
                motion[n, c, k] = w.u[at + WIDTH * c + k]


@compiled()
@no_type_check
def _store_forces(struts, w, forces):
    """Forces and moments on the ends of every strut."""
    alone = Struts(w.pairs, struts.vectors, struts.tangents, struts.coefficients)
    for s in range(len(struts.ends)):
        w.f[: 2 * BLOCK] = 0.0
        add_forces(s, alone, w.D, DEFORMATIONS * s, w.columns, w.f)
        for c in range(2 * FREEDOMS):
            for k in range(FREEDOMS):
                forces[s, c, k] = w.f[WIDTH * c + k]
