"""Crossings of a drawn net: sections follow the pieces, and overlapping bars are kept once."""

import numpy as np

from data.drawings.merging import Window
from data.drawings.periodic_net import DrawnNet, split_crossings

WINDOW = Window(np.eye(3), 1e-4)


def net(nodes, rows, sections):
    nodes = np.array(nodes)
    return DrawnNet(nodes, np.array(rows), np.array(sections), np.zeros(len(nodes), bool), 0.0)


def by_ends(net):
    pairs = map(tuple, net.rows[:, :2].tolist())
    return dict(zip(pairs, net.sections.tolist(), strict=True))


def test_a_taper_runs_on_through_a_crossing():
    crossed = net(
        [[0.1, 0.5, 0.5], [0.9, 0.5, 0.5], [0.3, 0.1, 0.5], [0.3, 0.9, 0.5]],
        [[0, 1, 0, 0, 0], [2, 3, 0, 0, 0]],
        [[0.01, 0.05, 0.5, 2.0, 0.3], [0.02, 0.02, 0.0, 1.0, 0.2]],
    )
    split, *counts = split_crossings(crossed, WINDOW)
    assert counts == [1, 0, 0]
    np.testing.assert_allclose(split.nodes[4], [0.3, 0.5, 0.5])
    found = {
        tuple(row[:2]): section
        for row, section in zip(split.rows.tolist(), split.sections, strict=False)
    }
    # A quarter of the way along the tapered bar; the crossing is its far end, then its near end.
    np.testing.assert_allclose(found[0, 4], [0.01, 0.02, 0.5, 2.0, 0.3])
    np.testing.assert_allclose(found[1, 4], [0.05, 0.02, 0.5, 2.0, 0.3])
    np.testing.assert_allclose(found[2, 4], [0.02, 0.02, 0.0, 1.0, 0.2])


def test_where_bars_overlap_the_thicker_one_stays():
    lying = net(
        [[0.1, 0.5, 0.5], [0.9, 0.5, 0.5], [0.3, 0.5, 0.5], [0.5, 0.5, 0.5]],
        [[0, 1, 0, 0, 0], [2, 3, 0, 0, 0]],
        [[0.01, 0.01, 0.0, 1.0, 0.3], [0.02, 0.02, 0.0, 1.0, 0.3]],
    )
    split, *counts = split_crossings(lying, WINDOW)
    assert counts == [0, 1, 1]
    found = {
        tuple(row[:2]): s[0]
        for row, s in zip(split.rows.tolist(), split.sections.tolist(), strict=False)
    }
    assert found == {(0, 2): 0.01, (2, 3): 0.02, (1, 3): 0.01}


def test_a_net_without_crossings_is_left_alone():
    parallel = net(
        [[0.1, 0.5, 0.5], [0.9, 0.5, 0.5], [0.1, 0.6, 0.5], [0.9, 0.6, 0.5]],
        [[0, 1, 0, 0, 0], [2, 3, 0, 0, 0]],
        [[0.01, 0.01, 0.0, 1.0, 0.3]] * 2,
    )
    assert split_crossings(parallel, WINDOW) == (parallel, 0, 0, 0)
