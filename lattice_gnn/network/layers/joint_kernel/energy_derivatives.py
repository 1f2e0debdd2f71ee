"""Derivatives of joint energies by coefficients, weights, forces and directions.

With X = F dL/dM for the result L, the derivative by the coefficient of a form F_a^T H F_b is that
form with X_b in place of F_b; with the symmetrised responses R, dL/dF = 2 R dL/dM.
"""

from typing import NamedTuple, no_type_check

import numpy as np

from fem_reference.jit import entry, inner
from lattice_gnn.network.layers.joint_kernel.energy import (
    DERIVATIVE,
    END,
    HALF,
    HERE,
    HERE_X,
    LOADS,
    RESPONSE,
    THERE,
    THERE_X,
    axes_of,
    components,
    fetch,
    load_lattice,
    matrices_of,
    respond_all,
    responses,
)
from lattice_gnn.network.layers.joint_kernel.vectors import (
    R1,
    R2,
    R3,
    WIDTH,
    combined,
    cross,
    dot,
    more,
    plus,
    three,
)

R4, R5 = np.uint64(4 * WIDTH), np.uint64(5 * WIDTH)


class Gradient(NamedTuple):
    """Derivatives of the result.

    Attributes:
        coefficients: (2, pairs, 42).
        alone: (2, pairs).
        both: (pairs).
        forces: (ends, 2, 3, 6); none where no first axis.
        direction: (ends, 3).
    """

    coefficients: np.ndarray
    alone: np.ndarray
    both: np.ndarray
    forces: np.ndarray
    direction: np.ndarray


@inner()
@no_type_check
def _multiply(ends, source, G, w, columns):
    """Set X of all ends to F or R (at ``source``) times a matrix (6, WIDTH)."""
    Z = w.Z
    for e in range(ends):
        for row in range(6):
            at = np.uint64(END * e + WIDTH * row)
            to = at + DERIVATIVE
            at += source
            a, b, c, d, f, g = Z[at], Z[at + 1], Z[at + 2], Z[at + 3], Z[at + 4], Z[at + 5]
            for k in range(columns):
                x = a * G[k] + b * G[R1 + k] + c * G[R2 + k]
                Z[to + k] = x + d * G[R3 + k] + f * G[R4 + k] + g * G[R5 + k]


@inner(forceinline=True)
@no_type_check
def _outer(total, x, y):
    """Add the products of the components of x and y, row by row."""
    return (
        total[0] + x[0] * y[0],
        total[1] + x[0] * y[1],
        total[2] + x[0] * y[2],
        total[3] + x[1] * y[0],
        total[4] + x[1] * y[1],
        total[5] + x[1] * y[2],
        total[6] + x[2] * y[0],
        total[7] + x[2] * y[1],
        total[8] + x[2] * y[2],
    )


@inner()
@no_type_check
def _pair_forms(axes, signs, context, zero):
    """Return the forms of both directions, contracted: own and coupled blocks, then g4 to g6."""
    (t, s, n, o, v), (columns, w) = axes, context
    Z, a, b, i, j = w.pair, HERE, THERE, HERE_X, THERE_X
    none = zero, zero, zero, zero, zero, zero, zero, zero, zero
    one = two = both = none
    third = fourth = odd = none
    force = moment = turn = other = zero
    for k in range(columns):
        x, y = components(Z, a + k, (t, n, v), signs[0])
        z, u = components(Z, b + k, (s, o, v), signs[1])
        x1, y1 = components(Z, i + k, (t, n, v), signs[0])
        z1, u1 = components(Z, j + k, (s, o, v), signs[1])
        one, two, both = _outer(one, x, x1), _outer(two, z, z1), _outer(both, x, z1)
        third, fourth, odd = _outer(third, y, y1), _outer(fourth, u, u1), _outer(odd, y, u1)
        f, m, l = three(Z, a + k), three(Z, a + R3 + k), three(Z, b + R3 + k)
        f1, e1, l1 = three(Z, i + k), three(Z, j + k), three(Z, j + R3 + k)
        force += dot(f, e1)
        moment += dot(m, l1)
        turn += dot(f1, cross(s, l))
        other += dot(e1, cross(t, m))
    return (one, two, both), (third, fourth, odd), (force, moment, turn, other)


@inner()
@no_type_check
def _own_forms(e, forms, w):
    """Set w.own to the forms of g1, g2 and g3 of an end, contracted."""
    at = np.uint64(END * e[1])
    to = at + DERIVATIVE
    t = forms.direction[e[0], 0], forms.direction[e[0], 1], forms.direction[e[0], 2]
    force = moment = turn = forms.numbers[0]
    for k in range(LOADS):
        f, m = three(w.Z, at + k), three(w.Z, at + R3 + k)
        f1, m1 = three(w.Z, to + k), three(w.Z, to + R3 + k)
        force += dot(f, f1)
        moment += dot(m, m1)
        turn += dot(t, cross(m, f1))
    w.own[e[1], 0], w.own[e[1], 1], w.own[e[1], 2] = force, moment, turn


@inner()
@no_type_check
def _store_forms(p, k, blocks, forms, gradient):
    """Write derivatives by the coefficients of direction k of pair p; add those by its weights."""
    x, y, isotropic, own = blocks
    g, found = forms.coefficients[k, p], gradient.coefficients[k, p]
    alone, both = forms.alone[k, p], forms.both[p]
    by_alone = by_both = forms.numbers[0]
    for c in range(9):
        other = c if k == 0 else 3 * (c % 3) + c // 3
        found[c], found[9 + c] = alone * x[k][c], both * x[2][other]
        found[18 + c], found[27 + c] = alone * y[k][c], both * y[2][other]
        by_alone += g[c] * x[k][c] + g[18 + c] * y[k][c]
        by_both += g[9 + c] * x[2][other] + g[27 + c] * y[2][other]
    for c in range(3):
        form = isotropic[2 + k] if c == 2 else isotropic[c]
        found[36 + c], found[39 + c] = alone * own[c], both * form
        by_alone += g[36 + c] * own[c]
        by_both += g[39 + c] * form
    gradient.alone[k, p] = by_alone
    gradient.both[p] += by_both


@inner()
@no_type_check
def _by_axes(axes, matrices, signs, context):
    """Return half the derivatives by t_a, t_b, n_a, n_b and w of a pair, held independent."""
    g, (columns, w) = matrices[2], context
    Z, a, b, i, j = w.pair, HERE, THERE, HERE_X, THERE_X
    zero = signs[0] - signs[0]
    by_t = by_s = by_n = by_o = by_v = (zero, zero, zero)
    for k in range(columns):
        here, there = responses(Z, (a + k, b + k), axes, matrices, signs)
        (x, y), (z, u) = here, there
        f, m = three(Z, i + k), three(Z, i + R3 + k)
        e, l = three(Z, j + k), three(Z, j + R3 + k)
        ma, mb = three(Z, a + R3 + k), three(Z, b + R3 + k)
        by_t = plus(by_t, combined(x[0], f, y[0], m))
        by_t = more(by_t, g[3], cross(ma, e))
        by_n = plus(by_n, combined(x[1], f, y[1], m))
        by_s = plus(by_s, combined(z[0], e, u[0], l))
        by_s = more(by_s, g[2], cross(mb, f))
        by_o = plus(by_o, combined(z[1], e, u[1], l))
        by_v = more(by_v, signs[0], combined(x[2], m, y[2], f))
        by_v = more(by_v, signs[1], combined(z[2], l, u[2], e))
    return by_t, by_s, by_n, by_o, by_v


@inner()
@no_type_check
def _add_directions(a, b, axes, given, forms, direction):
    """Add derivatives by both directions of a pair, through n = t_b - c t_a and w = t_a x t_b."""
    (t, s, _, _, _), (by_t, by_s, by_n, by_o, by_v) = axes, given
    two, c = forms.numbers[2], dot(t, s)
    by_c = -dot(by_n, t) - dot(by_o, s)
    by_t = plus(plus(by_t, by_o), combined(-c, by_n, by_c, s))
    by_s = plus(plus(by_s, by_n), combined(-c, by_o, by_c, t))
    by_t, by_s = plus(by_t, cross(s, by_v)), plus(by_s, cross(by_v, t))
    for k in range(3):
        direction[a, k] += two * by_t[k]
        direction[b, k] += two * by_s[k]


@entry
@no_type_check
def differentiate_energies(forms, span, columns, w, by_M, gradient):
    """Write the derivatives; ``by_M`` are symmetric (lattices, 6 x WIDTH), padded with zeros."""
    signs, zero = (forms.numbers[3], forms.numbers[4]), forms.numbers[0]
    for b in range(span[0], span[1]):
        lattice = load_lattice(b, forms, w)
        start, ends, first, last = lattice
        _multiply(ends, np.uint64(0), by_M[b], w, columns)
        for e in range(ends):
            _own_forms((start + e, e), forms, w)
        for p in range(first, last):
            i, j = forms.ends[0, p] - start, forms.ends[1, p] - start
            axes = axes_of(i + start, j + start, forms.direction)
            place = np.uint64(END * i), np.uint64(END * j)
            fetch(np.uint64(0), place, HERE, w)
            fetch(DERIVATIVE, place, HERE_X, w)
            x, y, isotropic = _pair_forms(axes, signs, (columns, w), zero)
            gradient.both[p] = zero
            _store_forms(p, 0, (x, y, isotropic, w.own[i]), forms, gradient)
            _store_forms(p, 1, (x, y, isotropic, w.own[j]), forms, gradient)
        if len(gradient.forces):
            _differentiate_motion(lattice, forms, (columns, w, by_M[b]), gradient)


@inner()
@no_type_check
def _differentiate_motion(lattice, forms, context, gradient):
    """Write the derivatives by forces and directions."""
    (start, ends, first, last), (columns, w, by_M) = lattice, context
    signs, two = (forms.numbers[3], forms.numbers[4]), forms.numbers[2]
    for e in range(ends):
        for c in range(3):
            w.own[e, c] = gradient.direction[start + e, c] = forms.numbers[0]
    respond_all(lattice, forms, w, columns)
    for p in range(first, last):
        a, b = forms.ends[0, p], forms.ends[1, p]
        axes = axes_of(a, b, forms.direction)
        place = np.uint64(END * (a - start)), np.uint64(END * (b - start))
        fetch(np.uint64(0), place, HERE, w)
        fetch(DERIVATIVE, place, HERE_X, w)
        given = _by_axes(axes, matrices_of(p, forms), signs, (columns, w))
        _add_directions(a, b, axes, given, forms, gradient.direction)
    for e in range(ends):
        at = np.uint64(END * e)
        turn = w.own[e, 2]
        for k in range(LOADS):
            by_t = cross(three(w.Z, at + R3 + k), three(w.Z, at + DERIVATIVE + k))
            for c in range(3):
                gradient.direction[start + e, c] += turn * by_t[c]
    _multiply(ends, RESPONSE, by_M, w, columns)
    for e in range(ends):
        for row in range(6):
            at = END * e + WIDTH * row
            for k in range(LOADS):
                gradient.forces[start + e, row // 3, row % 3, k] = two * w.Z[at + 2 * HALF + k]
