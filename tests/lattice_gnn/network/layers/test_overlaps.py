"""Search for overlapping struts: every path finds what the search for gaps finds."""

import numpy as np
import pytest
import torch

from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.network.layers import overlaps
from lattice_gnn.testing import example_lattices, random_lattice


def sheared():
    """A lattice by long, oblique cell vectors, so that nearest images are far in them."""
    lattice = random_lattice(1).simplified()
    U = np.array([[1, 5, 0], [0, 1, 0], [2, 0, 1]])
    inverse = np.rint(np.linalg.inv(U)).astype(np.int64)
    return lattice.replace(
        cell=U @ lattice.cell, nodes=lattice.nodes @ inverse, shifts=lattice.shifts @ inverse
    )


def batch():
    lattices = [*example_lattices(), *(random_lattice(k) for k in range(12))]
    return LatticeBatch.from_lattices(
        [*lattices, sheared(), cell("octet", radius=0.1), cell("bcc", radius=0.47)]
    )


def test_finds_what_the_search_for_gaps_finds(path):
    lattices = batch()
    expected = np.concatenate([overlaps._by_tree(lattices, k) for k in range(len(lattices))])
    found = overlaps.overlapping(lattices)
    assert len(found) > 200
    np.testing.assert_array_equal(found, expected[np.lexsort(expected.T[::-1])])


def test_cells_with_many_struts_are_searched_by_the_tree(path, monkeypatch):
    lattices = batch()
    found = overlaps.overlapping(lattices)
    monkeypatch.setattr(overlaps, "_MANY", 15)
    np.testing.assert_array_equal(overlaps.overlapping(lattices), found)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_single_precision(dtype, path):
    lattices = LatticeBatch.from_lattices([random_lattice(k) for k in range(4)], dtype=dtype)
    assert len(overlaps.overlapping(lattices)) > 20
