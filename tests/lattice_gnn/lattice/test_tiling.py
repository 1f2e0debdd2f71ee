"""How a supercell is named, and what tiling does to a net."""

import numpy as np
import pytest

from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.tiling import MOST_STRUTS, tile_topology, tiling_matrix


@pytest.mark.parametrize(
    ("named", "diagonal"),
    [
        ((2,), (2, 2, 2)),
        ((1, 2, 3), (1, 2, 3)),
        (((1, 2, 3),), (1, 2, 3)),
        ((np.int64(3),), (3, 3, 3)),
    ],
)
def test_counts_become_a_diagonal_matrix(named, diagonal):
    assert tiling_matrix(*named).tolist() == np.diag(diagonal).tolist()


def test_a_matrix_is_taken_as_it_is():
    M = [[1, 1, 0], [0, 2, 1], [-1, 0, 1]]
    assert tiling_matrix(M).tolist() == M


@pytest.mark.parametrize("wrong", [(), (0,), (1, 2), (1.5, 1, 1), ("two",), ([[1, 2], [3]],)])
def test_anything_else_is_refused(wrong):
    with pytest.raises(LatticeGnnError, match="tiling"):
        tiling_matrix(*wrong)


def test_every_copy_has_the_struts_of_the_cell():
    net = cell("octet", radius=0.05)
    M = np.array([[1, 1, 0], [0, 2, 1], [-1, 0, 1]])
    found = tile_topology(net.num_nodes, net.struts, net.shifts, M)
    copies = round(abs(np.linalg.det(M)))
    assert len(found.copies) == copies
    assert len(found.struts) == copies * net.num_struts
    degrees = np.bincount(found.struts.ravel(), minlength=copies * net.num_nodes)
    assert degrees.tolist() == net.degrees.tolist() * copies


def test_singular_and_endless_tilings_are_refused():
    net = cell("bcc", radius=0.05)
    with pytest.raises(LatticeGnnError, match="non-zero determinant"):
        tile_topology(net.num_nodes, net.struts, net.shifts, np.ones((3, 3), dtype=np.int64))
    with pytest.raises(LatticeGnnError, match=f"at most {MOST_STRUTS} struts"):
        tile_topology(net.num_nodes, net.struts, net.shifts, 1000 * np.eye(3, dtype=np.int64))
