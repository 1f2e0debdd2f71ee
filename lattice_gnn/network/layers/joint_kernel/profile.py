"""Sums of the profile of a joint over its struts, and their derivatives.

For every directed pair (a, b) and azimuth u across a, counted from b: the sum of (z / r_a)^8 over
all struts d but a, z the distance from the node at which the surface of a leaves d
(``joint_pairs.JointPairs.profile``). Azimuths that are opposite share their work. Numbers have the
precision of the directions; constants come in an array, since literals are double precision.
"""

from typing import NamedTuple, no_type_check

import numpy as np

from fem_reference.jit import entry, inner
from lattice_gnn.network.layers.joint_kernel.vectors import cross, dot

AZIMUTHS = (0, 60, -60, 120, -120, 180)
"""Columns of the sums, degrees."""
LANES = 8  #: numbers of struts are padded to multiples of this


class Joints(NamedTuple):
    """Strut ends and their pairs; the pairs of one node are adjacent, in the order of its ends.

    Attributes:
        node: Node of each end.
        ends: The two ends of every pair (2, pairs).
        direction: Direction of the strut of each end away from the node (ends, 3).
        radius: Radius of each end.
        modulus: Modulus of the strut of each end.
        constants: See ``constants``.
    """

    node: np.ndarray
    ends: np.ndarray
    direction: np.ndarray
    radius: np.ndarray
    modulus: np.ndarray
    constants: np.ndarray


class Room(NamedTuple):
    """Buffers for the struts of one joint, reused for one joint after another.

    Attributes:
        strut: Directions (rows 0-2), radii, moduli, and (z / r_a)^8 over that of a unit direction.
        gradient: Derivatives by directions, radii and moduli, and by the logarithm of z.
        members: The ends.
    """

    strut: np.ndarray
    gradient: np.ndarray
    members: np.ndarray


def make_room(joints: Joints) -> Room:
    """Allocate buffers for the largest joint."""
    largest = int(np.bincount(joints.node).max(initial=1))
    columns = -(-largest // LANES) * LANES
    return Room(
        np.zeros((6, columns), joints.direction.dtype),
        np.zeros((6, columns), joints.direction.dtype),
        np.zeros(columns, dtype=np.int64),
    )


def constants(sharpest: float, corner: float, collinear: float, dtype: np.dtype) -> np.ndarray:
    """Constants of the profile, in the precision of the directions."""
    return np.array([0, 1, 2, 0.5, 0.75**0.5, sharpest, corner**2, collinear], dtype)


@inner()
@no_type_check
def _gather(first, joints, room):
    """Copy the struts of the joint whose pairs start at ``first``; return their number."""
    strut, members, zero = room.strut, room.members, joints.constants[0]
    end, pairs = joints.ends[0, first], joints.ends.shape[1]
    members[0] = end
    count = 1
    while first < pairs and joints.ends[0, first] == end:
        members[count] = joints.ends[1, first]
        count, first = count + 1, first + 1
    for c in range(strut.shape[1]):
        for row in range(6):
            strut[row, c] = zero
    for c in range(count):
        for row in range(3):
            strut[row, c] = joints.direction[members[c], row]
        strut[3, c], strut[4, c] = joints.radius[members[c]], joints.modulus[members[c]]
    return count


@inner()
@no_type_check
def _set_sizes(a, width, strut, numbers):
    """Set row 5 to (z / r_a)^8 over that of a unit direction, for every strut but a itself."""
    x, y, z, radius, modulus = strut[0, a], strut[1, a], strut[2, a], strut[3, a], strut[4, a]
    for d in range(width):
        near = numbers[1] - (x * strut[0, d] + y * strut[1, d] + z * strut[2, d]) + numbers[5]
        size = strut[3, d] * strut[4, d] / (radius * near * (modulus + strut[4, d]))
        size *= size
        size *= size
        strut[5, d] = size * size
    strut[5, a] = numbers[0]


@inner()
@no_type_check
def _frame(a, b, strut, numbers):
    """Return b - c a and a x b, c, and the scale that fades where the pair is collinear."""
    ax, ay, az, bx, by, bz = (
        strut[0, a],
        strut[1, a],
        strut[2, a],
        strut[0, b],
        strut[1, b],
        strut[2, b],
    )
    c = ax * bx + ay * by + az * bz
    scale = numbers[1] / np.sqrt(numbers[1] - c * c + numbers[7])
    across = bx - c * ax, by - c * ay, bz - c * az
    beside = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
    return across, beside, c, scale


@inner()
@no_type_check
def _row(i, j, count, pairs, first):
    """Return the row of the directed pair of the i-th and j-th strut of a joint."""
    low, high = min(i, j), max(i, j)
    pair = first + low * (2 * count - low - 1) // 2 + high - low - 1
    return pair if i < j else pairs + pair


@inner()
@no_type_check
def _eighth(x):
    x *= x
    x *= x
    return x * x


@entry
@no_type_check
def add_profile(joints, span, room, sums):
    """Write the sums of the pairs first, ..., last - 1 of whole joints."""
    pairs, numbers, strut = joints.ends.shape[1], joints.constants, room.strut
    zero, half, sine, corner = numbers[0], numbers[3], numbers[4], numbers[6]
    first = span[0]
    while first < span[1]:
        count = _gather(first, joints, room)
        width = (count + LANES - 1) // LANES * LANES
        for a in range(count):
            _set_sizes(a, width, strut, numbers)
            for b in range(count):
                if a == b:
                    continue
                n, w, _, scale = _frame(a, b, strut, numbers)
                n0, n1, n2 = scale * n[0], scale * n[1], scale * n[2]
                w0, w1, w2 = scale * w[0], scale * w[1], scale * w[2]
                s0 = s1 = s2 = s3 = s4 = s5 = zero
                for d in range(width):
                    x, y, z, size = strut[0, d], strut[1, d], strut[2, d], strut[5, d]
                    p = n0 * x + n1 * y + n2 * z
                    side = sine * (w0 * x + w1 * y + w2 * z)
                    q = np.sqrt(p * p + corner)
                    s0 += size * _eighth(q + p)
                    s5 += size * _eighth(q - p)
                    up = half * p + side
                    q = np.sqrt(up * up + corner)
                    s1 += size * _eighth(q + up)
                    s4 += size * _eighth(q - up)
                    down = half * p - side
                    q = np.sqrt(down * down + corner)
                    s2 += size * _eighth(q + down)
                    s3 += size * _eighth(q - down)
                row = _row(a, b, count, pairs, first)
                sums[row, 0], sums[row, 1], sums[row, 2] = s0, s1, s2
                sums[row, 3], sums[row, 4], sums[row, 5] = s3, s4, s5
        first += count * (count - 1) // 2


@inner()
@no_type_check
def _by_azimuth(p, corner, size, ahead, behind):
    """Return sums of z^8 times their derivatives at opposite azimuths, and the derivative by p."""
    q = np.sqrt(p * p + corner)
    front, back = ahead * size * _eighth(q + p), behind * size * _eighth(q - p)
    return front + back, (front - back) / q


@inner()
@no_type_check
def _by_pair(frame, by_sums, width, room, numbers):
    """Add derivatives through one directed pair; return those by its two directions across a."""
    strut, gradient = room.strut, room.gradient
    zero, half, sine, corner = numbers[0], numbers[3], numbers[4], numbers[6]
    eight = numbers[2] * numbers[2] * numbers[2]
    n, w, _, scale = frame
    n0, n1, n2 = scale * n[0], scale * n[1], scale * n[2]
    w0, w1, w2 = scale * w[0], scale * w[1], scale * w[2]
    g0, g1, g2, g3, g4, g5 = by_sums
    bn0 = bn1 = bn2 = bw0 = bw1 = bw2 = zero
    for d in range(width):
        x, y, z, size = strut[0, d], strut[1, d], strut[2, d], strut[5, d]
        p = n0 * x + n1 * y + n2 * z
        side = sine * (w0 * x + w1 * y + w2 * z)
        total, by_p = _by_azimuth(p, corner, size, g0, g5)
        up, by_up = _by_azimuth(half * p + side, corner, size, g1, g4)
        down, by_down = _by_azimuth(half * p - side, corner, size, g2, g3)
        gradient[5, d] += total + up + down
        by_p = eight * (by_p + half * (by_up + by_down))
        by_side = eight * sine * (by_up - by_down)
        bn0 += by_p * x
        bn1 += by_p * y
        bn2 += by_p * z
        bw0 += by_side * x
        bw1 += by_side * y
        bw2 += by_side * z
        gradient[0, d] += by_p * n0 + by_side * w0
        gradient[1, d] += by_p * n1 + by_side * w1
        gradient[2, d] += by_p * n2 + by_side * w2
    return (bn0, bn1, bn2), (bw0, bw1, bw2)


@entry
@no_type_check
def differentiate_profile(joints, span, room, by_sums, found):
    """Add derivatives by directions, radii and moduli to ``found`` (ends, 5).

    ``by_sums`` are the derivatives of the result by the sums.
    """
    pairs, numbers, strut, gradient = (
        joints.ends.shape[1],
        joints.constants,
        room.strut,
        room.gradient,
    )
    first = span[0]
    while first < span[1]:
        count = _gather(first, joints, room)
        width = (count + LANES - 1) // LANES * LANES
        gradient[:] = numbers[0]
        for a in range(count):
            _set_sizes(a, width, strut, numbers)
            gradient[5] = numbers[0]
            for b in range(count):
                if a != b:
                    g = by_sums[_row(a, b, count, pairs, first)]
                    frame = _frame(a, b, strut, numbers)
                    given = _by_pair(
                        frame, (g[0], g[1], g[2], g[3], g[4], g[5]), width, room, numbers
                    )
                    _add_frame(a, b, frame, given, (strut, gradient))
            _add_sizes(a, count, strut, gradient, numbers)
        for c in range(count):
            for row in range(5):
                found[room.members[c], row] += gradient[row, c]
        first += count * (count - 1) // 2


@inner()
@no_type_check
def _add_frame(a, b, frame, given, arrays):
    """Add derivatives through the directions across a: scaled b - c a and a x b."""
    (n, w, c, scale), (by_n, by_w), (strut, gradient) = frame, given, arrays
    A, B = (strut[0, a], strut[1, a], strut[2, a]), (strut[0, b], strut[1, b], strut[2, b])
    by_c = c * scale * scale * scale * (dot(by_n, n) + dot(by_w, w))
    by_c -= scale * dot(by_n, A)
    turn_a, turn_b = cross(B, by_w), cross(by_w, A)
    for k in range(3):
        gradient[k, a] += scale * (turn_a[k] - c * by_n[k]) + by_c * B[k]
        gradient[k, b] += scale * (turn_b[k] + by_n[k]) + by_c * A[k]


@inner()
@no_type_check
def _add_sizes(a, count, strut, gradient, numbers):
    """Add derivatives through z / r_a over that of a unit direction; row 5 has those by log z."""
    one, eight = numbers[1], numbers[2] * numbers[2] * numbers[2]
    for d in range(count):
        if d == a:
            continue
        by_log = eight * gradient[5, d]
        near = one + numbers[5]
        for k in range(3):
            near -= strut[k, a] * strut[k, d]
        for k in range(3):
            gradient[k, a] += by_log / near * strut[k, d]
            gradient[k, d] += by_log / near * strut[k, a]
        both = by_log / (strut[4, a] + strut[4, d])
        gradient[3, a] -= by_log / strut[3, a]
        gradient[3, d] += by_log / strut[3, d]
        gradient[4, a] -= both
        gradient[4, d] += by_log / strut[4, d] - both
