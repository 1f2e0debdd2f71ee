"""Geometry of the struts of the solid reference: intersections with lines through the voxels.

A solid strut is a capsule: a cylinder, or a cone frustum if tapered, with a ball of its radius at
each end. A hollow strut is the wall around its bore, with flat ends, as in
``Lattice.volume_fraction``: material of other struts inside a bore is kept. Along a line a strut
covers an interval minus that of the bore; both are computed in closed form.
"""

from typing import no_type_check

import numpy as np
from jaxtyping import Float

from fem_reference.jit import compiled
from fem_reference.solid.grid import Shape
from lattice_gnn.lattice.lattice import Lattice

SAMPLES = 16  #: sampling points along each edge of a cut voxel


def pieces_of(
    lattice: Lattice, shape: Shape
) -> tuple[Float[np.ndarray, "struts 9"], Float[np.ndarray, "3 3"], Float[np.ndarray, "3 3"]]:
    """Return start, vector, end radii and bore ratio of every strut; voxel edges; a matrix.

    Edges are rows. A point x lies at x @ matrix voxels.
    """
    size = np.array(shape)
    starts = lattice.nodes[lattice.struts[:, 0]] @ lattice.cell
    pieces = np.hstack([starts, lattice.strut_vectors, lattice.sections.table[:, :3]])
    return pieces, lattice.cell / size[:, None], np.linalg.inv(lattice.cell) * size


@compiled()
@no_type_check
def covered(piece, x, u):
    """Find where the line x + t u, x from the start, lies in a piece and in its bore.

    Returns:
        Both ends of both intervals; (1, 0) if empty.
    """
    v = (piece[3], piece[4], piece[5])
    first, last, bore = piece[6], piece[7], piece[8]
    if bore > 0.0:
        low, high = _frustum_interval(x, u, v, first, last)
        bore_low, bore_high = _frustum_interval(x, u, v, bore * first, bore * last)
        return low, high, bore_low, bore_high
    if first == last:
        low, high = capsule_interval(x, u, v, first)
        return low, high, 1.0, 0.0
    low, high = _frustum_interval(x, u, v, first, last)
    for end in range(2):
        radius = first if end == 0 else last
        from_ball, to_ball = _ball_interval_at(float(end), x, u, v, radius * radius)
        if from_ball <= to_ball:
            empty = low > high
            low = from_ball if empty else min(low, from_ball)
            high = to_ball if empty else max(high, to_ball)
    return low, high, 1.0, 0.0


@compiled()
@no_type_check
def points_in(low, high):
    """Return the range [first, stop) of points (k + 1/2) / SAMPLES in an interval."""
    if low > high:
        return 0, 0
    return int(np.ceil(low * SAMPLES - 0.5)), int(np.floor(high * SAMPLES + 0.5))


@compiled()
@no_type_check
def _frustum_interval(x, u, v, first, last):
    """Find where the line x + t u lies in the frustum with flat ends at 0 and v, else (1, 0).

    Between the planes of the ends, |across|^2 <= radius^2 is quadratic in t, and one of its
    intervals belongs to positive radii.
    """
    uu = u[0] * u[0] + u[1] * u[1] + u[2] * u[2]
    vv = v[0] * v[0] + v[1] * v[1] + v[2] * v[2]
    uv = u[0] * v[0] + u[1] * v[1] + u[2] * v[2]
    xv = x[0] * v[0] + x[1] * v[1] + x[2] * v[2]
    low, high = -1e300, 1e300
    if uv * uv > 1e-24 * uu * vv:
        low, high = min(-xv / uv, (vv - xv) / uv), max(-xv / uv, (vv - xv) / uv)
    elif xv < 0.0 or xv > vv:
        return 1.0, 0.0
    radius, growth = first + (last - first) * xv / vv, (last - first) * uv / vv
    across = (x[0] - xv / vv * v[0], x[1] - xv / vv * v[1], x[2] - xv / vv * v[2])
    slope = (u[0] - uv / vv * v[0], u[1] - uv / vv * v[1], u[2] - uv / vv * v[2])
    a = slope[0] ** 2 + slope[1] ** 2 + slope[2] ** 2 - growth * growth
    b = across[0] * slope[0] + across[1] * slope[1] + across[2] * slope[2] - radius * growth
    c = across[0] ** 2 + across[1] ** 2 + across[2] ** 2 - radius * radius
    if abs(a) <= 1e-14 * uu:  # along the surface of the cone, or along the cylinder
        if abs(b) <= 1e-14 * np.sqrt(uu) * first:
            return (low, high) if c <= 0.0 else (1.0, 0.0)
        if b > 0.0:
            return low, min(high, -c / (2.0 * b))
        return max(low, -c / (2.0 * b)), high
    root = b * b - a * c
    if root < 0.0:
        return 1.0, 0.0
    root = np.sqrt(root)
    if a > 0.0:
        return max(low, (-b - root) / a), min(high, (-b + root) / a)
    if growth > 0.0:
        return max(low, (-b - root) / a), high
    return low, min(high, (-b + root) / a)


@compiled()
@no_type_check
def _ball_interval(x, u, uu, radius2):
    """Find where |x + t u|^2 <= radius2; (1, 0) if nowhere."""
    xu = x[0] * u[0] + x[1] * u[1] + x[2] * u[2]
    xx = x[0] * x[0] + x[1] * x[1] + x[2] * x[2]
    root = xu * xu - uu * (xx - radius2)
    if root < 0.0:
        return 1.0, 0.0
    root = np.sqrt(root)
    return (-xu - root) / uu, (-xu + root) / uu


@compiled()
@no_type_check
def capsule_interval(x, u, v, radius):
    """Find where the line x + t u lies in the capsule about the segment 0 to v, else (1, 0).

    The line enters and leaves the capsule where it enters and leaves the infinite cylinder, unless
    that point lies beyond an end of the segment; then through the ball there, or not at all.
    """
    uu = u[0] * u[0] + u[1] * u[1] + u[2] * u[2]
    vv = v[0] * v[0] + v[1] * v[1] + v[2] * v[2]
    uv = u[0] * v[0] + u[1] * v[1] + u[2] * v[2]
    xv = x[0] * v[0] + x[1] * v[1] + x[2] * v[2]
    radius2 = radius * radius
    across = (x[0] - xv / vv * v[0], x[1] - xv / vv * v[1], x[2] - xv / vv * v[2])
    slope = (u[0] - uv / vv * v[0], u[1] - uv / vv * v[1], u[2] - uv / vv * v[2])
    ss = slope[0] * slope[0] + slope[1] * slope[1] + slope[2] * slope[2]
    low, high = -1e300, 1e300
    if ss > 1e-20 * uu:
        low, high = _ball_interval(across, slope, ss, radius2)
        if low > high:
            return 1.0, 0.0
    elif across[0] ** 2 + across[1] ** 2 + across[2] ** 2 > radius2:
        return 1.0, 0.0
    along_low, along_high = xv + low * uv, xv + high * uv
    if along_low < 0.0 or along_low > vv:
        low, last = _ball_interval_at(0.0 if along_low < 0.0 else 1.0, x, u, v, radius2)
        if low > last:
            return 1.0, 0.0
    if along_high < 0.0 or along_high > vv:
        first, high = _ball_interval_at(0.0 if along_high < 0.0 else 1.0, x, u, v, radius2)
        if first > high:
            return 1.0, 0.0
    return low, high


@compiled()
@no_type_check
def _ball_interval_at(end, x, u, v, radius2):
    """Find where the line x + t u lies in the ball about the point end v."""
    uu = u[0] * u[0] + u[1] * u[1] + u[2] * u[2]
    y = (x[0] - end * v[0], x[1] - end * v[1], x[2] - end * v[2])
    return _ball_interval(y, u, uu, radius2)


@compiled()
@no_type_check
def reach(piece, to_voxels, more):
    """Return the bounding box of a piece in voxels along the first two axes, as [first, stop)."""
    box = np.empty((2, 2), np.int64)
    radius = max(piece[6], piece[7]) + more
    for axis in range(2):
        a = b = extent = 0.0
        for k in range(3):
            a += piece[k] * to_voxels[k, axis]
            b += (piece[k] + piece[3 + k]) * to_voxels[k, axis]
            extent += to_voxels[k, axis] ** 2
        extent = radius * np.sqrt(extent)
        box[axis, 0] = np.floor(min(a, b) - extent)
        box[axis, 1] = np.floor(max(a, b) + extent) + 1
    return box


@compiled()
@no_type_check
def is_full(piece, edges, i, j, k, half):
    """Return whether a piece certainly covers a whole voxel of this half diagonal."""
    px = np.empty(3)
    vv = pv = 0.0
    for c in range(3):
        px[c] = (i + 0.5) * edges[0, c] + (j + 0.5) * edges[1, c] + (k + 0.5) * edges[2, c]
        px[c] -= piece[c]
        vv += piece[3 + c] ** 2
        pv += px[c] * piece[3 + c]
    t = min(1.0, max(0.0, pv / vv))
    total = 0.0
    for c in range(3):
        total += (px[c] - t * piece[3 + c]) ** 2
    distance = np.sqrt(total)
    first, last, bore = piece[6], piece[7], piece[8]
    if first == last and bore == 0.0:
        return distance + half <= first
    length = np.sqrt(vv)
    if not half <= t * length <= length - half:
        return False
    radius, change = first + t * (last - first), abs(last - first) / length * half
    outside_bore = bore == 0.0 or distance - half >= bore * (radius + change)
    return distance + half <= radius - change and outside_bore


@compiled()
@no_type_check
def half_diagonal(edges):
    """Return the largest distance of a corner of a voxel from its centre."""
    largest = 0.0
    for a in (-0.5, 0.5):
        for b in (-0.5, 0.5):
            total = 0.0
            for c in range(3):
                total += (0.5 * edges[0, c] + a * edges[1, c] + b * edges[2, c]) ** 2
            largest = max(largest, np.sqrt(total))
    return largest


@compiled()
@no_type_check
def column(piece, edges, i, j, more):
    """Return the voxels k of column (i, j) whose centre may lie in the widened piece."""
    x = ((i + 0.5) * edges[0, 0] + (j + 0.5) * edges[1, 0] - piece[0],
         (i + 0.5) * edges[0, 1] + (j + 0.5) * edges[1, 1] - piece[1],
         (i + 0.5) * edges[0, 2] + (j + 0.5) * edges[1, 2] - piece[2])  # fmt: skip
    u = (edges[2, 0], edges[2, 1], edges[2, 2])
    v = (piece[3], piece[4], piece[5])
    low, high = capsule_interval(x, u, v, max(piece[6], piece[7]) + more)
    if low > high:
        return 0, 0
    return int(np.ceil(low - 0.5 - 1e-9)), int(np.floor(high - 0.5 + 1e-9)) + 1
