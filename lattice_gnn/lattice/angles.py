"""Angles between struts that meet at a joint."""

import numpy as np
from jaxtyping import Float, Int


def sharpest_joint(
    struts: Int[np.ndarray, "struts 2"], vectors: Float[np.ndarray, "struts 3"]
) -> tuple[float, int]:
    """Find the smallest angle between two struts at a joint.

    Returns:
        The angle in degrees, and the node; 180 and the first node if no two struts meet.
    """
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    nodes = struts.T.ravel()
    order = np.argsort(nodes, kind="stable")
    node, outward = nodes[order], np.concatenate([units, -units])[order]
    angle, place = 180.0, int(node[0])
    for step in range(1, int(np.bincount(nodes).max())):
        here = np.flatnonzero(node[step:] == node[:-step])
        a, b = outward[here], outward[here + step]
        # Exact near 0, where the arc cosine loses half the digits.
        halves = np.arctan2(np.linalg.norm(a - b, axis=1), np.linalg.norm(a + b, axis=1))
        if len(here) and np.degrees(2 * halves.min()) < angle:
            angle, place = float(np.degrees(2 * halves.min())), int(node[here[halves.argmin()]])
    return angle, place
