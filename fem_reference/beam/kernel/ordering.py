"""Elimination order of the nodes of one cell, and block layout of its factor.

Nodes are eliminated by minimum degree (Tinney and Walker, *Direct solutions of sparse network
equations by optimally ordered triangular factorization*, Proc. IEEE 55 (1967) 1801): the node with
the fewest remaining neighbours is next, and its neighbours become neighbours of each other.

The factor is stored node by node, in *panels* of blocks: the node itself, its later neighbours in
elimination order, and the right-hand sides. The blocks of a panel are stored transposed: the six
columns of the panel's node are rows of ``WIDTH`` numbers.
"""

from typing import NamedTuple, no_type_check

import numpy as np

from fem_reference.beam.kernel.blocks import BLOCK, WIDTH
from fem_reference.jit import inner


class Panels(NamedTuple):
    """Elimination order and block structure of one cell's factor, in reusable buffers.

    Attributes:
        order: Node eliminated at each step.
        place: Step at which each node is eliminated.
        later: Later neighbours of each step, ascending; then the number of nodes, which denotes the
            right-hand sides.
        size: Number of later neighbours.
        where: ``where[k, i]`` is the position of the block of step i in the panel of step k; during
            the elimination, whether nodes k and i are neighbours.
        start: First number of each panel in ``values``.
        values: The blocks of all panels.
        inverses: Inverse of the factor's diagonal block of each step.
        scale: Scaling to a unit diagonal of K, 0 for held degrees of freedom; one row of ``WIDTH``
            numbers per step.
    """

    order: np.ndarray
    place: np.ndarray
    later: np.ndarray
    size: np.ndarray
    where: np.ndarray
    start: np.ndarray
    values: np.ndarray
    inverses: np.ndarray
    scale: np.ndarray


def buffers(nodes: int) -> Panels:
    """Allocate panels for cells of up to ``nodes`` nodes."""
    return Panels(
        order=np.empty(nodes, dtype=np.int64),
        place=np.empty(nodes, dtype=np.int64),
        later=np.empty((nodes, nodes + 1), dtype=np.int64),
        size=np.empty(nodes, dtype=np.int64),
        where=np.empty((nodes, nodes + 1), dtype=np.int64),
        start=np.empty(nodes + 1, dtype=np.int64),
        values=np.empty(BLOCK * (nodes * (nodes + 1) // 2 + nodes)),
        inverses=np.empty(BLOCK * nodes),
        scale=np.zeros(WIDTH * nodes),
    )


@inner()
@no_type_check
def order_nodes(ends, struts, nodes, p):
    """Choose the elimination order of a cell and lay out its panels."""
    joined, order = p.where, p.order
    degree = p.start  # used as a buffer until the panels are laid out
    for n in range(nodes):
        degree[n] = 0
        for m in range(nodes):
            joined[n, m] = 0
    for s in range(struts):
        i, j = ends[s, 0], ends[s, 1]
        if i != j and not joined[i, j]:
            joined[i, j] = joined[j, i] = 1
            degree[i] += 1
            degree[j] += 1
    for step in range(nodes):
        least = nodes
        for n in range(nodes):
            if degree[n] < least:
                least = degree[n]
                order[step] = n
        p.place[order[step]] = step
        p.size[step] = _take_out(order[step], nodes, joined, degree, p.later[step])
    _lay_out(nodes, p)


@inner()
@no_type_check
def _take_out(node, nodes, joined, degree, neighbours):
    """Eliminate a node: its (counted) neighbours become neighbours of each other."""
    degree[node] = nodes + 1  # never the smallest again
    count = 0
    for n in range(nodes):
        if joined[node, n]:
            neighbours[count] = n
            count += 1
            joined[n, node] = 0
            degree[n] -= 1
    for a in range(count):
        first = neighbours[a]
        for b in range(a):
            second = neighbours[b]
            if not joined[first, second]:
                joined[first, second] = joined[second, first] = 1
                degree[first] += 1
                degree[second] += 1
    return count


@inner()
@no_type_check
def _lay_out(nodes, p):
    """Convert neighbours to steps, ascending, and place the panels one after another."""
    later, where, start = p.later, p.where, p.start
    start[0] = 0
    for step in range(nodes):
        count = p.size[step]
        for a in range(count):
            new = p.place[later[step, a]]
            b = a
            while b > 0 and later[step, b - 1] > new:
                later[step, b] = later[step, b - 1]
                b -= 1
            later[step, b] = new
        later[step, count] = nodes
        where[step, step] = 0
        for a in range(count + 1):
            where[step, later[step, a]] = a + 1
        start[step + 1] = start[step] + BLOCK * (count + 2)
