"""Where the struts of a periodic net meet without a common node."""

import numpy as np
from jaxtyping import Float, Int

from lattice_gnn.lattice.contacts import image_pairs, reduction, segment_contacts

MAX_SPLIT = 20_000  #: struts up to which crossings are looked for


def find_crossings(
    cell: Float[np.ndarray, "3 3"],
    nodes: Float[np.ndarray, "nodes 3"],
    rows: Int[np.ndarray, "struts 5"],
    tolerance: float,
) -> dict[int, list[float]]:
    """Find the inner points of struts at which another strut, or an image of one, meets them.

    Two struts that cross meet at inner points of both; where the end of one lies on the other, and
    where two overlap along a line, only ends and the inner points nearest to them count.

    Args:
        cell: Cell vectors as rows.
        nodes: Fractional coordinates.
        rows: Node i, node j, shift of j.
        tolerance: Distance of the axes that counts as meeting, unit of the cell.

    Returns:
        For each strut that is met, where: ascending fractions of its length from node i.
    """
    starts = nodes[rows[:, 0]] @ cell
    vectors = (nodes[rows[:, 1]] + rows[:, 2:] - nodes[rows[:, 0]]) @ cell
    lengths = np.linalg.norm(vectors, axis=1)
    U = reduction(cell)
    a, b, shifts = image_pairs(U @ cell, starts + vectors / 2, lengths / 2, tolerance)
    apart = starts[b] + (shifts @ U) @ cell - starts[a]
    distances, s, _ = segment_contacts(apart, vectors[a], vectors[b])
    margin = tolerance / lengths[a][:, None]
    pair, candidate = np.nonzero((distances <= tolerance) & (s > margin) & (s < 1 - margin))
    found: dict[int, list[float]] = {}
    for strut, at in sorted(zip(a[pair].tolist(), s[pair, candidate].tolist(), strict=True)):
        places = found.setdefault(strut, [])
        if not places or (at - places[-1]) * lengths[strut] > tolerance:
            places.append(at)
    return found
