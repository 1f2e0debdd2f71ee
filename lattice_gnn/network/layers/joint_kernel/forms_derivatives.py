"""Derivatives of responses by coefficients, weights, forces and directions.

For the derivatives Y of the result by the responses H F, the result changes as Y . H F. By F that
is H Y, the responses to Y; by a coefficient it is the form with Y and F on either side, and by the
axes of a pair it is what the replies to Y and to F, components of the responses, multiply.
"""

from typing import NamedTuple, no_type_check

import numpy as np

from fem_reference.jit import entry, inner
from lattice_gnn.network.layers.joint_kernel.forms import (
    AXES,
    COUPLED,
    END,
    HALVES,
    ISOTROPIC,
    LANES,
    LOADS,
    MOMENT,
    MUTUAL,
    NUM_FORMS,
    OWN,
    ROWS,
    STEP,
    TABLE,
    THERE,
    C,
    N,
    O,
    S,
    T,
    W,
    gather,
    part,
    scatter,
    set_answer,
    set_axes,
    set_parts,
    set_raw,
    set_reply,
    set_weights,
)
from lattice_gnn.network.layers.joint_kernel.vectors import (
    add,
    combined,
    cross,
    dot,
    more,
    plus,
    three,
)


class Gradient(NamedTuple):
    """Derivatives of the result.

    Attributes:
        coefficients: (sets, 2, pairs, 42).
        alone: (2, pairs).
        both: (pairs).
        forces: (ends, 36); not written where motion is given.
        direction: (ends, 3); likewise.
    """

    coefficients: np.ndarray
    alone: np.ndarray
    both: np.ndarray
    forces: np.ndarray
    direction: np.ndarray


class Adjoint(NamedTuple):
    """Buffers like those of ``forms.Room``.

    Attributes:
        forces: Y of both ends.
        parts: Its components.
        reply: Components of the responses to Y.
        total: Derivatives by the forces.
        axes: Derivatives by t_a, t_b, n_a, n_b, w and the weights.
        raw: Derivatives by coefficients.
        weights: Derivatives by weighted blocks.
    """

    forces: np.ndarray
    parts: np.ndarray
    reply: np.ndarray
    total: np.ndarray
    axes: np.ndarray
    raw: np.ndarray
    weights: np.ndarray


def make_adjoint(dtype: np.dtype) -> Adjoint:
    """Allocate the buffers."""
    rows = (2 * END, 2 * END, 2 * END, 2 * END, AXES, 2 * NUM_FORMS, ROWS)
    return Adjoint(*(np.zeros(LANES * count, dtype) for count in rows))


@entry
@no_type_check
def differentiate_responses(forms, span, rooms, by_responses, found, moves):
    """Set the derivatives by the pairs first, ..., last - 1 of a span; add those by the ends.

    Args:
        forms: What the responses depend on.
        span: First pair and last pair + 1.
        rooms: Buffers, ``Room`` and ``Adjoint``.
        by_responses: Y (sets, ends, 36).
        found: The derivatives.
        moves: Whether those by forces and directions are wanted.
    """
    w, v = rooms
    for first in range(span[0], span[1], LANES):
        set_axes(first, span[1], forms, w.axes)
        gather(first, span[1], forms.forces, forms.ends, w.forces)
        set_parts(w.axes, w.forces, w.parts)
        _clear(v.total)
        _clear(v.axes)
        for k in range(len(by_responses)):
            set_raw(first, span[1], forms.coefficients[k], w.raw)
            set_weights(w.axes, w.raw, w.weights)
            gather(first, span[1], by_responses[k], forms.ends, v.forces)
            set_parts(w.axes, v.forces, v.parts)
            _by_blocks(w.parts, v.parts, v.weights)
            _by_isotropic(w, v)
            _unweigh(w, v)
            _store_raw(first, span[1], v.raw, found.coefficients[k])
            if moves:
                set_reply(w.parts, w.weights, w.reply)
                set_reply(v.parts, w.weights, v.reply)
                set_answer(w, v.forces, v.reply, w.answer)
                _accumulate(w.answer, v.total)
                _by_axes(w, v)
        _store_weights(first, span[1], v.axes, forms.half[0], found)
        if moves:
            scatter(first, span[1], v.total, forms.ends, found.forces)
            _store_directions(first, span[1], w.axes, v.axes, (forms.ends, found.direction))


@inner()
@no_type_check
def _clear(buffer):
    for k in range(len(buffer)):
        buffer[k] = 0


@inner()
@no_type_check
def _accumulate(values, total):
    for k in range(len(values)):
        total[k] += values[k]


@inner()
@no_type_check
def _by_blocks(parts, other, by):
    """Set the derivatives by the blocks of x and y, from the components of F and of Y."""
    for row in range(ISOTROPIC):
        by[row] = 0
    for k in range(LOADS):
        for odd in range(2):
            here = k * LANES + odd * MOMENT
            _by_own(parts, other, by, here, OWN[odd])
            _by_own(parts, other, by, here + THERE, OWN[2 + odd])
            _by_coupled(parts, other, by, here, COUPLED[odd])


@inner(forceinline=True)
@no_type_check
def _by_own(parts, other, by, here, own):
    for l in range(LANES):
        x, y = three(parts, here + l, STEP), three(other, here + l, STEP)
        first = x[0] * y[0], x[0] * y[1] + x[1] * y[0], x[0] * y[2] + x[2] * y[0]
        add(by, own + l, LANES, first)
        second = x[1] * y[1], x[1] * y[2] + x[2] * y[1], x[2] * y[2]
        add(by, own + 3 * LANES + l, LANES, second)


@inner(forceinline=True)
@no_type_check
def _by_coupled(parts, other, by, here, both):
    there = here + THERE
    for l in range(LANES):
        x, y = three(parts, here + l, STEP), three(other, here + l, STEP)
        u, v = three(parts, there + l, STEP), three(other, there + l, STEP)
        for i in range(3):
            add(by, both + 3 * i * LANES + l, LANES, combined(y[i], u, x[i], v))


@inner()
@no_type_check
def _by_isotropic(w, v):
    """Set the derivatives by g1 to g6; add those by t that the moments of forces about it have."""
    forces, other, axes, H = w.forces, v.forces, w.axes, w.weights
    by, by_axes = v.weights, v.axes
    for row in range(ISOTROPIC, ROWS * LANES):
        by[row] = 0
    for k in range(LOADS):
        here, there = k * LANES, k * LANES + THERE
        for l in range(LANES):
            fa, ma = three(forces, here + l, STEP), three(forces, here + MOMENT + l, STEP)
            ga, na = three(other, here + l, STEP), three(other, here + MOMENT + l, STEP)
            fb, mb = three(forces, there + l, STEP), three(forces, there + MOMENT + l, STEP)
            gb, nb = three(other, there + l, STEP), three(other, there + MOMENT + l, STEP)
            t, s = three(axes, T + l, LANES), three(axes, S + l, LANES)
            p, q = plus(cross(ma, ga), cross(na, fa)), plus(cross(mb, gb), cross(nb, fb))
            turn, back = plus(cross(mb, ga), cross(nb, fa)), plus(cross(ma, gb), cross(na, fb))
            add(by, ISOTROPIC + l, LANES, (dot(fa, ga), dot(ma, na), dot(t, p)))
            add(by, ISOTROPIC + 3 * LANES + l, LANES, (dot(fb, gb), dot(mb, nb), dot(s, q)))
            force, moment = dot(fa, gb) + dot(fb, ga), dot(ma, nb) + dot(mb, na)
            add(by, MUTUAL + l, LANES, (force, moment, dot(s, turn)))
            by[MUTUAL + 3 * LANES + l] += dot(t, back)
            add(
                by_axes,
                T + l,
                LANES,
                combined(H[ISOTROPIC + 2 * LANES + l], p, H[MUTUAL + 3 * LANES + l], back),
            )
            add(
                by_axes,
                S + l,
                LANES,
                combined(H[ISOTROPIC + 5 * LANES + l], q, H[MUTUAL + 2 * LANES + l], turn),
            )


@inner()
@no_type_check
def _unweigh(w, v):
    """Set the derivatives by coefficients and add those by weights."""
    _clear(v.raw)
    for row in range(ROWS):
        i, j, k = TABLE[row, 0], TABLE[row, 1], TABLE[row, 2]
        one, other, weight = part(w.raw, i), part(w.raw, j), part(w.axes, k)
        by, by_weight = part(v.weights, row * LANES), part(v.axes, k)
        by_one, by_other = part(v.raw, i), part(v.raw, j)
        for l in range(LANES):
            by_weight[l] += by[l] * (one[l] + other[l])
            by[l] *= weight[l]
        for l in range(LANES):
            by_one[l] += by[l]
        for l in range(LANES):
            by_other[l] += by[l]


@inner()
@no_type_check
def _store_raw(first, last, raw, found):
    for l in range(min(LANES, last - first)):
        for form in range(NUM_FORMS):
            found[0, first + l, form] = raw[form * LANES + l]
        for form in range(NUM_FORMS):
            found[1, first + l, form] = raw[(NUM_FORMS + form) * LANES + l]


@inner()
@no_type_check
def _store_weights(first, last, by, half, found):
    for l in range(min(LANES, last - first)):
        p, at = first + l, HALVES + l
        found.alone[0, p] = half * (by[at] + half * by[at + 3 * LANES])
        found.alone[1, p] = half * (by[at + LANES] + half * by[at + 4 * LANES])
        found.both[p] = half * (by[at + 2 * LANES] + half * by[at + 5 * LANES])


@inner()
@no_type_check
def _by_axes(w, v):
    """Add the derivatives by t, n and w of both ends through the components."""
    for k in range(LOADS):
        here = k * LANES
        _through_components(w, v, (here, T, N), 1)
        _through_components(w, v, (here + THERE, S, O), -1)


@inner(forceinline=True)
@no_type_check
def _through_components(w, v, at, sign):
    forces, other, reply, back, by = w.forces, v.forces, w.reply, v.reply, v.axes
    here, along, across = at
    for l in range(LANES):
        f, m = three(forces, here + l, STEP), three(forces, here + MOMENT + l, STEP)
        g, n = three(other, here + l, STEP), three(other, here + MOMENT + l, STEP)
        x, y = three(reply, here + l, STEP), three(reply, here + MOMENT + l, STEP)
        z, u = three(back, here + l, STEP), three(back, here + MOMENT + l, STEP)
        add(by, along + l, LANES, plus(combined(x[0], g, z[0], f), combined(y[0], n, u[0], m)))
        add(by, across + l, LANES, plus(combined(x[1], g, z[1], f), combined(y[1], n, u[1], m)))
        turn = plus(combined(x[2], n, z[2], m), combined(y[2], g, u[2], f))
        add(by, W + l, LANES, (sign * turn[0], sign * turn[1], sign * turn[2]))


@inner()
@no_type_check
def _store_directions(first, last, axes, by, where):
    """Add the derivatives by the directions of both struts."""
    ends, found = where
    for l in range(LANES):
        t, s, c = three(axes, T + l, LANES), three(axes, S + l, LANES), axes[C + l]
        n, o, v = three(by, N + l, LANES), three(by, O + l, LANES), three(by, W + l, LANES)
        by_c = dot(n, t) + dot(o, s)
        add(by, T + l, LANES, plus(more(cross(s, v), -by_c, s), more(o, -c, n)))
        add(by, S + l, LANES, plus(more(cross(v, t), -by_c, t), more(n, -c, o)))
    for l in range(min(LANES, last - first)):
        for row in range(3):
            found[ends[0, first + l], row] += by[T + row * LANES + l]
            found[ends[1, first + l], row] += by[S + row * LANES + l]
