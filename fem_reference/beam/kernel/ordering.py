"""Elimination order of the nodes of one cell, and where the blocks of its factor lie.

Nodes are eliminated by minimum degree (Tinney and Walker, *Direct solutions of sparse network
equations by optimally ordered triangular factorization*, Proc. IEEE 55 (1967) 1801): the node with
the fewest neighbours left goes first, and its neighbours become neighbours of each other.

The factor is stored node by node, in *panels* of blocks: the node itself, its later neighbours in
the order of their elimination, and the right-hand sides. Block b of a panel lies transposed, the
six columns of the panel's node as rows of ``WIDTH`` numbers.
"""

from typing import NamedTuple, no_type_check

import numpy as np

from fem_reference.beam.kernel.jit import BLOCK, compiled


class Panels(NamedTuple):
    """Elimination order and block structure of one cell's factor; buffers that serve many cells.

    Attributes:
        order: Node eliminated at each step.
        place: Step at which each node is eliminated.
        later: Later neighbours of each step, ascending; then the number of nodes, which stands for
            the right-hand sides.
        count: How many later neighbours there are.
        where: ``where[k, i]`` is the position of the block of step i in the panel of step k.
        start: First number of each panel in ``values``.
        values: The blocks of all panels.
        inverses: Inverse of the factor's diagonal block of each step.
        scale: Scaling that brings the diagonal of K to 1 and is 0 where a degree of freedom is
            held; a row of ``WIDTH`` numbers per step.
        joined: Neighbours during the elimination.
        degree: Their number.
    """

    order: np.ndarray
    place: np.ndarray
    later: np.ndarray
    count: np.ndarray
    where: np.ndarray
    start: np.ndarray
    values: np.ndarray
    inverses: np.ndarray
    scale: np.ndarray
    joined: np.ndarray
    degree: np.ndarray


@compiled()
@no_type_check
def buffers(nodes):
    """Panels for cells of up to so many nodes."""
    return Panels(
        np.empty(nodes, dtype=np.int64),
        np.empty(nodes, dtype=np.int64),
        np.empty((nodes, nodes + 1), dtype=np.int64),
        np.empty(nodes, dtype=np.int64),
        np.empty((nodes, nodes + 1), dtype=np.int64),
        np.empty(nodes + 1, dtype=np.int64),
        np.empty(BLOCK * (nodes * (nodes + 1) // 2 + nodes)),
        np.empty(BLOCK * nodes),
        np.zeros(8 * nodes),
        np.empty((nodes, nodes), dtype=np.bool_),
        np.empty(nodes, dtype=np.int64),
    )


@compiled()
@no_type_check
def order_nodes(ends, nodes, p):
    """Choose the elimination order of a cell with these strut ends, and lay its panels out."""
    joined, degree = p.joined, p.degree
    joined[:nodes, :nodes] = False
    for s in range(len(ends)):
        joined[ends[s, 0], ends[s, 1]] = joined[ends[s, 1], ends[s, 0]] = True
    for n in range(nodes):
        joined[n, n] = False
        degree[n] = 0
        for m in range(nodes):
            degree[n] += joined[n, m]
    for step in range(nodes):
        least = nodes
        for n in range(nodes):
            if degree[n] < least:
                least = degree[n]
                p.order[step] = n
        _take_out(p.order[step], step, nodes, p)
    _lay_out(nodes, p)


@compiled()
@no_type_check
def _take_out(node, step, nodes, p):
    """Eliminate a node: its neighbours become neighbours of each other."""
    joined, degree = p.joined, p.degree
    p.place[node] = step
    degree[node] = nodes + 1  # never the least again
    count = 0
    for n in range(nodes):
        if joined[node, n]:
            p.later[step, count] = n
            count += 1
            joined[n, node] = False
            degree[n] -= 1
    p.count[step] = count
    for a in range(count):
        first = p.later[step, a]
        for b in range(a):
            second = p.later[step, b]
            if not joined[first, second]:
                joined[first, second] = joined[second, first] = True
                degree[first] += 1
                degree[second] += 1


@compiled()
@no_type_check
def _lay_out(nodes, p):
    """Turn neighbours into steps, ascending, and place the panels one after another."""
    p.start[0] = 0
    for step in range(nodes):
        count = p.count[step]
        for a in range(count):
            new = p.place[p.later[step, a]]
            b = a
            while b > 0 and p.later[step, b - 1] > new:
                p.later[step, b] = p.later[step, b - 1]
                b -= 1
            p.later[step, b] = new
        p.later[step, count] = nodes
        p.where[step, step] = 0
        for a in range(count + 1):
            p.where[step, p.later[step, a]] = a + 1
        p.start[step + 1] = p.start[step] + BLOCK * (count + 2)
