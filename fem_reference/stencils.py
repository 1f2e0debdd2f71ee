"""Inner loops of the multigrid solver: block rows of a 27-point stencil, six columns at once.

A chunk of rows is given as ``blocks`` (rows, 27, 9), the 3x3 blocks to the 27 neighbours of each
row, and ``neighbours`` (rows, 27), their numbers, negative where there is none. The first row of
the chunk has the number ``start``. Vectors have shape (nodes, 3, 6). Compiled by numba.
"""

from typing import no_type_check

import numba

COLUMNS = 6


@numba.njit(cache=True, fastmath=True)
@no_type_check
def _row_times(blocks, neighbours, first, last, x, c):
    """Product of one block row with column c of x, neighbours first <= j < last only."""
    s0 = s1 = s2 = 0.0
    for o in range(27):
        j = neighbours[o]
        if j < first or j >= last:
            continue
        x0, x1, x2 = x[j, 0, c], x[j, 1, c], x[j, 2, c]
        s0 += blocks[o, 0] * x0 + blocks[o, 1] * x1 + blocks[o, 2] * x2
        s1 += blocks[o, 3] * x0 + blocks[o, 4] * x1 + blocks[o, 5] * x2
        s2 += blocks[o, 6] * x0 + blocks[o, 7] * x1 + blocks[o, 8] * x2
    return s0, s1, s2


@numba.njit(cache=True, fastmath=True)
@no_type_check
def product(blocks, neighbours, start, x, y):
    """Y = A x on the rows of a chunk."""
    for row in range(len(neighbours)):
        i = start + row
        for c in range(COLUMNS):
            s0, s1, s2 = _row_times(blocks[row], neighbours[row], 0, len(x), x, c)
            y[i, 0, c], y[i, 1, c], y[i, 2, c] = s0, s1, s2


@numba.njit(cache=True, fastmath=True)
@no_type_check
def upper_product(blocks, neighbours, start, x, y):
    """Y = -U x, U the part of A right of the diagonal: the residual of a forward sweep from 0."""
    for row in range(len(neighbours)):
        i = start + row
        for c in range(COLUMNS):
            s0, s1, s2 = _row_times(blocks[row], neighbours[row], i + 1, len(x), x, c)
            y[i, 0, c], y[i, 1, c], y[i, 2, c] = -s0, -s1, -s2


@numba.njit(cache=True, fastmath=True)
@no_type_check
def forward(blocks, neighbours, start, inverse, b, x):
    """Block Gauss-Seidel in ascending order from x = 0: (L + D) x = b."""
    for row in range(len(neighbours)):
        i = start + row
        for c in range(COLUMNS):
            s0, s1, s2 = _row_times(blocks[row], neighbours[row], 0, i, x, c)
            s0, s1, s2 = b[i, 0, c] - s0, b[i, 1, c] - s1, b[i, 2, c] - s2
            for a in range(3):
                x[i, a, c] = inverse[i, a, 0] * s0 + inverse[i, a, 1] * s1 + inverse[i, a, 2] * s2


@numba.njit(cache=True, fastmath=True)
@no_type_check
def backward(blocks, neighbours, start, inverse, b, x):
    """One block Gauss-Seidel sweep in descending order: x_i += D_i^-1 (b - A x)_i."""
    for row in range(len(neighbours) - 1, -1, -1):
        i = start + row
        for c in range(COLUMNS):
            s0, s1, s2 = _row_times(blocks[row], neighbours[row], 0, len(x), x, c)
            s0, s1, s2 = b[i, 0, c] - s0, b[i, 1, c] - s1, b[i, 2, c] - s2
            for a in range(3):
                x[i, a, c] += inverse[i, a, 0] * s0 + inverse[i, a, 1] * s1 + inverse[i, a, 2] * s2


@numba.njit(cache=True, fastmath=True)
@no_type_check
def restrict(children, shares, fine, coarse):
    """Coarse = P^T fine, P the trilinear interpolation."""
    for i in range(len(children)):
        coarse[i] = 0.0
        for o in range(27):
            j = children[i, o]
            if j >= 0:
                for a in range(3):
                    for c in range(COLUMNS):
                        coarse[i, a, c] += shares[o] * fine[j, a, c]


@numba.njit(cache=True, fastmath=True)
@no_type_check
def prolong(children, shares, coarse, fine):
    """Fine += P coarse."""
    for i in range(len(children)):
        for o in range(27):
            j = children[i, o]
            if j >= 0:
                for a in range(3):
                    for c in range(COLUMNS):
                        fine[j, a, c] += shares[o] * coarse[i, a, c]


@numba.njit(cache=True)
@no_type_check
def add_elements(matrices, corners, pair_offset, blocks):
    """Add element matrices (elements, 24, 24) to the block rows of their corner nodes."""
    for e in range(len(matrices)):
        for a in range(8):
            i = corners[e, a]
            for b in range(8):
                o = pair_offset[a, b]
                for k in range(3):
                    for m in range(3):
                        blocks[i, o, 3 * k + m] += matrices[e, 3 * a + k, 3 * b + m]
