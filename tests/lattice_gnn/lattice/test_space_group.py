"""Space groups of lattices: published groups of named cells, and what breaks them."""

import numpy as np
import pytest

from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.space_group import find_space_group
from lattice_gnn.testing import random_lattice, random_rotation

PUBLISHED = {
    "sc": "Pm-3m",
    "bcc": "Im-3m",
    "octet": "Fm-3m",
    "diamond": "Fd-3m",
    "gyroid": "I4_132",  # the chiral srs net
    "kelvin": "Im-3m",
    "weaire-phelan": "Pm-3n",
    "hexagonal-honeycomb": "P6/mmm",
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_named_cells_have_their_published_group(name):
    assert find_space_group(cell(name, radius=0.01)).symbol == PUBLISHED[name]


def test_radii_lower_the_symmetry():
    bcc = cell("bcc", radius=0.05)
    radii = bcc.radii.copy()
    along = np.flatnonzero(np.abs(bcc.strut_vectors @ [1, 1, 1]) > 1.4 * bcc.lengths)
    radii[along] = 0.06
    assert find_space_group(bcc.with_radii(radii)).symbol == "R-3m"


def test_a_taper_turned_round_is_another_strut():
    sc = cell("sc", radius=0.05)
    assert find_space_group(sc.replace(end_radii=[0.05, 0.05, 0.06])).symbol == "P4mm"


def test_the_group_does_not_depend_on_rotation_cell_and_order():
    diamond = cell("diamond", radius=0.02)
    vectors = np.array([[1, 1, 0], [0, 1, 0], [2, 0, 1]])
    moved = diamond.rotated(random_rotation(1)).with_cell_vectors(vectors)
    group = find_space_group(moved.reordered(np.random.default_rng(0).permutation(8)))
    assert (group.symbol, group.order) == ("Fd-3m", 192)


def test_every_operation_maps_the_struts_onto_themselves():
    lattice = cell("re-entrant", radius=0.02)
    group = find_space_group(lattice)
    turned = group.cartesian(lattice.cell)
    assert np.allclose(turned @ turned.transpose(0, 2, 1), np.eye(3), atol=1e-9)
    for A, images in zip(turned, group.strut_images, strict=True):
        mine, theirs = lattice.strut_vectors @ A.T, lattice.strut_vectors[images]
        assert np.allclose(np.abs((mine * theirs).sum(1)), lattice.lengths**2)


def test_a_lattice_without_symmetry_has_the_identity():
    group = find_space_group(random_lattice(3, num_nodes=5))
    assert (group.number, group.order) == (1, 1)


def test_coinciding_nodes_are_refused():
    sc = cell("sc", radius=0.05)
    twice = sc.replace(
        nodes=[[0, 0, 0], [0, 0, 0]],
        struts=[[0, 0], [0, 0], [1, 1], [1, 1]],
        shifts=[[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]],
        radii=0.05,
    )
    with pytest.raises(LatticeGnnError, match="coincide"):
        find_space_group(twice)
