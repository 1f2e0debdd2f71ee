"""Responses of strut ends to the forces of all ends at their joint, under six loads.

With the scaled forces F = (f, m) of an end, the energy of a joint is a sum of F_a^T H F_b, the
forms of ``joint_forms.joint_energy``. With H symmetrised, the response of a is R_a, the sum over b
of H F_b. ``LANES`` pairs are computed side by side; what does not depend on the coefficients is
shared by several sets of them. Numbers have the precision of the forces; constants come in an
array, since literals are double precision.
"""

from typing import NamedTuple, no_type_check

import numpy as np

from fem_reference.jit import entry, inner
from lattice_gnn.network.layers.joint_kernel.vectors import (
    combined,
    cross,
    dot,
    more,
    plus,
    put,
    three,
)

LANES = 32  #: pairs side by side
LOADS = 6
NUM_FORMS = 42
END = 6 * LOADS  #: numbers of an end: three rows of f and three of m
STEP = LOADS * LANES  #: from one row of f or m to the next, in a buffer
MOMENT, THERE, THERE_MOMENT = 3 * STEP, END * LANES, (END * LANES) + 3 * STEP

T, S, N, O, W, C = (LANES * row for row in (0, 3, 6, 9, 12, 15))
"""Places of t_a, t_b, n_a, n_b, w and c of a pair."""
HALVES, AXES = 16 * LANES, 22
"""Place of half and then a quarter of the weights of the forms in a, in b, and in both."""

OWN = (0, 6 * LANES, 12 * LANES, 18 * LANES)
"""Places of the own blocks of x_a, y_a, x_b, y_b: upper triangles of symmetric matrices."""
COUPLED = (24 * LANES, 33 * LANES)
"""Places of the blocks that couple x_a with x_b, and y_a with y_b."""
ISOTROPIC, MUTUAL, ROWS = 42 * LANES, 48 * LANES, 52
"""Places of g1, g2, g3 / 2 of a and b; of g4, g5, g6 / 2 of a, g6 / 2 of b; number of rows."""


def _table() -> np.ndarray:
    """Return the places of two coefficients and of a weight that make up every row."""
    triangle = [(i, j) for i in range(3) for j in range(i, 3)]
    a, b, both, quarter = 0, 1, 2, 3
    rows = [
        (42 * end + 18 * odd + 3 * i + j, 42 * end + 18 * odd + 3 * j + i, end)
        for end in (a, b)
        for odd in range(2)
        for i, j in triangle
    ]
    for odd in range(2):
        first = 9 + 18 * odd
        rows += [(first + e, 42 + first + 3 * (e % 3) + e // 3, both) for e in range(9)]
    for end in (a, b):
        rows += [(42 * end + e, 42 * end + e, end + quarter * (e == 38)) for e in (36, 37, 38)]
    rows += [(39, 42 + 39, both), (40, 42 + 40, both)]
    rows += [(42 * end + 41, 42 * end + 41, both + quarter) for end in (a, b)]
    return np.array([(LANES * i, LANES * j, HALVES + LANES * k) for i, j, k in rows])


TABLE = _table()


class Forms(NamedTuple):
    """Ends, pairs and coefficients.

    Attributes:
        forces: Scaled forces and moments (ends, 36): three rows of f and three of m, six loads.
        direction: Unit vectors along the struts, away from the joint (ends, 3).
        ends: The two ends of every pair (2, pairs).
        coefficients: (sets, 2, pairs, 42).
        alone: Weights of the forms in the forces of one end (2, pairs).
        both: Weights of the forms in both (pairs).
        half: The number 1/2.
    """

    forces: np.ndarray
    direction: np.ndarray
    ends: np.ndarray
    coefficients: np.ndarray
    alone: np.ndarray
    both: np.ndarray
    half: np.ndarray


class Room(NamedTuple):
    """Buffers for ``LANES`` pairs: rows, one below another, of a number of each pair.

    Attributes:
        axes: t_a, t_b, n_a, n_b, w, c, and the weights of the pair.
        forces: F of a, then of b.
        parts: Components x_a, y_a, x_b, y_b of the forces, each under six loads.
        raw: Coefficients of both directions.
        weights: Weighted blocks of coefficients.
        reply: Components of the responses.
        answer: Responses of a, then of b.
    """

    axes: np.ndarray
    forces: np.ndarray
    parts: np.ndarray
    raw: np.ndarray
    weights: np.ndarray
    reply: np.ndarray
    answer: np.ndarray


def make_room(dtype: np.dtype) -> Room:
    """Allocate the buffers."""
    rows = (AXES, 2 * END, 2 * END, 2 * NUM_FORMS, ROWS, 2 * END, 2 * END)
    return Room(*(np.zeros(LANES * count, dtype) for count in rows))


@inner()
@no_type_check
def gather(first, last, values, ends, buffer):
    """Copy the 36 numbers of both ends of the pairs first, first + 1, ..."""
    for l in range(LANES):
        p = min(first + l, last - 1)
        a, b = ends[0, p], ends[1, p]
        for k in range(END):
            buffer[k * LANES + l] = values[a, k]
            buffer[(END + k) * LANES + l] = values[b, k]


@inner()
@no_type_check
def scatter(first, last, buffer, ends, values):
    """Add the 36 numbers of both ends of the pairs."""
    for l in range(min(LANES, last - first)):
        a, b = ends[0, first + l], ends[1, first + l]
        for k in range(END):
            values[a, k] += buffer[k * LANES + l]
        for k in range(END):
            values[b, k] += buffer[(END + k) * LANES + l]


@inner()
@no_type_check
def set_axes(first, last, forms, axes):
    """Set the axes and the weights of the pairs."""
    half = forms.half[0]
    for l in range(LANES):
        p = min(first + l, last - 1)
        for row in range(3):
            axes[T + LANES * row + l] = forms.direction[forms.ends[0, p], row]
            axes[S + LANES * row + l] = forms.direction[forms.ends[1, p], row]
        a, b, both = half * forms.alone[0, p], half * forms.alone[1, p], half * forms.both[p]
        put(axes, HALVES + l, LANES, (a, b, both))
        put(axes, HALVES + 3 * LANES + l, LANES, (half * a, half * b, half * both))
    for l in range(LANES):
        t, s = three(axes, T + l, LANES), three(axes, S + l, LANES)
        c = dot(t, s)
        axes[C + l] = c
        put(axes, N + l, LANES, more(s, -c, t))
        put(axes, O + l, LANES, more(t, -c, s))
        put(axes, W + l, LANES, cross(t, s))


@inner()
@no_type_check
def set_parts(axes, forces, parts):
    """Set the components of the forces: even (f.t, f.n, m.w) and odd (m.t, m.n, f.w)."""
    for k in range(LOADS):
        first = k * LANES
        for l in range(LANES):
            t, n, w = (
                three(axes, T + l, LANES),
                three(axes, N + l, LANES),
                three(axes, W + l, LANES),
            )
            f, m = three(forces, first + l, STEP), three(forces, MOMENT + first + l, STEP)
            put(parts, first + l, STEP, (dot(t, f), dot(n, f), dot(w, m)))
            put(parts, MOMENT + first + l, STEP, (dot(t, m), dot(n, m), dot(w, f)))
        first += THERE
        for l in range(LANES):
            t, n, w = (
                three(axes, S + l, LANES),
                three(axes, O + l, LANES),
                three(axes, W + l, LANES),
            )
            f, m = three(forces, first + l, STEP), three(forces, MOMENT + first + l, STEP)
            put(parts, first + l, STEP, (dot(t, f), dot(n, f), -dot(w, m)))
            put(parts, MOMENT + first + l, STEP, (dot(t, m), dot(n, m), -dot(w, f)))


@inner()
@no_type_check
def set_raw(first, last, coefficients, raw):
    """Copy one set of coefficients of both directions."""
    for l in range(min(LANES, last - first)):
        for form in range(NUM_FORMS):
            raw[form * LANES + l] = coefficients[0, first + l, form]
        for form in range(NUM_FORMS):
            raw[(NUM_FORMS + form) * LANES + l] = coefficients[1, first + l, form]


@inner()
@no_type_check
def set_weights(axes, raw, weights):
    """Set the weighted blocks of one set of coefficients."""
    for row in range(ROWS):
        one, other = part(raw, TABLE[row, 0]), part(raw, TABLE[row, 1])
        weight, found = part(axes, TABLE[row, 2]), part(weights, row * LANES)
        for l in range(LANES):
            found[l] = weight[l] * (one[l] + other[l])


@inner(forceinline=True)
@no_type_check
def part(buffer, at):
    """Return a row of a buffer."""
    return buffer[at : at + LANES]


@inner(forceinline=True)
@no_type_check
def _symmetric(H, at, x):
    """Return the product of a symmetric matrix, given by its upper triangle, and a vector."""
    a, b, c = three(H, at, LANES)
    d, e, f = three(H, at + 3 * LANES, LANES)
    return (
        a * x[0] + b * x[1] + c * x[2],
        b * x[0] + d * x[1] + e * x[2],
        c * x[0] + e * x[1] + f * x[2],
    )


@inner(forceinline=True)
@no_type_check
def _coupled(H, at, x, y):
    """Return the product of a matrix with y, and that of its transpose with x."""
    g, h, i = (
        three(H, at, LANES),
        three(H, at + 3 * LANES, LANES),
        three(H, at + 6 * LANES, LANES),
    )
    return (dot(g, y), dot(h, y), dot(i, y)), more(combined(x[0], g, x[1], h), x[2], i)


@inner()
@no_type_check
def set_reply(parts, H, reply):
    """Set the components of the responses to forces of which ``parts`` are the components."""
    for k in range(LOADS):
        for odd in range(2):
            here = k * LANES + odd * MOMENT
            _reply(parts, H, reply, here, odd)


@inner(forceinline=True)
@no_type_check
def _reply(parts, H, reply, here, odd):
    there, own, other, both = here + THERE, OWN[odd], OWN[2 + odd], COUPLED[odd]
    for l in range(LANES):
        x, y = three(parts, here + l, STEP), three(parts, there + l, STEP)
        a, b = _coupled(H, both + l, x, y)
        put(reply, here + l, STEP, plus(a, _symmetric(H, own + l, x)))
        put(reply, there + l, STEP, plus(b, _symmetric(H, other + l, y)))


@inner()
@no_type_check
def set_answer(w, forces, reply, answer):
    """Set the responses of both ends to ``forces``, of which ``reply`` are the components."""
    axes, H = w.axes, w.weights
    for k in range(LOADS):
        here, there = k * LANES, k * LANES + THERE
        for l in range(LANES):
            t, n, v = (
                three(axes, T + l, LANES),
                three(axes, N + l, LANES),
                three(axes, W + l, LANES),
            )
            x, y = three(reply, here + l, STEP), three(reply, here + MOMENT + l, STEP)
            f = more(combined(x[0], t, x[1], n), y[2], v)
            m = more(combined(y[0], t, y[1], n), x[2], v)
            s, o = three(axes, S + l, LANES), three(axes, O + l, LANES)
            x, y = three(reply, there + l, STEP), three(reply, there + MOMENT + l, STEP)
            e = more(combined(x[0], s, x[1], o), -y[2], v)
            q = more(combined(y[0], s, y[1], o), -x[2], v)
            fa, ma = three(forces, here + l, STEP), three(forces, here + MOMENT + l, STEP)
            fb, mb = three(forces, there + l, STEP), three(forces, there + MOMENT + l, STEP)
            a, b = three(H, ISOTROPIC + l, LANES), three(H, ISOTROPIC + 3 * LANES + l, LANES)
            force, moment, turn = three(H, MUTUAL + l, LANES)
            back = H[MUTUAL + 3 * LANES + l]
            f = plus(
                f,
                plus(
                    combined(a[0], fa, a[2], cross(t, ma)), combined(force, fb, turn, cross(s, mb))
                ),
            )
            m = plus(
                m,
                plus(
                    combined(a[1], ma, a[2], cross(fa, t)), combined(moment, mb, back, cross(fb, t))
                ),
            )
            e = plus(
                e,
                plus(
                    combined(b[0], fb, b[2], cross(s, mb)), combined(force, fa, back, cross(t, ma))
                ),
            )
            q = plus(
                q,
                plus(
                    combined(b[1], mb, b[2], cross(fb, s)), combined(moment, ma, turn, cross(fa, s))
                ),
            )
            put(answer, here + l, STEP, f)
            put(answer, here + MOMENT + l, STEP, m)
            put(answer, there + l, STEP, e)
            put(answer, there + MOMENT + l, STEP, q)


@entry
@no_type_check
def add_responses(forms, span, w, found):
    """Add the responses (sets, ends, 36) by the pairs first, ..., last - 1 of a span."""
    for first in range(span[0], span[1], LANES):
        set_axes(first, span[1], forms, w.axes)
        gather(first, span[1], forms.forces, forms.ends, w.forces)
        set_parts(w.axes, w.forces, w.parts)
        for k in range(len(found)):
            set_raw(first, span[1], forms.coefficients[k], w.raw)
            set_weights(w.axes, w.raw, w.weights)
            set_reply(w.parts, w.weights, w.reply)
            set_answer(w, w.forces, w.reply, w.answer)
            scatter(first, span[1], w.answer, forms.ends, found[k])
