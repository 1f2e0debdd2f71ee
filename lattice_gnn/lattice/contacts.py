"""Proximity in periodic cells: neighbouring images, closest points of segments, reduced cells."""

import itertools

import numpy as np
from jaxtyping import Bool, Float, Int

from lattice_gnn.errors import LatticeGnnError

_MAX_IMAGES = 2_000_000
_NEIGHBOURS = 27.0  #: the cell and those around it
_MAX_DENSE = 1_000_000


def segment_contacts(
    apart: Float[np.ndarray, "pairs 3"],
    p: Float[np.ndarray, "pairs 3"],
    q: Float[np.ndarray, "pairs 3"],
) -> tuple[
    Float[np.ndarray, "pairs 5"], Float[np.ndarray, "pairs 5"], Float[np.ndarray, "pairs 5"]
]:
    """Return five candidates for the closest points of two segments.

    The segments are s p and apart + t q with 0 <= s, t <= 1; a vector may be zero. The candidates
    are the common perpendicular (if it meets both segments, otherwise the next is repeated) and,
    for each of the four ends, the nearest point of the other segment; the smallest is exact.

    Returns:
        Distances, s and t.
    """
    pp, qq, pq, dp, dq = (
        np.einsum("ij,ij->i", u, v) for u, v in ((p, p), (q, q), (p, q), (apart, p), (apart, q))
    )
    safe_pp, safe_qq = np.where(pp > 0, pp, 1.0), np.where(qq > 0, qq, 1.0)
    zero, one = np.zeros_like(pp), np.ones_like(pp)
    t_at_0, t_at_1 = np.clip(-dq / safe_qq, 0, 1), np.clip((pq - dq) / safe_qq, 0, 1)
    s_at_0, s_at_1 = np.clip(dp / safe_pp, 0, 1), np.clip((dp + pq) / safe_pp, 0, 1)
    determinant = pp * qq - pq * pq
    skew = determinant > 1e-14 * pp * qq
    safe = np.where(skew, determinant, 1.0)
    s_mid, t_mid = (dp * qq - dq * pq) / safe, (dp * pq - dq * pp) / safe
    meets = skew & (s_mid >= 0) & (s_mid <= 1) & (t_mid >= 0) & (t_mid <= 1)
    s = np.stack([np.where(meets, s_mid, 0), zero, one, s_at_0, s_at_1], axis=1)
    t = np.stack([np.where(meets, t_mid, t_at_0), t_at_0, t_at_1, zero, one], axis=1)
    between = apart[:, None] + t[..., None] * q[:, None] - s[..., None] * p[:, None]
    return np.sqrt(np.einsum("ijk,ijk->ij", between, between)), s, t


def image_pairs(
    cell: Float[np.ndarray, "3 3"],
    centres: Float[np.ndarray, "points 3"],
    reach: Float[np.ndarray, " points"],
    gap: float,
) -> tuple[Int[np.ndarray, " pairs"], Int[np.ndarray, " pairs"], Int[np.ndarray, "pairs 3"]]:
    """Find all (a, b, shift) with |c_b + shift @ cell - c_a| <= reach_a + reach_b + gap.

    A point is not paired with itself, but is with its periodic images.

    Args:
        cell: Cell vectors as rows; fastest if they are short and nearly orthogonal.
        centres: Cartesian positions, not necessarily inside the cell.
        reach: Radius about each centre.
        gap: Added to the sum of the two radii.
    """
    fractions = centres @ np.linalg.inv(cell)
    base = np.floor(fractions).astype(np.int64)
    home = (fractions - base) @ cell
    widest = float(reach.max())
    margin = (2 * widest + gap) * np.linalg.norm(np.linalg.inv(cell), axis=0)
    counts = np.ceil(margin).astype(np.int64)
    tiles_in_all = float(np.prod(2.0 * counts + 1))
    if tiles_in_all * len(centres) > _MAX_IMAGES:
        if tiles_in_all <= _NEIGHBOURS:
            most = int(_MAX_IMAGES / tiles_in_all)
            raise LatticeGnnError(
                f"geometry: too many struts to look for contacts ({len(centres):,}, at most "
                f"{most:,}); take a smaller supercell."
            )
        raise LatticeGnnError(
            "geometry: a strut or a radius spans too many periods of the cell; "
            "expected struts that extend over a few cells at most."
        )
    tiles = np.array(list(itertools.product(*(range(-n, n + 1) for n in counts))))
    images = (fractions - base) + tiles[:, None]
    near = ((images >= -margin) & (images <= 1 + margin)).all(axis=2)
    tile, number = np.nonzero(near)
    a, hits = _near_pairs(home, images[near] @ cell, reach + widest + gap)
    b, shifts = number[hits], tiles[tile[hits]]
    between = home[b] + shifts @ cell - home[a]
    keep = np.linalg.norm(between, axis=1) <= reach[a] + reach[b] + gap
    keep &= (a != b) | shifts.any(axis=1)
    a, b = a[keep], b[keep]
    return a, b, shifts[keep] + base[a] - base[b]


def _near_pairs(
    home: Float[np.ndarray, "points 3"],
    images: Float[np.ndarray, "images 3"],
    reach: Float[np.ndarray, " points"],
) -> tuple[Int[np.ndarray, " pairs"], Int[np.ndarray, " pairs"]]:
    """Find all pairs of a point and an image within the point's ``reach``."""
    if len(home) * len(images) <= _MAX_DENSE:
        apart2 = sum((images[:, k] - home[:, k, None]) ** 2 for k in range(3))
        first, second = np.nonzero(apart2 <= reach[:, None] ** 2)
        return first, second
    from scipy.spatial import cKDTree  # import takes 0.3 s; not needed for small lattices

    found = cKDTree(images).query_ball_point(home, reach)
    first = np.repeat(np.arange(len(home)), [len(hits) for hits in found])
    return first, np.concatenate([np.asarray(hits, dtype=np.int64) for hits in found])


def share_joint(
    struts: Int[np.ndarray, "struts 2"],
    strut_shifts: Int[np.ndarray, "struts 3"],
    a: Int[np.ndarray, " pairs"],
    b: Int[np.ndarray, " pairs"],
    shifts: Int[np.ndarray, "pairs 3"],
) -> Bool[np.ndarray, " pairs"]:
    """Return whether strut a and strut b displaced by ``shifts`` share a node image."""
    span = 2 * int(max(np.abs(shifts).max(initial=0), np.abs(strut_shifts).max(initial=0))) + 1
    weights = (int(struts.max(initial=0)) + 1) * np.array([1, 2 * span, 4 * span**2])
    i, j = struts[:, 0], struts[:, 1] + strut_shifts @ weights  # node images as single numbers
    moved = shifts @ weights
    ends_b = i[b] + moved, j[b] + moved
    shared: np.ndarray = np.zeros(len(a), dtype=bool)
    for end_a, end_b in itertools.product((i[a], j[a]), ends_b):
        shared |= end_a == end_b
    return shared


def reduction(cell: Float[np.ndarray, "3 3"]) -> Int[np.ndarray, "3 3"]:
    """Return the unimodular U that makes the vectors of U @ cell short (Minkowski reduction)."""
    U = np.eye(3, dtype=np.int64)
    G = (cell @ cell.T).tolist()  # plain floats: fast for so few numbers
    improved = True
    while improved:
        improved = False
        for row in range(3):
            j, k = (row + 1) % 3, (row + 2) % 3
            m, n = _shortening(G, row, j, k)
            if m or n:
                U[row] -= m * U[j] + n * U[k]
                G = (U @ cell @ (U @ cell).T).tolist()
                improved = True
    return U


def _shortening(G: list[list[float]], row: int, j: int, k: int) -> tuple[int, int]:
    """Return m and n for which v_row - m v_j - n v_k is clearly shorter; 0, 0 if there are none.

    ``G`` holds the products of the vectors.
    """
    aa, ab, bb, a, b = G[j][j], G[j][k], G[k][k], G[row][j], G[row][k]
    determinant = aa * bb - ab * ab
    best = round((a * bb - b * ab) / determinant), round((b * aa - a * ab) / determinant)
    for x, y in itertools.product((-1, 0, 1), repeat=2):
        m, n = best[0] + x, best[1] + y
        change = m * m * aa + 2 * m * n * ab + n * n * bb - 2 * (m * a + n * b)
        if change < -1e-9 * G[row][row]:
            return m, n
    return 0, 0
