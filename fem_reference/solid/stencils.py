"""Inner loops of the multigrid solver: block rows of a 27-point stencil, six columns at once.

A chunk of rows is given as ``blocks`` (rows, 27, 9), the 3x3 blocks to the 27 neighbours of each
row, and ``neighbours`` (rows, 27), their numbers, negative for missing neighbours. The first row of
the chunk has the number ``start``. Vectors have shape (nodes, 3, 6). Compiled by numba.
"""

from typing import no_type_check

import numpy as np

from fem_reference.jit import compiled

COLUMNS = 6


@compiled(fastmath=True)
@no_type_check
def _row_times(blocks, neighbours, first, last, x, total):
    """Set total = one block row times x, over neighbours first <= j < last only.

    The columns are innermost: they are contiguous in memory and vectorise.
    """
    total[:] = 0.0
    for o in range(27):
        j = neighbours[o]
        if j < first or j >= last:
            continue
        k00, k01, k02 = blocks[o, 0], blocks[o, 1], blocks[o, 2]
        k10, k11, k12 = blocks[o, 3], blocks[o, 4], blocks[o, 5]
        k20, k21, k22 = blocks[o, 6], blocks[o, 7], blocks[o, 8]
        for c in range(COLUMNS):
            x0, x1, x2 = x[j, 0, c], x[j, 1, c], x[j, 2, c]
            total[0, c] += k00 * x0 + k01 * x1 + k02 * x2
            total[1, c] += k10 * x0 + k11 * x1 + k12 * x2
            total[2, c] += k20 * x0 + k21 * x1 + k22 * x2


@compiled(fastmath=True)
@no_type_check
def _add_solution(inverse, b, total, x):
    """Add D^-1 (b - total) to x at one node."""
    for c in range(COLUMNS):
        r0, r1, r2 = b[0, c] - total[0, c], b[1, c] - total[1, c], b[2, c] - total[2, c]
        for a in range(3):
            x[a, c] += inverse[a, 0] * r0 + inverse[a, 1] * r1 + inverse[a, 2] * r2


@compiled(fastmath=True)
@no_type_check
def product(blocks, neighbours, start, x, y):
    """Set y = A x on the rows of a chunk."""
    for row in range(len(neighbours)):
        _row_times(blocks[row], neighbours[row], 0, len(x), x, y[start + row])


@compiled(fastmath=True)
@no_type_check
def upper_product(blocks, neighbours, start, x, y):
    """Set y = -U x, U the upper part of A: the residual of a forward sweep from 0."""
    for row in range(len(neighbours)):
        i = start + row
        _row_times(blocks[row], neighbours[row], i + 1, len(x), x, y[i])
        for a in range(3):
            for c in range(COLUMNS):
                y[i, a, c] = -y[i, a, c]


@compiled(fastmath=True)
@no_type_check
def forward(blocks, neighbours, start, inverse, b, x):
    """Sweep once by block Gauss-Seidel, ascending from x = 0: (L + D) x = b."""
    total = np.empty((3, COLUMNS))
    for row in range(len(neighbours)):
        i = start + row
        _row_times(blocks[row], neighbours[row], 0, i, x, total)
        x[i] = 0.0
        _add_solution(inverse[i], b[i], total, x[i])


@compiled(fastmath=True)
@no_type_check
def backward(blocks, neighbours, start, inverse, b, x):
    """Sweep once by block Gauss-Seidel, descending: x_i += D_i^-1 (b - A x)_i."""
    total = np.empty((3, COLUMNS))
    for row in range(len(neighbours) - 1, -1, -1):
        i = start + row
        _row_times(blocks[row], neighbours[row], 0, len(x), x, total)
        _add_solution(inverse[i], b[i], total, x[i])


@compiled()
@no_type_check
def invert_diagonal(blocks, neighbours, start, inverse):
    """Invert the diagonal block of each row, the sum of several for a node next to itself."""
    for row in range(len(neighbours)):
        i = start + row
        own = np.zeros(9)
        for o in range(27):
            if neighbours[row, o] == i:
                own += blocks[row, o]
        block = own.reshape(3, 3)
        for a in range(3):  # column a of the inverse: cross product of the other two rows over det
            p, q = block[(a + 1) % 3], block[(a + 2) % 3]
            inverse[i, 0, a] = p[1] * q[2] - p[2] * q[1]
            inverse[i, 1, a] = p[2] * q[0] - p[0] * q[2]
            inverse[i, 2, a] = p[0] * q[1] - p[1] * q[0]
        inverse[i] /= (block[0] * inverse[i, :, 0]).sum()


@compiled(fastmath=True)
@no_type_check
def restrict(children, shares, fine, coarse):
    """Set coarse = P^T fine, P the trilinear interpolation."""
    for i in range(len(children)):
        coarse[i] = 0.0
        for o in range(27):
            j = children[i, o]
            if j >= 0:
                for a in range(3):
                    for c in range(COLUMNS):
                        coarse[i, a, c] += shares[o] * fine[j, a, c]


@compiled(fastmath=True)
@no_type_check
def prolong(children, shares, coarse, fine):
    """Add P coarse to fine."""
    for i in range(len(children)):
        for o in range(27):
            j = children[i, o]
            if j >= 0:
                for a in range(3):
                    for c in range(COLUMNS):
                        fine[j, a, c] += shares[o] * coarse[i, a, c]


@compiled()
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
