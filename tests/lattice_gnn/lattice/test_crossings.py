"""Joints where struts cross: counted by hand, and against the clearance of thin struts."""

import numpy as np
import pytest

from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.crossings import (
    closest_struts,
    cut_struts,
    split_crossings,
    unique_struts,
)
from lattice_gnn.testing import random_lattice


def test_crossing_struts_get_a_joint():
    # Both face diagonals of a square: they cross at its centre.
    nodes = np.array([[0.0, 0, 0], [0.5, 0, 0], [0.5, 0.5, 0], [0, 0.5, 0]])
    struts, shifts = np.array([[0, 2], [1, 3]]), np.zeros((2, 3), dtype=np.int64)
    new, pairs, cells = split_crossings(np.eye(3), nodes, struts, shifts)
    assert np.allclose(new[4:], [[0.25, 0.25, 0]])
    assert sorted(map(tuple, pairs.tolist())) == [(0, 4), (1, 4), (2, 4), (3, 4)]
    assert not cells.any()


def test_struts_on_one_another_are_cut_at_every_node_and_kept_once():
    # A strut from 0 to its own image, over the nodes at 0.3 and 0.6; and one from 0.3 to 1.3.
    nodes = np.array([[0.0, 0, 0], [0.3, 0, 0], [0.6, 0, 0]])
    struts = np.array([[0, 0], [1, 1], [0, 2]])
    shifts = np.array([[1, 0, 0], [1, 0, 0], [0, 0, 0]])
    new, pairs, cells = split_crossings(np.eye(3), nodes, struts, shifts)
    assert len(new) == 3
    vectors = new[pairs[:, 1]] + cells - new[pairs[:, 0]]
    assert sorted(np.abs(vectors[:, 0]).round(12)) == [0.3, 0.3, 0.4]


def test_closest_struts_agrees_with_the_clearance_of_thin_struts():
    for name in ("diamond", "kelvin", "octet", "weaire-phelan"):
        lattice = cell(name, radius=1e-9)
        mean = lattice.lengths.mean()
        parts = (lattice.cell, lattice.nodes, lattice.struts, lattice.shifts)
        expected = lattice.clearance().distance / mean
        assert closest_struts(*parts, 2.0) == pytest.approx(expected, abs=1e-6)


def test_a_strut_that_ends_on_another_cuts_it_at_that_node():
    # Node 2 lies on the strut from 0 to 1, a hair beside it; it stays where it is.
    nodes = np.array([[0.0, 0, 0], [0.8, 0, 0], [0.2, 1e-5, 0], [0.2, 0.5, 0]])
    struts, shifts = np.array([[0, 1], [2, 3]]), np.zeros((2, 3), dtype=np.int64)
    pieces = cut_struts(np.eye(3), nodes, struts, shifts, (1e-4, 1e-4))
    assert np.array_equal(pieces.nodes, nodes)
    assert pieces.struts.tolist() == [[0, 2], [2, 1], [2, 3]]
    assert pieces.source.tolist() == [0, 0, 1]
    np.testing.assert_allclose(pieces.start, [0, 0.25, 0])
    np.testing.assert_allclose(pieces.stop, [0.25, 1, 1])
    assert cut_struts(np.eye(3), nodes, struts, shifts, (1e-6, 1e-4)) is None


def test_struts_cross_the_images_of_others():
    # Along x through the origin, and from (0.5, -0.4, 0) to the next cell's side of the face.
    nodes = np.array([[0.1, 0, 0], [0.9, 0, 0], [0.5, 0.6, 0], [0.5, 0.3, 0]])
    struts = np.array([[0, 1], [2, 3]])
    shifts = np.array([[0, 0, 0], [0, 1, 0]])
    new, pairs, cells = split_crossings(np.eye(3), nodes, struts, shifts)
    np.testing.assert_allclose(new[4:], [[0.5, 0, 0]])
    rows = {(*pair, *shift) for pair, shift in zip(pairs.tolist(), cells.tolist(), strict=True)}
    assert rows == {(0, 4, 0, 0, 0), (1, 4, 0, 0, 0), (2, 4, 0, 1, 0), (3, 4, 0, 0, 0)}


@pytest.mark.parametrize("seed", range(4))
def test_pieces_lie_on_their_struts_and_fill_them(seed):
    """Two random nets in one cell, tolerances wide enough for some of their struts to meet."""
    a, b = random_lattice(seed, num_nodes=3), random_lattice(seed + 10, num_nodes=3)
    nodes = np.concatenate([a.nodes, b.nodes])
    struts = np.concatenate([a.struts, b.struts + a.num_nodes])
    shifts = np.concatenate([a.shifts, b.shifts])
    pieces = cut_struts(a.cell, nodes, struts, shifts, (0.02, 0.02))
    assert len(pieces.struts) > len(struts)
    vectors = nodes[struts[:, 1]] + shifts - nodes[struts[:, 0]]
    mine = pieces.nodes[pieces.struts[:, 1]] + pieces.shifts - pieces.nodes[pieces.struts[:, 0]]
    share = (pieces.stop - pieces.start)[:, None]
    off = (mine - share * vectors[pieces.source]) @ a.cell
    assert np.linalg.norm(off, axis=1).max() < 0.1
    total = np.zeros((len(struts), 3))
    np.add.at(total, pieces.source, mine)
    np.testing.assert_allclose(total @ a.cell, vectors @ a.cell, atol=0.041)


def test_a_strut_stored_in_both_directions_is_kept_once():
    struts = np.array([[1, 0], [2, 2], [0, 1], [2, 2], [0, 1]])
    shifts = np.array([[1, 0, 0], [0, -1, 0], [-1, 0, 0], [0, 1, 0], [1, 0, 0]])
    kept, cells = unique_struts(struts, shifts)
    assert kept.tolist() == [[0, 1], [2, 2], [0, 1]]
    assert cells.tolist() == [[-1, 0, 0], [0, 1, 0], [1, 0, 0]]
