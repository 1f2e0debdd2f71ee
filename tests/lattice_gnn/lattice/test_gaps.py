"""Gaps between struts that share no joint."""

import itertools

import numpy as np
import pytest

from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.contacts import segment_contacts, share_joint
from lattice_gnn.lattice.gaps import close_nodes, gaps_within, smallest_gaps
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.testing import random_lattice, random_unimodular


def all_gaps(lattice):
    """Every gap between struts of the home cell and those of 125 cells, each pair once."""
    numbers = np.arange(lattice.num_struts)
    shifts = np.array(list(itertools.product(range(-2, 3), repeat=3)))
    a, b, k = (x.ravel() for x in np.meshgrid(numbers, numbers, np.arange(125), indexing="ij"))
    shift = shifts[k]
    once = (a < b) | ((a == b) & [tuple(x) > (0, 0, 0) for x in shift])
    a, b, shift = a[once], b[once], shift[once]
    apart = ~share_joint(lattice.struts, lattice.shifts, a, b, shift)
    a, b, shift = a[apart], b[apart], shift[apart]
    starts, vectors = lattice.positions[lattice.struts[:, 0]], lattice.strut_vectors
    between = starts[b] + shift @ lattice.cell - starts[a]
    distances = segment_contacts(between, vectors[a], vectors[b])[0].min(axis=1)
    return np.sort(distances - lattice.radii[a] - lattice.radii[b])


def test_the_smallest_gaps_are_those_of_an_exhaustive_search():
    lattice = cell("kelvin", relative_density=0.05).perturbed(0.05, seed=1)
    found = smallest_gaps(lattice._solids(), 20).distance
    assert np.allclose(found[:20], all_gaps(lattice)[:20], rtol=0, atol=1e-12)


def test_the_closest_points_are_as_far_apart_as_the_gap_says():
    lattice = cell("octet", relative_density=0.05).perturbed(0.05, seed=2)
    found = smallest_gaps(lattice._solids(), 5)
    starts, vectors = lattice.positions[lattice.struts[:, 0]], lattice.strut_vectors
    a, b = found.strut_a, found.strut_b
    on_a = starts[a] + found.s[:, None] * vectors[a]
    on_b = starts[b] + found.shifts @ lattice.cell + found.t[:, None] * vectors[b]
    distance = np.linalg.norm(on_a - on_b, axis=1) - lattice.radii[a] - lattice.radii[b]
    assert np.allclose(distance, found.distance, rtol=0, atol=1e-12)


def three_nets(radius: float) -> Lattice:
    """Return three simple cubic nets; the second passes the first at 0.1, the third at 0.3."""
    nodes = [[0, 0, 0], [0.1, 0.1, 0.1], [0.7, 0.7, 0.7]]
    struts = [[k, k] for k in range(3) for _ in range(3)]
    return Lattice(np.eye(3), nodes, struts, np.tile(np.eye(3, dtype=int), (3, 1)), radius)


def test_the_narrowest_open_gap_is_found_beside_struts_that_touch():
    """Axes at right angles are 0.1 apart in nets 1 and 2, and 0.3 in nets 3 and 1."""
    found = three_nets(0.06).clearance()
    assert found.distance == pytest.approx(0.1 - 0.12)
    assert found.touching == 6
    assert found.narrowest == pytest.approx(0.1 * np.sqrt(2) - 0.12)  # parallel ones
    apart = three_nets(0.04).clearance()
    assert apart.touching == 0
    assert apart.narrowest == apart.distance == pytest.approx(0.02)


@pytest.mark.parametrize("seed", range(4))
def test_gaps_within_a_distance_are_those_of_a_wider_search(seed):
    solids = random_lattice(seed)._solids()
    wide, near = gaps_within(solids, 0.5), gaps_within(solids, 0.1)
    assert near.distance == pytest.approx(wide.distance[wide.distance <= 0.1])
    assert (near.strut_a == wide.strut_a[: len(near.strut_a)]).all()


def test_nodes_are_close_where_their_joints_overlap():
    """Two nodes of bcc are sqrt(3)/2 apart, and so are their images."""
    assert close_nodes(cell("bcc", radius=0.4)._solids()) is None
    overlapping = close_nodes(cell("bcc", radius=0.5)._solids())
    assert overlapping.ratio == pytest.approx(np.sqrt(3))
    unequal = cell("bcc", radius=0.1)
    unequal = unequal.with_radii(np.where(np.arange(8) == 0, 0.6, 0.3))
    assert close_nodes(unequal._solids()).ratio == pytest.approx(np.sqrt(3) / 2 / 0.6)


@pytest.mark.parametrize("seed", range(3))
def test_close_nodes_do_not_depend_on_the_cell(seed):
    lattice = random_lattice(seed).with_radii(0.4)
    other = lattice.with_cell_vectors(random_unimodular(seed)).supercell((1, 2, 1)).scaled(3.0)
    assert close_nodes(other._solids()).ratio == pytest.approx(close_nodes(lattice._solids()).ratio)
