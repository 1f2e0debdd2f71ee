"""The perceptrons of several joint networks without derivatives, in single precision.

Pairs, and ends of struts, are computed ``LANES`` at a time: a buffer has a row for every number of
a layer, and in it the number of each pair. Widths are padded to multiples of ``BLOCK`` with zeros.
The steps are those of ``joint_members``.
"""

from typing import NamedTuple, no_type_check

import numpy as np

from fem_reference.jit import entry, inner

LANES = 64  #: rows side by side
BLOCK = 4  #: widths are multiples of this
EXPONENTIAL = (
    1.4426950408889634, 0.693359375, -2.12194440e-4,  # 1 / ln 2; ln 2 as a sum of two
    1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1,
    5.0000001201e-1, 1.0, 0.5, -87.0, 87.0,
)  # fmt: skip
"""Cephes' exponential in single precision: exp(x) = 2^n exp(r), exp(r) - 1 - r a polynomial."""
NUMBERS = len(EXPONENTIAL)  #: place of the limit of scores and of 1 / partners, which follow


class Layer(NamedTuple):
    """A linear layer of every network.

    Attributes:
        matrix: (networks, outputs, inputs).
        bias: (networks, outputs).
    """

    matrix: np.ndarray
    bias: np.ndarray


class Networks(NamedTuple):
    """Layers of all networks, and numbers.

    Attributes:
        numbers: ``EXPONENTIAL``; largest score; 1 over that by which sums are divided.
        message: Of the features of a pair: first layer ...
        values: ... and second layer: values, then scores.
        embed: First layer of the embedding of an end, of sums over its partners ...
        embedding: ... and second layer.
        own: First layer of the coefficients of (a, b), of the embedding of a ...
        others: ... and of b ...
        pair: ... and of the features.
        second: Second layer.
        last: Third layer, of the hidden numbers and of the powers of c.
    """

    numbers: np.ndarray
    message: Layer
    values: Layer
    embed: Layer
    embedding: Layer
    own: Layer
    others: Layer
    pair: Layer
    second: Layer
    last: Layer


class Pairs(NamedTuple):
    """Pairs and what is known of their ends.

    Attributes:
        features: (features, 2, pairs); the first is c.
        influence: (2, pairs).
        ends: (2, pairs).
        total: Sums of every end over its partners (ends, networks, sums).
        own: Its part of the first layer as a (ends, networks, hidden) ...
        others: ... and as b.
    """

    features: np.ndarray
    influence: np.ndarray
    ends: np.ndarray
    total: np.ndarray
    own: np.ndarray
    others: np.ndarray


class Room(NamedTuple):
    """Buffers: the input of a layer, two of hidden numbers, that of the last layer, and sums."""

    x: np.ndarray
    hidden: np.ndarray
    other: np.ndarray
    last: np.ndarray
    sums: np.ndarray


def padded(width: int) -> int:
    """Return the next multiple of ``BLOCK``."""
    return -(-width // BLOCK) * BLOCK


def make_room(networks: Networks, sums: int) -> Room:
    """Allocate the buffers."""
    layers = networks[1:]
    widest = max(max(layer.matrix.shape[1:]) for layer in layers)
    inputs = networks.last.matrix.shape[2]
    return Room(*(np.zeros(LANES * k, np.float32) for k in (widest, widest, widest, inputs, sums)))


@inner(forceinline=True)
@no_type_check
def _row(buffer, k):
    return buffer[k * LANES : (k + 1) * LANES]


@inner()
@no_type_check
def _apply(W, b, x, y):
    """Set y to W x + b for every lane: four outputs of four inputs at a time, in registers."""
    for o in range(0, W.shape[0], BLOCK):
        block = y[o * LANES : (o + BLOCK) * LANES]
        p, q, r, s = W[o], W[o + 1], W[o + 2], W[o + 3]
        for k in range(BLOCK):
            for l in range(LANES):
                block[k * LANES + l] = b[o + k]
        for i in range(0, W.shape[1], BLOCK):
            given = x[i * LANES : (i + BLOCK) * LANES]
            p0, p1, p2, p3 = p[i], p[i + 1], p[i + 2], p[i + 3]
            q0, q1, q2, q3 = q[i], q[i + 1], q[i + 2], q[i + 3]
            r0, r1, r2, r3 = r[i], r[i + 1], r[i + 2], r[i + 3]
            s0, s1, s2, s3 = s[i], s[i + 1], s[i + 2], s[i + 3]
            for l in range(LANES):
                c, d = given[l], given[LANES + l]
                e, f = given[2 * LANES + l], given[3 * LANES + l]
                block[l] += p0 * c + p1 * d + p2 * e + p3 * f
                block[LANES + l] += q0 * c + q1 * d + q2 * e + q3 * f
                block[2 * LANES + l] += r0 * c + r1 * d + r2 * e + r3 * f
                block[3 * LANES + l] += s0 * c + s1 * d + s2 * e + s3 * f


@inner(forceinline=True)
@no_type_check
def _exp(x, n):
    """Return the exponential of x, |x| < 87."""
    k = np.floor(x * n[0] + n[10])
    r = x - k * n[1] - k * n[2]
    p = ((((n[3] * r + n[4]) * r + n[5]) * r + n[6]) * r + n[7]) * r + n[8]
    power = np.int32((np.int32(k) + np.int32(127)) << np.int32(23)).view(np.float32)
    return (p * r * r + r + n[9]) * power


@inner()
@no_type_check
def _silu(y, rows, n):
    """Replace y by y / (1 + exp(-y))."""
    for k in range(rows * LANES):
        y[k] /= n[9] + _exp(min(max(-y[k], n[11]), n[12]), n)


@inner()
@no_type_check
def _load(first, last, k, features, x):
    """Copy the features of the pairs first, first + 1, ... in the direction k."""
    for c in range(len(features)):
        row, lanes = features[c, k, first:last], _row(x, c)
        for l in range(min(LANES, len(row))):
            lanes[l] = row[l]


@inner()
@no_type_check
def _pool(first, last, k, m, context):
    """Add w v, w e^s v and w e^s of the messages in w.other to the ends."""
    pairs, w, n = context
    width = pairs.total.shape[2] // 3
    for c in range(width):
        value, score = _row(w.other, c), _row(w.other, width + c)
        one, two, three = _row(w.sums, c), _row(w.sums, width + c), _row(w.sums, 2 * width + c)
        for l in range(LANES):
            three[l] = _exp(max(min(score[l], n[NUMBERS]), n[11]), n)
            two[l] = three[l] * value[l]
            one[l] = value[l]
    for l in range(min(LANES, last - first)):
        weight = pairs.influence[k, first + l]
        total = pairs.total[pairs.ends[k, first + l], m]
        for c in range(3 * width):
            total[c] += weight * w.sums[c * LANES + l]


@inner()
@no_type_check
def _embed(first, last, m, networks, context):
    """Set the parts of ends in the first layer of the coefficients."""
    pairs, w, n = context
    width = pairs.total.shape[2] // 3
    for l in range(LANES):
        total = pairs.total[min(first + l, last - 1), m]
        for c in range(3 * width):
            w.sums[c * LANES + l] = total[c]
    for c in range(width):
        one, two, three = _row(w.sums, c), _row(w.sums, width + c), _row(w.sums, 2 * width + c)
        mean, top = _row(w.x, c), _row(w.x, width + c)
        for l in range(LANES):
            mean[l], top[l] = n[NUMBERS + 1] * one[l], two[l] / (n[9] + three[l])
    _apply(networks.embed.matrix[m], networks.embed.bias[m], w.x, w.hidden)
    _silu(w.hidden, networks.embed.bias.shape[1], n)
    _apply(networks.embedding.matrix[m], networks.embedding.bias[m], w.hidden, w.x)
    _apply(networks.own.matrix[m], networks.own.bias[m], w.x, w.hidden)
    _apply(networks.others.matrix[m], networks.others.bias[m], w.x, w.other)
    for l in range(min(LANES, last - first)):
        own, others = pairs.own[first + l, m], pairs.others[first + l, m]
        for c in range(len(own)):
            own[c], others[c] = w.hidden[c * LANES + l], w.other[c * LANES + l]


@inner()
@no_type_check
def _add_ends(first, last, k, m, context):
    """Add the parts of both ends to w.hidden."""
    pairs, w, _ = context
    for l in range(LANES):
        p = min(first + l, last - 1)
        own, others = pairs.own[pairs.ends[k, p], m], pairs.others[pairs.ends[1 - k, p], m]
        for c in range(len(own)):
            w.hidden[c * LANES + l] += own[c] + others[c]


@inner()
@no_type_check
def _set_powers(hidden, n, w):
    """Write 1, c, c^2, ... below the hidden numbers that the last layer takes."""
    c = _row(w.x, 0)
    for k in range(hidden, len(w.last) // LANES):
        power, before = _row(w.last, k), _row(w.last, k - 1)
        for l in range(LANES):
            power[l] = n[9] if k == hidden else before[l] * c[l]


@entry
@no_type_check
def evaluate(networks, pairs, span, w, found):
    """Write the coefficients (networks, 2, pairs, 42).

    Args:
        networks: The weights.
        pairs: The pairs; sums and parts of ends are written there.
        span: First and last + 1 of the pairs of some lattices, then of their ends.
        w: Buffers.
        found: The coefficients.
    """
    n, hidden = networks.numbers, networks.second.bias.shape[1]
    context = pairs, w, n
    for k in range(2):
        for first in range(span[0], span[1], LANES):
            _load(first, span[1], k, pairs.features, w.x)
            for m in range(len(found)):
                _apply(networks.message.matrix[m], networks.message.bias[m], w.x, w.hidden)
                _silu(w.hidden, networks.message.bias.shape[1], n)
                _apply(networks.values.matrix[m], networks.values.bias[m], w.hidden, w.other)
                _pool(first, span[1], k, m, context)
    for m in range(len(found)):
        _clear(w.x)
        for first in range(span[2], span[3], LANES):
            _embed(first, span[3], m, networks, context)
    _clear(w.x)
    for k in range(2):
        for first in range(span[0], span[1], LANES):
            _load(first, span[1], k, pairs.features, w.x)
            _set_powers(hidden, n, w)
            for m in range(len(found)):
                _apply(networks.pair.matrix[m], networks.pair.bias[m], w.x, w.hidden)
                _add_ends(first, span[1], k, m, context)
                _silu(w.hidden, hidden, n)
                _apply(networks.second.matrix[m], networks.second.bias[m], w.hidden, w.last)
                _silu(w.last, hidden, n)
                _apply(networks.last.matrix[m], networks.last.bias[m], w.last, w.other)
                _store(first, span[1], w.other, found[m, k])


@inner()
@no_type_check
def _clear(buffer):
    for k in range(len(buffer)):
        buffer[k] = 0


@inner()
@no_type_check
def _store(first, last, buffer, found):
    for l in range(min(LANES, last - first)):
        row = found[first + l]
        for c in range(len(row)):
            row[c] = buffer[c * LANES + l]
