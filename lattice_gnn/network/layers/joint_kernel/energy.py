"""Responses of strut ends to the forces of all ends at their joint, under six loads.

With the scaled forces F = (f, m) of an end, six loads side by side in rows of ``WIDTH`` numbers,
the energy is a sum of F_a^T H F_b, the forms of ``joint_forms.joint_energy``. Both directions of a
pair share their work: with H symmetrised, the response of a is R_a, the sum over b of H F_b.
Numbers have the precision of the forces; constants come in an array, since literals are double
precision.
"""

from typing import NamedTuple, no_type_check

import numpy as np

from fem_reference.jit import entry, inner
from lattice_gnn.network.layers.joint_kernel.vectors import (
    R3,
    WIDTH,
    add,
    combined,
    cross,
    dot,
    more,
    plus,
    put,
    three,
)

LOADS = 6
HALF = LOADS * WIDTH  #: three rows of f and three of m
END = 3 * HALF
"""Numbers of an end: its forces F, responses R, and X, forces times the derivatives by M."""

RESPONSE, DERIVATIVE = np.uint64(HALF), np.uint64(2 * HALF)
HERE, THERE = (np.uint64(k * HALF) for k in range(2))
HERE_R, THERE_R, HERE_X, THERE_X = (np.uint64(k * HALF) for k in range(2, 6))


class Forms(NamedTuple):
    """Ends, pairs and coefficients.

    Attributes:
        forces: Scaled forces and moments (ends, 2, 3, 6).
        direction: Unit vectors along the struts, away from the joint (ends, 3).
        ends: The two ends of every pair (2, pairs).
        coefficients: (2, pairs, 42).
        alone: Weights of the forms in the forces of one end (2, pairs).
        both: Weights of the forms in both (pairs).
        end_offsets: Lattice k owns ends ``end_offsets[k]:end_offsets[k + 1]``.
        pair_offsets: Likewise for pairs.
        numbers: 0, 1/2, 2, 1, -1: the last two are the signs of w seen from both ends.
    """

    forces: np.ndarray
    direction: np.ndarray
    ends: np.ndarray
    coefficients: np.ndarray
    alone: np.ndarray
    both: np.ndarray
    end_offsets: np.ndarray
    pair_offsets: np.ndarray
    numbers: np.ndarray


class Room(NamedTuple):
    """Buffers, reused for one lattice after another.

    Attributes:
        Z: Forces, responses and derivatives of the ends.
        pair: The same of both ends of one pair: F_a, F_b, R_a, R_b, X_a, X_b. The compiler knows
            these offsets; it does not vectorise loops over arrays that may overlap.
        own: Sums of g1, g2, g3 of every end over its partners; or the forms that they multiply.
    """

    Z: np.ndarray
    pair: np.ndarray
    own: np.ndarray


def make_room(forms: Forms) -> Room:
    """Allocate buffers for the largest lattice."""
    ends, dtype = int(np.diff(forms.end_offsets).max(initial=1)), forms.forces.dtype
    return Room(np.zeros(END * ends, dtype), np.zeros(2 * END, dtype), np.zeros((ends, 3), dtype))


@inner()
@no_type_check
def load_lattice(b, forms, w):
    """Copy the forces of lattice b; return (first end, ends, first pair, pairs)."""
    first, last = forms.end_offsets[b], forms.end_offsets[b + 1]
    zero = forms.numbers[0]
    for e in range(last - first):
        for row in range(6):
            at = END * e + WIDTH * row
            for k in range(LOADS):
                w.Z[at + k] = forms.forces[first + e, row // 3, row % 3, k]
        for row in range(3):
            w.own[e, row] = zero
        for k in range(HALF):
            w.Z[END * e + HALF + k] = zero
    return first, last - first, forms.pair_offsets[b], forms.pair_offsets[b + 1]


@inner(forceinline=True)
@no_type_check
def axes_of(a, b, direction):
    """Return t_a, t_b, n_a, n_b and w of a pair."""
    t = direction[a, 0], direction[a, 1], direction[a, 2]
    s = direction[b, 0], direction[b, 1], direction[b, 2]
    c = dot(t, s)
    n = s[0] - c * t[0], s[1] - c * t[1], s[2] - c * t[2]
    o = t[0] - c * s[0], t[1] - c * s[1], t[2] - c * s[2]
    return t, s, n, o, cross(t, s)


@inner(forceinline=True)
@no_type_check
def _times(G, x):
    """Return the product of a 3 x 3 matrix, row by row, and a vector."""
    return (
        G[0] * x[0] + G[1] * x[1] + G[2] * x[2],
        G[3] * x[0] + G[4] * x[1] + G[5] * x[2],
        G[6] * x[0] + G[7] * x[1] + G[8] * x[2],
    )


@inner(forceinline=True)
@no_type_check
def _transposed(G, x):
    return (
        G[0] * x[0] + G[3] * x[1] + G[6] * x[2],
        G[1] * x[0] + G[4] * x[1] + G[7] * x[2],
        G[2] * x[0] + G[5] * x[1] + G[8] * x[2],
    )


@inner(forceinline=True)
@no_type_check
def _symmetric(g, at, weight, half):
    """Return the symmetric part of a 3 x 3 block of coefficients, times the weight."""
    b, c = half * (g[at + 1] + g[at + 3]), half * (g[at + 2] + g[at + 6])
    d = half * (g[at + 5] + g[at + 7])
    w = weight
    return w * g[at], w * b, w * c, w * b, w * g[at + 4], w * d, w * c, w * d, w * g[at + 8]


@inner(forceinline=True)
@no_type_check
def _coupled(g, h, at, weight):
    """Return the weighted sum of a block of one direction and the transposed block of the other."""
    w = weight
    return (
        w * (g[at] + h[at]),
        w * (g[at + 1] + h[at + 3]),
        w * (g[at + 2] + h[at + 6]),
        w * (g[at + 3] + h[at + 1]),
        w * (g[at + 4] + h[at + 4]),
        w * (g[at + 5] + h[at + 7]),
        w * (g[at + 6] + h[at + 2]),
        w * (g[at + 7] + h[at + 5]),
        w * (g[at + 8] + h[at + 8]),
    )


@inner()
@no_type_check
def matrices_of(p, forms):
    """Return the weighted coefficients of a pair: own and coupled blocks of x and y; isotropic."""
    g, h = forms.coefficients[0, p], forms.coefficients[1, p]
    half = forms.numbers[1]
    alone, other, both = forms.alone[0, p], forms.alone[1, p], half * forms.both[p]
    x = _symmetric(g, 0, alone, half), _symmetric(h, 0, other, half), _coupled(g, h, 9, both)
    y = _symmetric(g, 18, alone, half), _symmetric(h, 18, other, half), _coupled(g, h, 27, both)
    force, moment = both * (g[39] + h[39]), both * (g[40] + h[40])
    return x, y, (force, moment, both * g[41], both * h[41])


@inner(forceinline=True)
@no_type_check
def components(F, at, axes, sign):
    """Return even and odd components of the forces of an end; ``sign`` is that of w."""
    t, n, w = axes
    f, m = three(F, at), three(F, at + R3)
    x = dot(t, f), dot(n, f), sign * dot(w, m)
    return x, (dot(t, m), dot(n, m), sign * dot(w, f))


@inner(forceinline=True)
@no_type_check
def _answer(own, coupled, x, y):
    """Return own x + coupled y, both of three components."""
    return plus(_times(own, x), _times(coupled, y))


@inner(forceinline=True)
@no_type_check
def responses(F, place, axes, matrices, signs):
    """Return the even and odd responses of both ends of a pair under one load."""
    (t, s, n, o, v), ((xa, xb, xc), (ya, yb, yc), _) = axes, matrices
    x, y = components(F, place[0], (t, n, v), signs[0])
    z, u = components(F, place[1], (s, o, v), signs[1])
    here = _answer(xa, xc, x, z), _answer(ya, yc, y, u)
    there = _times(xb, z), _times(yb, u)
    more = _transposed(xc, x), _transposed(yc, y)
    return here, (plus(there[0], more[0]), plus(there[1], more[1]))


@inner(forceinline=True)
@no_type_check
def _onto(axes, x, y, sign):
    """Return the force and the moment whose components are x (even) and y (odd)."""
    t, n, w = axes
    f = more(combined(x[0], t, x[1], n), sign * y[2], w)
    return f, more(combined(y[0], t, y[1], n), sign * x[2], w)


@inner()
@no_type_check
def fetch(part, at, to, w):
    """Copy F (part 0), R or X of both ends of a pair to the buffer."""
    Z, pair, half = w.Z, w.pair, np.uint64(HALF)
    a, b = at[0] + part, at[1] + part
    for k in range(half):
        pair[to + k] = Z[a + k]
    to += half
    for k in range(half):
        pair[to + k] = Z[b + k]


@inner()
@no_type_check
def _respond(axes, matrices, signs, context):
    """Write the responses of a pair to the buffer."""
    (columns, w), (t, s, n, o, v), g = context, axes, matrices[2]
    P = w.pair
    for k in range(columns):
        here, there = responses(P, (HERE + k, THERE + k), axes, matrices, signs)
        f, m = _onto((t, n, v), here[0], here[1], signs[0])
        e, l = _onto((s, o, v), there[0], there[1], signs[1])
        fa, ma = three(P, HERE + k), three(P, HERE + R3 + k)
        fb, mb = three(P, THERE + k), three(P, THERE + R3 + k)
        f = plus(f, combined(g[0], fb, g[2], cross(s, mb)))
        m = plus(m, combined(g[1], mb, g[3], cross(fb, t)))
        e = plus(e, combined(g[0], fa, g[3], cross(t, ma)))
        l = plus(l, combined(g[1], ma, g[2], cross(fa, s)))
        put(P, HERE_R + k, f)
        put(P, HERE_R + R3 + k, m)
        put(P, THERE_R + k, e)
        put(P, THERE_R + R3 + k, l)


@inner()
@no_type_check
def _add_responses(at, w):
    """Add the responses in the buffer to those of the ends."""
    Z, pair, half = w.Z, w.pair, np.uint64(HALF)
    a, b = at[0] + RESPONSE, at[1] + RESPONSE
    for k in range(half):
        Z[a + k] += pair[HERE_R + k]
    for k in range(half):
        Z[b + k] += pair[THERE_R + k]


@inner()
@no_type_check
def _respond_alone(e, forms, w, columns):
    """Add the response of an end to its own forces by g1, g2 and g3."""
    at, half = np.uint64(END * e[1]), forms.numbers[1]
    t = forms.direction[e[0], 0], forms.direction[e[0], 1], forms.direction[e[0], 2]
    force, moment, turn = w.own[e[1], 0], w.own[e[1], 1], half * w.own[e[1], 2]
    Z = w.Z
    for k in range(columns):
        f, m = three(Z, at + k), three(Z, at + R3 + k)
        add(Z, at + RESPONSE + k, combined(force, f, turn, cross(t, m)))
        add(Z, at + RESPONSE + R3 + k, combined(moment, m, turn, cross(f, t)))


@inner()
@no_type_check
def respond_all(lattice, forms, w, columns):
    """Set w.R to the responses of all ends of a lattice."""
    start, ends, first, last = lattice
    signs = forms.numbers[3], forms.numbers[4]
    for p in range(first, last):
        a, b = forms.ends[0, p] - start, forms.ends[1, p] - start
        for c in range(3):
            w.own[a, c] += forms.alone[0, p] * forms.coefficients[0, p, 36 + c]
            w.own[b, c] += forms.alone[1, p] * forms.coefficients[1, p, 36 + c]
        axes = axes_of(a + start, b + start, forms.direction)
        place = np.uint64(END * a), np.uint64(END * b)
        fetch(np.uint64(0), place, HERE, w)
        _respond(axes, matrices_of(p, forms), signs, (columns, w))
        _add_responses(place, w)
    for e in range(ends):
        _respond_alone((start + e, e), forms, w, columns)


@entry
@no_type_check
def add_responses(forms, span, columns, w, found):
    """Write the responses (ends, 2, 3, 6) of lattices first, ..., last - 1 of a span."""
    for b in range(span[0], span[1]):
        lattice = load_lattice(b, forms, w)
        respond_all(lattice, forms, w, columns)
        for e in range(lattice[1]):
            for row in range(6):
                at = END * e + HALF + WIDTH * row
                for k in range(LOADS):
                    found[lattice[0] + e, row // 3, row % 3, k] = w.Z[at + k]
