"""Detection of valence-2 nodes along straight struts."""

import numpy as np
from jaxtyping import Bool, Float, Int

TOLERANCE = 1e-9  #: for |t1 + t2| of the outward unit tangents, and for sections, relative


def removable_nodes(
    struts: Int[np.ndarray, "struts 2"],
    vectors: Float[np.ndarray, "struts 3"],
    sections: Float[np.ndarray, "struts properties"],
    num_nodes: int,
    tolerance: float = TOLERANCE,
) -> Bool[np.ndarray, " nodes"]:
    """Find valence-2 nodes between two collinear struts of equal, constant section.

    Args:
        struts: End nodes (i, j).
        vectors: Cartesian strut vectors from i to j.
        sections: Radius at i, radius at j, then all else that must agree, one row per strut.
        num_nodes: Number of nodes.
        tolerance: Largest |t1 + t2| and relative difference of sections treated as zero.

    Returns:
        True for the nodes that can be removed without changing the structure.
    """
    ends = struts.T.reshape(-1)
    removable = np.bincount(ends, minlength=num_nodes) == 2
    if not removable.any():
        return removable
    at_node = np.argsort(ends, kind="stable")
    first, second = at_node[removable[ends[at_node]]].reshape(-1, 2).T
    tangents = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    outward = np.concatenate([tangents, -tangents])
    straight = np.linalg.norm(outward[first] + outward[second], axis=1) <= tolerance
    count = len(struts)
    one, two = sections[first % count], sections[second % count]
    scale = np.maximum(np.abs(one), np.abs(two))
    equal = (np.abs(one - two) <= tolerance * scale).all(1)
    constant = np.abs(one[:, 0] - one[:, 1]) <= tolerance * one[:, 0]
    removable[removable] = straight & equal & constant & (first % count != second % count)
    return removable
