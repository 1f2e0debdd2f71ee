"""Equilibrium of single cells."""

from typing import NamedTuple, no_type_check

import numpy as np

from fem_reference.beam.kernel.blocks import BLOCK, FREEDOMS, WIDTH
from fem_reference.beam.kernel.factor import factorise, solve_lower, solve_upper
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
from fem_reference.jit import inner

_PASSES = 4  #: refinements before a cell is left to the torch path, which checks the softest mode


class Cells(NamedTuple):
    """The cells of a batch.

    Attributes:
        vectors: Strut vectors (struts, 3).
        coefficients: Coefficients of every strut (struts, 8), see ``struts``.
        volumes: Volumes of the cells.
        ends: End nodes of every strut, numbered across the batch.
        node_offsets: Cell b has nodes ``node_offsets[b]:node_offsets[b + 1]``.
        strut_offsets: Cell b has struts ``strut_offsets[b]:strut_offsets[b + 1]``.
        held: Degrees of freedom that are held (nodes, 6).
        negligible: Error of C over its trace below which eigenvalues need not be computed.
        rounding: Squared relative rounding error of deformations that are zero.
    """

    vectors: np.ndarray
    coefficients: np.ndarray
    volumes: np.ndarray
    ends: np.ndarray
    node_offsets: np.ndarray
    strut_offsets: np.ndarray
    held: np.ndarray
    negligible: float
    rounding: float


class Work(NamedTuple):
    """Buffers reused for one cell after another.

    Attributes:
        panels: The matrix and its factor.
        u: Displacements, one block per node.
        f: Forces, one block per node.
        apart: Forces or displacements of strut ends, two blocks per strut.
        D: Deformations.
        X: Derivatives by deformations.
        Y: Deformations added to them.
        C: Energies, three blocks.
        ends: Blocks of the end nodes of the cell's struts.
        apart_ends: The blocks of ``apart``.
        tangents: Unit vectors along the struts.
        basis: The unit strains.
        nothing: Zeros in place of unit strains.
    """

    panels: Panels
    u: np.ndarray
    f: np.ndarray
    apart: np.ndarray
    D: np.ndarray
    X: np.ndarray
    Y: np.ndarray
    C: np.ndarray
    ends: np.ndarray
    apart_ends: np.ndarray
    tangents: np.ndarray
    basis: np.ndarray
    nothing: np.ndarray


def make_work(cells: Cells, first: int, last: int) -> Work:
    """Allocate buffers for the largest of the cells first, ..., last - 1."""
    nodes, struts = (
        int(np.diff(offsets[first : last + 1]).max(initial=1))
        for offsets in (cells.node_offsets, cells.strut_offsets)
    )
    return Work(
        panels=buffers(nodes),
        u=np.zeros(BLOCK * nodes),
        f=np.zeros(BLOCK * nodes),
        apart=np.zeros(2 * BLOCK * struts),
        D=np.zeros(DEFORMATIONS * struts + BLOCK),
        X=np.zeros(DEFORMATIONS * struts),
        Y=np.zeros(DEFORMATIONS * struts),
        C=np.zeros(3 * BLOCK),
        ends=np.zeros((struts, 2), dtype=np.int64),
        apart_ends=np.arange(2 * struts).reshape(-1, 2),
        tangents=np.zeros((struts, 3)),
        basis=unit_strains(),
        nothing=np.zeros(9 * WIDTH),
    )


@inner(inline="always")
@no_type_check
def struts_of(b, cells, w):
    """Return the struts of cell b and choose its elimination order."""
    first, count = cells.strut_offsets[b], cells.strut_offsets[b + 1] - cells.strut_offsets[b]
    start, nodes = cells.node_offsets[b], cells.node_offsets[b + 1] - cells.node_offsets[b]
    ends, place = w.ends, w.panels.place
    for s in range(count):
        ends[s, 0] = cells.ends[first + s, 0] - start
        ends[s, 1] = cells.ends[first + s, 1] - start
    order_nodes(ends, count, nodes, w.panels)
    for s in range(count):
        ends[s, 0], ends[s, 1] = place[ends[s, 0]], place[ends[s, 1]]
    struts = Struts(count, first, ends, w.tangents, cells.vectors, cells.coefficients)
    normalise(struts)
    return struts


@inner(inline="always")
@no_type_check
def with_own_ends(struts, w):
    """Return the struts with separate ends, two blocks each, as if disconnected."""
    return Struts(
        struts.count,
        struts.first,
        w.apart_ends,
        struts.tangents,
        struts.vectors,
        struts.coefficients,
    )


@inner()
@no_type_check
def build_matrix(struts, nodes, held, p, columns):
    """Build the panels of the stiffness matrix, scaled to a unit diagonal.

    ``nodes`` are (first node in the batch, number of nodes).
    """
    first, count = nodes
    values, start, later, factors = p.values, p.start, p.later, p.scale
    clear(values, start[count])
    assemble(struts, p)
    for step in range(count):
        node = first + p.order[step]
        for c in range(FREEDOMS):
            diagonal = values[start[step] + (WIDTH + 1) * c]
            factors[WIDTH * step + c] = 0.0 if held[node, c] else 1.0 / np.sqrt(diagonal)
    for step in range(count):
        for b in range(p.size[step] + 1):
            other = np.uint64(WIDTH * (step if b == 0 else later[step, b - 1]))
            for c in range(FREEDOMS):
                row = np.uint64(start[step] + BLOCK * b + WIDTH * c)
                factor = factors[WIDTH * step + c]
                for k in range(columns):
                    values[row + k] *= factor * factors[other + k]
        for c in range(FREEDOMS):  # free ones are 1 by scaling
            values[start[step] + (WIDTH + 1) * c] = 1.0


@inner()
@no_type_check
def clear(x, count):
    """Set the first ``count`` numbers to zero."""
    for k in range(count):
        x[k] = 0.0


@inner()
@no_type_check
def scale(nodes, p, columns, x, sign):
    """Multiply every degree of freedom by its scale and by the sign."""
    factors = p.scale
    for step in range(nodes):
        for c in range(FREEDOMS):
            factor = sign * factors[WIDTH * step + c]
            row = np.uint64(BLOCK * step + WIDTH * c)
            for k in range(columns):
                x[row + k] *= factor


@inner()
@no_type_check
def _square_sum(values, count):
    """Return the sum of squares."""
    total = 0.0
    for k in range(count):
        total += values[k] * values[k]
    return total


@inner()
@no_type_check
def factor_and_solve(nodes, p, columns, f, x):
    """Set x = K^-1 f for scaled f; return whether K is positive definite."""
    values, start = p.values, p.start
    for step in range(nodes):
        for k in range(BLOCK):
            values[start[step + 1] - BLOCK + k] = f[BLOCK * step + k]
    if not factorise(nodes, p, columns):
        return False
    for step in range(nodes):
        for k in range(BLOCK):
            x[BLOCK * step + k] = values[start[step + 1] - BLOCK + k]
    solve_upper(nodes, p, x, columns)
    scale(nodes, p, columns, x, 1.0)
    return True


@inner(inline="always")
@no_type_check
def equilibrium(struts, nodes, cells, w, columns):
    """Compute equilibrium w.u and deformations w.D; return whether they are accurate.

    With residual r and Cholesky factor L, the energy of the displacements is too high by
    |L^-1 r|^2; L^-1 r is left in w.f.
    """
    count, p, u, f, D = nodes[1], w.panels, w.u, w.f, w.D
    size = BLOCK * count
    clear(u, size)
    bound = trace = 0.0
    for attempt in range(_PASSES + 1):
        deform(struts, u, w.basis, columns, D)
        clear(f, size)
        add_forces(struts, D, columns, f)
        trace = _square_sum(D, DEFORMATIONS * struts.count)
        if attempt == 0:
            bound = cells.rounding * trace
            build_matrix(struts, nodes, cells.held, p, columns)
            scale(count, p, columns, f, -1.0)
            if not factor_and_solve(count, p, columns, f, u):
                return False
        else:
            scale(count, p, columns, f, -1.0)
            solve_lower(count, p, f, columns)
            if _largest_energy(f, size) <= max(cells.negligible * trace, bound):
                return True
            correct(count, p, columns, f, u)
    return False


@inner()
@no_type_check
def _largest_energy(x, size):
    """Return the largest sum of squares of a column."""
    largest = 0.0
    for k in range(FREEDOMS):
        total = 0.0
        for at in range(k, size, WIDTH):
            total += x[at] * x[at]
        if np.isnan(total):
            return total
        largest = max(largest, total)
    return largest


@inner()
@no_type_check
def correct(nodes, p, columns, f, u):
    """Add the correction L^-T f to the displacements."""
    solve_upper(nodes, p, f, columns)
    scale(nodes, p, columns, f, 1.0)
    for k in range(BLOCK * nodes):
        u[k] += f[k]
