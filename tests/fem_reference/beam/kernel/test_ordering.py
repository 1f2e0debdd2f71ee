"""Elimination orders and panels against elimination with sets."""

import numpy as np
import pytest

from fem_reference.beam.kernel.blocks import BLOCK
from fem_reference.beam.kernel.ordering import buffers, order_nodes


def ordered(ends, nodes):
    panels = buffers(nodes)
    order_nodes(np.array(ends, dtype=np.int64).reshape(-1, 2), len(ends), nodes, panels)
    return panels


def eliminated(ends, order):
    """Later neighbours of every step, by plain elimination with sets."""
    neighbours = {n: set() for n in order}
    for i, j in ends:
        if i != j:
            neighbours[i].add(j)
            neighbours[j].add(i)
    place = {n: step for step, n in enumerate(order)}
    later = []
    for n in order:
        rest = neighbours.pop(n)
        for m in rest:
            neighbours[m] |= rest - {m}
            neighbours[m].discard(n)
        later.append(sorted(place[m] for m in rest))
    return later


@pytest.mark.parametrize("seed", range(5))
def test_panels_hold_what_elimination_fills(seed):
    """Random graphs with loops and several struts between two nodes."""
    generator = np.random.default_rng(seed)
    nodes = int(generator.integers(1, 30))
    ends = generator.integers(0, nodes, size=(3 * nodes, 2)).tolist()
    p = ordered(ends, nodes)
    order = p.order.tolist()
    assert sorted(order) == list(range(nodes))
    assert p.place[p.order].tolist() == list(range(nodes))
    for step, later in enumerate(eliminated(ends, order)):
        count = p.size[step]
        assert p.later[step, :count].tolist() == later
        assert p.later[step, count] == nodes
        assert p.where[step, step] == 0
        assert p.where[step, [*later, nodes]].tolist() == list(range(1, count + 2))
        assert p.start[step + 1] - p.start[step] == BLOCK * (count + 2)


def test_a_chain_and_a_star_fill_nothing():
    chain = ordered([(n, n + 1) for n in range(9)], 10)
    assert chain.size.sum() == 9
    star = ordered([(0, n) for n in range(1, 10)], 10)
    assert star.size.sum() == 9
    assert star.place[0] >= 8


def test_a_grid_fills_less_than_a_band():
    """8 x 8 nodes: minimum degree beats the natural order, whose band is 8 wide."""
    at = np.arange(64).reshape(8, 8)
    ends = [*zip(at[:-1].ravel(), at[1:].ravel(), strict=True)]
    ends += [*zip(at[:, :-1].ravel(), at[:, 1:].ravel(), strict=True)]
    assert ordered(ends, 64).size.sum() < sum(map(len, eliminated(ends, range(64)))) * 0.7
