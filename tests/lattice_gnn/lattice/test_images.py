"""Periodic images of struts and edges of the cell, as drawn."""

from collections import Counter

import numpy as np

from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.images import cell_edges, strut_images


def test_the_closed_octet_has_36_struts():
    octet = cell("octet", radius=0.05)
    sources, offsets = strut_images(octet)
    assert len(sources) == len(offsets) == 36
    assert np.bincount(sources).tolist().count(2) == 12  # those in faces are shown twice
    i, j = octet.struts[sources].T
    ends = [octet.nodes[i] + offsets, octet.nodes[j] + octet.shifts[sources] + offsets]
    assert np.min(ends) == 0
    assert np.max(ends) == 1


def test_a_block_of_cells_shows_every_strut_once_inside():
    # Simple cubic: (n + 1)^2 lines of n struts along each of three axes.
    sources, _ = strut_images(cell("sc", radius=0.1), (2, 2, 2))
    assert len(sources) == 3 * 2 * 3**2


def test_cell_edges_are_the_twelve_lattice_vectors_at_the_corners():
    vectors = np.array([[2.0, 0, 0], [0.5, 1, 0], [0, 0.3, 3]])
    edges = cell_edges(vectors, (1, 1, 2))
    found = Counter(tuple(np.round(b - a, 12)) for a, b in edges)
    assert found == {tuple(row): 4 for row in vectors * [[1], [1], [2]]}
