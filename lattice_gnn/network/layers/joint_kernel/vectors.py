"""Vectors of three numbers."""

from typing import no_type_check

from fem_reference.jit import inner


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
def three(values, at, step):
    """Return the vector whose components are a step apart in memory."""
    return values[at], values[at + step], values[at + 2 * step]


@inner(forceinline=True)
@no_type_check
def put(values, at, step, x):
    """Write such a vector."""
    values[at], values[at + step], values[at + 2 * step] = x


@inner(forceinline=True)
@no_type_check
def add(values, at, step, x):
    """Add to such a vector."""
    values[at] += x[0]
    values[at + step] += x[1]
    values[at + 2 * step] += x[2]
