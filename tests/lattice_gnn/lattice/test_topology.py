"""Components, ranks and interpenetration of periodic nets; exact integer forms."""

import itertools

import numpy as np
import pytest

from lattice_gnn.cells.named import cell, cell_names
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.lattice.topology import analyse_net, hermite_normal_form, simplify_topology
from lattice_gnn.testing import random_lattice, random_unimodular


def net_of(num_nodes, *struts):
    rows = np.array(struts)
    return analyse_net(num_nodes, rows[:, :2], rows[:, 2:])


@pytest.mark.parametrize("seed", range(30))
def test_hermite_normal_form_depends_only_on_the_lattice(seed):
    generator = np.random.default_rng(seed)
    rows = generator.integers(-9, 10, size=(4, 3)) @ np.diag(generator.integers(0, 4, size=3))
    form = hermite_normal_form(rows)
    mixed = np.concatenate([rows[::-1], rows[:1] - 3 * rows[1:2]])
    mixed[0] += 2 * mixed[1]
    np.testing.assert_array_equal(hermite_normal_form(mixed), form)
    assert len(form) == np.linalg.matrix_rank(rows)
    if len(form) == 3:
        minors = [np.linalg.det(rows[list(k)]) for k in itertools.combinations(range(4), 3)]
        assert np.prod(np.diag(form)) == np.gcd.reduce(np.round(minors).astype(int))
        whole = rows @ np.linalg.inv(form)
        np.testing.assert_allclose(whole, np.round(whole), atol=1e-9)


def test_hermite_normal_form_is_exact_for_large_numbers():
    big = 10**8
    rows = np.array([[big, 1, 0], [big + 1, 0, 7], [1, 1, big]])
    form = hermite_normal_form(rows)
    exact = big * (0 * big - 7 * 1) - 1 * ((big + 1) * big - 7 * 1)
    a, b, c = (int(form[k, k]) for k in range(3))
    assert a * b * c == abs(exact)


def test_hermite_normal_form_shape():
    form = hermite_normal_form(np.array([[4, 2, 0], [0, 3, 1], [2, 2, 2]]))
    assert (np.tril(form, -1) == 0).all()
    for row, column in ((0, 1), (0, 2), (1, 2)):
        assert 0 <= form[row, column] < form[column, column]


@pytest.mark.parametrize("name", cell_names())
def test_every_named_cell_is_one_net(name):
    net = cell(name, radius=0.01).connectivity()
    assert net.is_single_net
    assert net.describe() == "The struts form one connected net that spans space."


@pytest.mark.parametrize(
    ("struts", "rank", "text"),
    [
        ([(0, 1, 0, 0, 0)], 0, "a finite cluster that is connected in 0 of 3 dimensions"),
        ([(0, 1, 0, 0, 0), (0, 1, 1, 1, 0)], 1, "a chain that is connected in 1 of 3"),
        ([(0, 1, 0, 0, 0), (0, 0, 1, 0, 0), (1, 1, 0, 2, 1)], 2, "a layer that is connected in 2"),
    ],
)
def test_lower_ranks_are_told(struts, rank, text):
    net = net_of(2, *struts)
    assert [component.rank for component in net.components] == [rank]
    assert not net.spans_space
    assert "do not span space" in net.describe()
    assert text in net.describe()


def test_two_cubic_nets_in_each_other_are_two_components():
    axes = np.eye(3, dtype=int).tolist()
    net = net_of(2, *[(0, 0, *a) for a in axes], *[(1, 1, *a) for a in axes])
    assert [component.index for component in net.components] == [1, 1]
    assert net.spans_space
    assert not net.is_single_net
    assert "2 separate nets interpenetrate" in net.describe()


def test_one_component_can_be_several_nets():
    """One node with struts along (110), (1-10), (001) makes two nets that never meet."""
    rows = [(0, 0, 1, 1, 0), (0, 0, 1, -1, 0), (0, 0, 0, 0, 1)]
    net = net_of(1, *rows)
    assert net.components[0].index == 2
    assert not net.is_single_net
    assert "2 separate nets" in net.describe()
    assert repr(net) == "Net(rank 3 index 2)"
    lattice = Lattice(
        np.eye(3), np.zeros((1, 3)), [[0, 0]] * 3, [row[2:] for row in rows], [0.1] * 3
    )
    parts = lattice.supercell((2, 1, 1)).connectivity().components
    assert sum(part.index for part in parts) == 2


def test_a_loose_chain_beside_a_net_is_reported():
    net = net_of(2, *[(0, 0, *a) for a in np.eye(3, dtype=int).tolist()], (1, 1, 1, 0, 0))
    assert net.spans_space
    assert not net.is_single_net
    assert repr(net) == "Net(rank 3, rank 1)"
    assert net.describe() == (
        "One net spans space. Node 1 forms a chain that is connected in 1 of 3 dimensions."
    )


@pytest.mark.parametrize("seed", range(10))
def test_report_is_invariant(seed):
    lattice = random_lattice(seed)
    generator = np.random.default_rng(seed)
    other = (
        lattice.with_cell_vectors(random_unimodular(seed, determinant=-1))
        .reordered(generator.permutation(lattice.num_nodes))
        .reversed_struts(generator.random(lattice.num_struts) < 0.5)
    )
    assert lattice.connectivity().is_single_net
    assert other.connectivity().is_single_net
    doubled = lattice.replace(
        shifts=2 * lattice.shifts, cell=lattice.cell / 2, nodes=2 * lattice.nodes
    )
    assert doubled.connectivity().components[0].index == 8


def test_offsets_make_tree_struts_shiftless():
    lattice = random_lattice(7, num_nodes=5)
    net = lattice.connectivity()
    i, j = lattice.struts.T
    cycles = lattice.shifts + net.offsets[i] - net.offsets[j]
    assert (cycles == 0).all(axis=1).sum() >= lattice.num_nodes - 1
    np.testing.assert_array_equal(hermite_normal_form(cycles), net.components[0].cycles)
    np.testing.assert_array_equal(net.components[0].cycles, np.eye(3))


def test_large_net_is_quick():
    lattice = cell("octet", radius=0.01).supercell((8, 8, 8))
    assert lattice.connectivity().is_single_net


def test_simplify_topology_returns_paths_from_end_to_end():
    """A three-strut chain 0-2-3-1, its middle strut stored backward, becomes one strut."""
    struts = np.array([[0, 2], [3, 2], [3, 1], [0, 1]])
    shifts = np.array([[1, 0, 0], [0, -1, 0], [0, 0, 1], [0, 0, 0]])
    result = simplify_topology(struts, shifts, np.array([False, False, True, True]))
    np.testing.assert_array_equal(result.kept_nodes, [0, 1])
    np.testing.assert_array_equal(result.struts, [[0, 1], [0, 1]])
    np.testing.assert_array_equal(result.shifts, [[1, 1, 1], [0, 0, 0]])
    assert result.sources == (((0, False), (1, True), (2, False)), ((3, False),))


def test_simplify_topology_keeps_one_node_of_a_ring():
    struts = np.array([[0, 1], [1, 2], [2, 0]])
    shifts = np.array([[0, 0, 0], [0, 0, 0], [0, 0, 1]])
    result = simplify_topology(struts, shifts, np.ones(3, dtype=bool))
    np.testing.assert_array_equal(result.kept_nodes, [0])
    np.testing.assert_array_equal(result.struts, [[0, 0]])
    np.testing.assert_array_equal(result.shifts, [[0, 0, 1]])
