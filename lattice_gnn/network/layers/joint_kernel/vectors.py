"""Vectors of three numbers, a row of ``WIDTH`` numbers apart in memory."""

from typing import no_type_check

import numpy as np

from fem_reference.jit import inner

WIDTH = 8  #: numbers in a row: six loads, and two zeros to fill a vector register
R1, R2, R3 = np.uint64(WIDTH), np.uint64(2 * WIDTH), np.uint64(3 * WIDTH)
"""Offsets of rows; unsigned, since negative indices would have to be checked for."""


@inner(forceinline=True)
@no_type_check
def dot(a, b):
    """Return a . b."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@inner(forceinline=True)
@no_type_check
def cross(a, b):
    """Return a x b."""
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


@inner(forceinline=True)
@no_type_check
def combined(x, a, y, b):
    """Return x a + y b."""
    return x * a[0] + y * b[0], x * a[1] + y * b[1], x * a[2] + y * b[2]


@inner(forceinline=True)
@no_type_check
def plus(a, b):
    """Return a + b."""
    return a[0] + b[0], a[1] + b[1], a[2] + b[2]


@inner(forceinline=True)
@no_type_check
def more(a, y, b):
    """Return a + y b."""
    return a[0] + y * b[0], a[1] + y * b[1], a[2] + y * b[2]


@inner(forceinline=True)
@no_type_check
def three(values, at):
    """Return the vector at a place."""
    return values[at], values[at + R1], values[at + R2]


@inner(forceinline=True)
@no_type_check
def put(values, at, x):
    """Write a vector."""
    values[at], values[at + R1], values[at + R2] = x


@inner(forceinline=True)
@no_type_check
def add(values, at, x):
    """Add a vector."""
    values[at] += x[0]
    values[at + R1] += x[1]
    values[at + R2] += x[2]
