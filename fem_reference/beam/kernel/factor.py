"""Block Cholesky factorisation of one cell, and solves with the factor, as block products."""

from typing import no_type_check

import numpy as np

from fem_reference.beam.kernel.blocks import BLOCK, FREEDOMS, WIDTH
from fem_reference.jit import inner

# Unsigned indices avoid the check for negative ones, which would prevent vectorisation.
_ONE, _ROW = np.uint64(1), np.uint64(WIDTH)


@inner()
@no_type_check
def six(values, at, stride):
    """Return six numbers, ``stride`` apart."""
    a = at + stride
    b = a + stride
    c = b + stride
    d = c + stride
    return values[at], values[a], values[b], values[c], values[d], values[d + stride]


@inner()
@no_type_check
def block_rows(values, at):
    """Return a 6 x 6 block as a tuple of its rows."""
    at = np.uint64(at)
    b, c, d = at + _ROW, at + _ROW + _ROW, at + _ROW + _ROW + _ROW
    e, f = d + _ROW, d + _ROW + _ROW
    return (
        six(values, at, _ONE),
        six(values, b, _ONE),
        six(values, c, _ONE),
        six(values, d, _ONE),
        six(values, e, _ONE),
        six(values, f, _ONE),
    )


@inner()
@no_type_check
def block_columns(values, at):
    """Return a 6 x 6 block as a tuple of its columns."""
    at = np.uint64(at)
    b, c, d = at + _ONE, at + _ONE + _ONE, at + _ONE + _ONE + _ONE
    e, f = d + _ONE, d + _ONE + _ONE
    return (
        six(values, at, _ROW),
        six(values, b, _ROW),
        six(values, c, _ROW),
        six(values, d, _ROW),
        six(values, e, _ROW),
        six(values, f, _ROW),
    )


@inner()
@no_type_check
def dot(m, x):
    """Return the sum of six products."""
    return m[0] * x[0] + m[1] * x[1] + m[2] * x[2] + m[3] * x[3] + m[4] * x[4] + m[5] * x[5]


@inner()
@no_type_check
def subtract_product(target, t, m, source, s, columns):
    """Subtract M S from block T, M a tuple of six rows, S another block."""
    t, s = np.uint64(t), np.uint64(s)
    t1, s1 = t + _ROW, s + _ROW
    t2, s2 = t1 + _ROW, s1 + _ROW
    t3, s3 = t2 + _ROW, s2 + _ROW
    t4, s4 = t3 + _ROW, s3 + _ROW
    t5, s5 = t4 + _ROW, s4 + _ROW
    for k in range(columns):
        x = (
            source[s + k],
            source[s1 + k],
            source[s2 + k],
            source[s3 + k],
            source[s4 + k],
            source[s5 + k],
        )
        target[t + k] -= dot(m[0], x)
        target[t1 + k] -= dot(m[1], x)
        target[t2 + k] -= dot(m[2], x)
        target[t3 + k] -= dot(m[3], x)
        target[t4 + k] -= dot(m[4], x)
        target[t5 + k] -= dot(m[5], x)


@inner()
@no_type_check
def replace_by_product(values, t, m, columns):
    """Replace block T by M T, M a tuple of six rows."""
    t = np.uint64(t)
    t1 = t + _ROW
    t2 = t1 + _ROW
    t3 = t2 + _ROW
    t4 = t3 + _ROW
    t5 = t4 + _ROW
    for k in range(columns):
        x = (
            values[t + k],
            values[t1 + k],
            values[t2 + k],
            values[t3 + k],
            values[t4 + k],
            values[t5 + k],
        )
        values[t + k] = dot(m[0], x)
        values[t1 + k] = dot(m[1], x)
        values[t2 + k] = dot(m[2], x)
        values[t3 + k] = dot(m[3], x)
        values[t4 + k] = dot(m[4], x)
        values[t5 + k] = dot(m[5], x)


@inner()
@no_type_check
def factorise(nodes, p, columns):
    """Cholesky-factorise in place, forward-substitute right-hand sides; return success."""
    later, where, starts = p.later, p.where, p.start
    values, inverses = p.values, p.inverses
    for step in range(nodes):
        start, count = starts[step], p.size[step]
        if not _invert_root(values, start, inverses, BLOCK * step):
            return False
        inverse = block_rows(inverses, BLOCK * step)
        for b in range(1, count + 2):
            replace_by_product(values, start + BLOCK * b, inverse, columns)
        for a in range(count):
            target = later[step, a]
            m = block_columns(values, start + BLOCK * (a + 1))
            for b in range(a, count + 1):
                t = starts[target] + BLOCK * where[target, later[step, b]]
                subtract_product(values, t, m, values, start + BLOCK * (b + 1), columns)
    return True


@inner()
@no_type_check
def _invert_root(values, at, inverses, to):
    """Compute the Cholesky factor of a diagonal block and its inverse; False if not positive."""
    for c in range(FREEDOMS):
        row = at + WIDTH * c
        pivot = values[row + c]
        if not (pivot > 0.0 and pivot < np.inf):  # also true for NaN
            return False
        inverse = 1.0 / np.sqrt(pivot)
        inverses[to + (WIDTH + 1) * c] = inverse
        for r in range(c, FREEDOMS):
            values[row + r] *= inverse
        for d in range(c + 1, FREEDOMS):
            factor = values[row + d]
            for r in range(d, FREEDOMS):
                values[at + WIDTH * d + r] -= factor * values[row + r]
    for p in range(FREEDOMS):
        for c in range(p):
            inverses[to + WIDTH * c + p] = 0.0
        for c in range(p + 1, FREEDOMS):
            total = 0.0
            for q in range(p, c):
                total += values[at + WIDTH * q + c] * inverses[to + WIDTH * q + p]
            inverses[to + WIDTH * c + p] = -total * inverses[to + (WIDTH + 1) * c]
    return True


@inner()
@no_type_check
def solve_lower(nodes, p, x, columns):
    """Set x = L^-1 x, with one block of x per step."""
    later, size, start, values, inverses = p.later, p.size, p.start, p.values, p.inverses
    for step in range(nodes):
        replace_by_product(x, BLOCK * step, block_rows(inverses, BLOCK * step), columns)
        for a in range(size[step]):
            m = block_columns(values, start[step] + BLOCK * (a + 1))
            subtract_product(x, BLOCK * later[step, a], m, x, BLOCK * step, columns)


@inner()
@no_type_check
def solve_upper(nodes, p, x, columns):
    """Set x = L^-T x, with one block of x per step."""
    later, size, start, values, inverses = p.later, p.size, p.start, p.values, p.inverses
    for back in range(nodes):
        step = nodes - 1 - back
        for a in range(size[step]):
            m = block_rows(values, start[step] + BLOCK * (a + 1))
            subtract_product(x, BLOCK * step, m, x, BLOCK * later[step, a], columns)
        replace_by_product(x, BLOCK * step, block_columns(inverses, BLOCK * step), columns)
