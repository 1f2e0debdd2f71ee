"""Equilibrium of cells, one after another, and the derivatives of what follows from it."""

from typing import NamedTuple, no_type_check

import numpy as np

from fem_reference.beam.kernel.factor import (
    factorise,
    solve_lower,
    solve_upper,
)
from fem_reference.beam.kernel.jit import BLOCK, FREEDOMS, WIDTH, compiled
from fem_reference.beam.kernel.ordering import Panels, buffers, order_nodes
from fem_reference.beam.kernel.struts import (
    DEFORMATIONS,
    Struts,
    add_forces,
    assemble,
    deform,
    normalise,
    unit_strains,
)

_PASSES = 4  #: refinements before a cell is left to the path that looks at the softest mode


class Cells(NamedTuple):
    """The cells of a batch.

    Attributes:
        vectors: Strut vectors (struts, 3).
        coefficients: Of every strut (struts, 8), see ``struts``.
        volumes: Of the cells.
        struts: End nodes of every strut, numbered across the batch.
        node_offsets: Cell b owns nodes ``node_offsets[b]:node_offsets[b + 1]``.
        strut_offsets: The same for struts.
        held: Degrees of freedom that are held (nodes, 6).
        negligible: Error of C over its trace that needs no look at the eigenvalues.
        rounding: Square of what rounding leaves of the deformations where they are zero, relative.
    """

    vectors: np.ndarray
    coefficients: np.ndarray
    volumes: np.ndarray
    struts: np.ndarray
    node_offsets: np.ndarray
    strut_offsets: np.ndarray
    held: np.ndarray
    negligible: float
    rounding: float


class Work(NamedTuple):
    """Buffers that serve one cell after another."""

    panels: Panels
    u: np.ndarray
    f: np.ndarray
    v: np.ndarray
    D: np.ndarray
    X: np.ndarray
    one: np.ndarray
    C: np.ndarray
    ends: np.ndarray
    pairs: np.ndarray
    tangents: np.ndarray
    basis: np.ndarray
    nothing: np.ndarray
    columns: np.uint64


@compiled()
@no_type_check
def make_work(cells, first, last, columns):
    """Buffers for the largest of some cells."""
    nodes = struts = 1
    for b in range(first, last):
        nodes = max(nodes, cells.node_offsets[b + 1] - cells.node_offsets[b])
        struts = max(struts, cells.strut_offsets[b + 1] - cells.strut_offsets[b])
    pairs = np.zeros((struts, 2), dtype=np.int64)
    pairs[:, 1] = 1
    return Work(
        buffers(nodes),
        np.zeros(BLOCK * nodes),
        np.zeros(BLOCK * (nodes + 2)),
        np.zeros(2 * BLOCK),
        np.zeros(DEFORMATIONS * struts + BLOCK),
        np.zeros(DEFORMATIONS * struts + BLOCK),
        np.zeros(DEFORMATIONS),
        np.zeros(3 * BLOCK),
        np.empty((struts, 2), dtype=np.int64),
        pairs,
        np.empty((struts, 3)),
        unit_strains(),
        np.zeros(9 * WIDTH),
        columns,
    )


@compiled()
@no_type_check
def struts_of(b, cells, w):
    """The struts of cell b, whose elimination order is chosen here."""
    first, last = cells.strut_offsets[b], cells.strut_offsets[b + 1]
    start, nodes = cells.node_offsets[b], cells.node_offsets[b + 1] - cells.node_offsets[b]
    ends, tangents = w.ends[: last - first], w.tangents[: last - first]
    for s in range(last - first):
        ends[s, 0] = cells.struts[first + s, 0] - start
        ends[s, 1] = cells.struts[first + s, 1] - start
    order_nodes(ends, nodes, w.panels)
    for s in range(last - first):
        ends[s, 0] = w.panels.place[ends[s, 0]]
        ends[s, 1] = w.panels.place[ends[s, 1]]
    vectors = cells.vectors[first:last]
    normalise(vectors, tangents)
    return Struts(ends, vectors, tangents, cells.coefficients[first:last])


@compiled()
@no_type_check
def build_matrix(struts, held, w):
    """Panels of the stiffness matrix, scaled to a unit diagonal, degrees of freedom held."""
    p, columns, nodes = w.panels, w.columns, len(held)
    p.values[: p.start[nodes]] = 0.0
    assemble(struts, p)
    for step in range(nodes):
        for c in range(FREEDOMS):
            diagonal = p.values[p.start[step] + (WIDTH + 1) * c]
            free = not held[p.order[step], c]
            p.scale[WIDTH * step + c] = 1.0 / np.sqrt(diagonal) if free else 0.0
    for step in range(nodes):
        for b in range(p.count[step] + 1):
            other = step if b == 0 else p.later[step, b - 1]
            for c in range(FREEDOMS):
                row = np.uint64(p.start[step] + BLOCK * b + WIDTH * c)
                factor, others = p.scale[WIDTH * step + c], np.uint64(WIDTH * other)
                for k in range(columns):
                    p.values[row + k] *= factor * p.scale[others + k]
        for c in range(FREEDOMS):
            p.values[p.start[step] + (WIDTH + 1) * c] = 1.0


@compiled()
@no_type_check
def scale(nodes, w, x, sign):
    """Multiply every degree of freedom by its scale, and by the sign."""
    columns = w.columns
    for step in range(nodes):
        for c in range(FREEDOMS):
            factor = sign * w.panels.scale[WIDTH * step + c]
            row = np.uint64(BLOCK * step + WIDTH * c)
            for k in range(columns):
                x[row + k] *= factor


@compiled()
@no_type_check
def _square_sum(values, count):
    """Sum of squares."""
    total = 0.0
    for k in range(count):
        total += values[k] * values[k]
    return total


@compiled()
@no_type_check
def deform_all(struts, w, u, basis):
    """Deformations of all struts; the sum of their squares."""
    count = len(struts.ends)
    for s in range(count):
        deform(s, struts, u, basis, w.columns, w.D, DEFORMATIONS * s)
    return _square_sum(w.D, DEFORMATIONS * count)


@compiled()
@no_type_check
def sum_forces(struts, nodes, w, D):
    """Sum of the forces and moments of all struts at every node."""
    w.f[: BLOCK * nodes] = 0.0
    for s in range(len(struts.ends)):
        add_forces(s, struts, D, DEFORMATIONS * s, w.columns, w.f)


@compiled()
@no_type_check
def factor_and_solve(nodes, w, x):
    """X := K^-1 f with f in ``w.f``, where f is scaled already; whether K is positive."""
    p = w.panels
    for step in range(nodes):
        last = p.start[step + 1] - BLOCK
        p.values[last : last + BLOCK] = w.f[BLOCK * step : BLOCK * (step + 1)]
    if not factorise(nodes, p, w.columns):
        return False
    for step in range(nodes):
        last = p.start[step + 1] - BLOCK
        x[BLOCK * step : BLOCK * (step + 1)] = p.values[last : last + BLOCK]
    solve_upper(nodes, p, x, w.columns)
    scale(nodes, w, x, 1.0)
    return True


@compiled()
@no_type_check
def equilibrium(struts, held, cells, w):
    """Displacements w.u and deformations w.D in equilibrium; whether they are accurate.

    With residual r and Cholesky factor L the energy of the displacements is too high by |L^-1 r|^2.
    """
    nodes, size = len(held), BLOCK * len(held)
    w.u[:size] = 0.0
    bound = cells.rounding * deform_all(struts, w, w.u, w.basis)
    sum_forces(struts, nodes, w, w.D)
    build_matrix(struts, held, w)
    scale(nodes, w, w.f, -1.0)
    if not factor_and_solve(nodes, w, w.u):
        return False
    for _ in range(_PASSES):
        trace = deform_all(struts, w, w.u, w.basis)
        sum_forces(struts, nodes, w, w.D)
        scale(nodes, w, w.f, -1.0)
        solve_lower(nodes, w.panels, w.f, w.columns)
        if _largest_energy(w.f, size) <= max(cells.negligible * trace, bound):
            return True
        correct(nodes, w)
    return False


@compiled()
@no_type_check
def _largest_energy(x, size):
    """Largest sum of squares of a column."""
    largest = 0.0
    for k in range(FREEDOMS):
        total = 0.0
        for at in range(k, size, WIDTH):
            total += x[at] * x[at]
        if np.isnan(total):
            return total
        largest = max(largest, total)
    return largest


@compiled()
@no_type_check
def correct(nodes, w):
    """Add the correction L^-T f to the displacements."""
    solve_upper(nodes, w.panels, w.f, w.columns)
    scale(nodes, w, w.f, 1.0)
    for k in range(BLOCK * nodes):
        w.u[k] += w.f[k]
