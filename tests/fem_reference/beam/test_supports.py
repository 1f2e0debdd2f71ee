"""Components, their ranks, and which degrees of freedom to hold, against a numerical null space."""

import numpy as np
import pytest
import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from fem_reference.beam.affine import affine_deformation, energy_density
from fem_reference.beam.elements import strut_operator
from fem_reference.beam.supports import find_supports
from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.testing import example_lattices, random_lattice, random_rotation

ZERO_ENERGY = 1e-12
"""Scaled eigenvalue that counts as zero; those that do not are above 1e-9 here."""


def pieces(shifts, *, at=(0.1, 0.2, 0.3), radius=0.05):
    """One node joined to its own images."""
    count = len(shifts)
    return Lattice(np.eye(3), [at], [[0, 0]] * count, shifts, [radius] * count)


def joined(*lattices):
    """Several structures in one cell, without a common joint."""
    first = np.cumsum([0] + [x.num_nodes for x in lattices])
    return Lattice(
        cell=lattices[0].cell,
        nodes=np.concatenate([x.nodes for x in lattices]),
        struts=np.concatenate([x.struts + n for x, n in zip(lattices, first, strict=False)]),
        shifts=np.concatenate([x.shifts for x in lattices]),
        radii=np.concatenate([x.radii for x in lattices]),
    )


CHAIN = pieces([[1, 0, 0]])
SHEET = pieces([[1, 0, 0], [0, 1, 0]])
CLUSTER = Lattice(
    np.eye(3),
    [[0.1, 0.2, 0.8], [0.6, 0.5, 0.4], [0.3, 0.8, 0.1]],
    [[0, 1], [1, 2], [2, 0]],
    np.zeros((3, 3), dtype=int),
    [0.05, 0.04, 0.03],
)
ZIGZAG = Lattice(
    np.eye(3),
    [[0.1, 0.2, 0.3], [0.6, 0.5, 0.4]],
    [[0, 1], [1, 0]],
    [[0, 0, 0], [1, 0, 0]],
    [0.05, 0.04],
)
BCC = cell("bcc", radius=0.05)

NETS = {
    # name: (lattice, rank of C, cycle ranks of its components)
    "chain": (CHAIN, 1, [1]),
    "zigzag": (ZIGZAG, 1, [1]),
    "sheet": (SHEET, 3, [2]),
    "cluster": (CLUSTER, 0, [0]),
    "two chains": (joined(CHAIN, pieces([[0, 1, 0]], at=(0.5, 0.5, 0.9))), 2, [1, 1]),
    "coplanar chains": (
        joined(
            CHAIN,
            pieces([[0, 1, 0]], at=(0.5, 0.5, 0.9)),
            pieces([[1, 1, 0]], at=(0.2, 0.9, 0.1)),
        ),
        3,
        [1, 1, 1],
    ),
    "sheet and a chain in its plane": (
        joined(SHEET, pieces([[1, 1, 0]], at=(0.2, 0.9, 0.1))),
        3,
        [2, 1],
    ),
    "sheet and a chain across": (
        joined(SHEET, pieces([[0, 0, 1]], at=(0.5, 0.6, 0.0))),
        4,
        [2, 1],
    ),
    "two sheets": (
        joined(SHEET, pieces([[0, 1, 0], [0, 0, 1]], at=(0.7, 0.7, 0.7))),
        5,
        [2, 2],
    ),
    "three sheets": (
        joined(
            SHEET,
            pieces([[0, 1, 0], [0, 0, 1]], at=(0.7, 0.7, 0.7)),
            pieces([[1, 0, 0], [0, 0, 1]], at=(0.6, 0.1, 0.6)),
        ),
        6,
        [2, 2, 2],
    ),
    "net, chain, cluster": (joined(BCC, pieces([[1, 1, 0]]), CLUSTER), 6, [3, 1, 0]),
    "two nets": (joined(BCC, BCC.translated(np.array([0.5, 0.2, 0.1]))), 6, [3, 3]),
}
VIEWS = {
    "as is": lambda x: x,
    "rotated": lambda x: x.rotated(random_rotation(1)),
    "strained": lambda x: x.strained(random_rotation(2) + 0.3 * random_rotation(5)),
    "other cell": lambda x: x.with_cell_vectors(np.array([[1, 2, 0], [0, 1, 3], [0, 0, -1]])),
}


def stiffness_matrix(batch):
    """Dense K of all degrees of freedom and then the six strains, scaled to like magnitudes.

    The scale is what each degree of freedom would meet if the struts' far ends were held: never 0.
    """
    B = strut_operator(batch)
    size = 6 * len(batch.nodes)
    rows = B.new_zeros(len(B), 8, size)
    alone = B.new_zeros(size)
    for s, ends in enumerate(batch.struts.tolist()):
        for n, part in zip(ends, B[s].split(6, -1), strict=True):
            rows[s, :, 6 * n : 6 * n + 6] += part
            alone[6 * n : 6 * n + 6] += part.square().sum(0)
    affine = affine_deformation(batch, B)
    of_strains = affine.square().sum((0, 1)).max().expand(6)
    strained = torch.cat([rows, affine], -1).reshape(-1, size + 6)
    strained = strained * torch.cat([alone, of_strains]).rsqrt()
    return (strained.T @ strained).numpy()


def nullity(K):
    values = np.linalg.eigvalsh(K)
    zero = values < ZERO_ENERGY
    assert (values[~zero] > 1e-9).all()
    return int(zero.sum())


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", NETS)
def test_ranks_of_nets_that_do_and_do_not_span_space(name, view):
    lattice, rank, cycle_ranks = NETS[name]
    batch = LatticeBatch.from_lattices([VIEWS[view](lattice)])
    supports = find_supports(batch)
    assert supports.rank.tolist() == [rank]
    assert supports.cycle_rank.tolist() == cycle_ranks


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", NETS)
def test_held_degrees_are_exactly_the_rigid_motions(name, view):
    """As many as K_uu has zero eigenvalues, and none is left when they are held."""
    batch = LatticeBatch.from_lattices([VIEWS[view](NETS[name][0])])
    held = find_supports(batch).held
    size = 6 * len(batch.nodes)
    K = stiffness_matrix(batch)[:size, :size]
    assert nullity(K) == len(held) == len(set(held.tolist()))
    free = np.delete(np.arange(size), held)
    assert nullity(K[np.ix_(free, free)]) == 0


@pytest.mark.parametrize("name", NETS)
def test_rank_is_that_of_the_condensed_matrix(name):
    """dim ker(K with strains) = dim ker(K_uu) + dim ker(C)."""
    batch = LatticeBatch.from_lattices([VIEWS["strained"](NETS[name][0])])
    supports = find_supports(batch)
    assert nullity(stiffness_matrix(batch)) == len(supports.held) + 6 - supports.rank[0]


def test_components_agree_with_the_integer_report_of_the_net():
    lattices = [*example_lattices(), *(lattice for lattice, *_ in NETS.values())]
    supports = find_supports(LatticeBatch.from_lattices(lattices))
    node = component = 0
    for b, lattice in enumerate(lattices):
        net = lattice.connectivity()
        for part in net.components:
            numbers = set(supports.component[node + part.nodes].tolist())
            assert len(numbers) == 1
            (number,) = numbers
            assert supports.cycle_rank[number] == part.rank
            assert supports.component_lattice[number] == b
            component += 1
        node += lattice.num_nodes
    assert len(supports.cycle_rank) == component


@pytest.mark.parametrize("skew", [1, 30, *range(100, 620, 40)])
def test_ranks_are_exact_for_needle_shaped_cells(skew):
    """Floating point takes their cycles for coplanar."""
    U = torch.tensor([[1, skew, 0], [0, 1, skew], [0, 0, 1]])
    inverse = torch.tensor([[1, -skew, skew**2], [0, 1, -skew], [0, 0, 1]])
    batch = LatticeBatch.from_lattices([random_lattice(0), SHEET, CHAIN, CLUSTER])
    needle = batch.replace(  # a Lattice refuses the most slender of these cells
        cells=U.double() @ batch.cells,
        nodes=batch.nodes @ inverse.double(),
        shifts=batch.shifts @ inverse,
    )
    assert torch.equal(U @ inverse, torch.eye(3, dtype=torch.int64))
    assert find_supports(needle).cycle_rank.tolist() == [3, 2, 1, 0]


def test_ranks_are_exact_where_64_bits_overflow():
    """The determinants here are multiples of 2^64."""
    far = 2**17 * np.eye(3, dtype=int)
    batch = LatticeBatch.from_lattices([pieces(far[:n]) for n in (1, 2, 3)])
    assert find_supports(batch).cycle_rank.tolist() == [1, 2, 3]


def test_batches_number_their_parts_one_after_the_other():
    lattices = [lattice for lattice, *_ in NETS.values()]
    batch = LatticeBatch.from_lattices(lattices)
    whole = find_supports(batch)
    assert whole.rank.tolist() == [rank for _, rank, _ in NETS.values()]
    parts = [find_supports(batch[b]) for b in range(len(batch))]
    first = 6 * batch.node_offsets.numpy()
    held = np.concatenate([part.held + n for part, n in zip(parts, first, strict=False)])
    np.testing.assert_array_equal(whole.held, held)
    np.testing.assert_array_equal(whole.cycle_rank, np.concatenate([x.cycle_rank for x in parts]))


def test_affine_stiffness_of_a_strut_is_its_dyad():
    """C = E A L (t t)(t t) / V + 12 E I / L ... for one strut along x: W11 = A/L, W12 = 12I/L^3."""
    batch = LatticeBatch.from_lattices([CHAIN])
    C = energy_density(batch, affine_deformation(batch, strut_operator(batch)))[0].numpy()
    A, inertia = np.pi * 0.05**2, np.pi / 4 * 0.05**4
    expected = np.diag([A, 0, 0, 0, 6 * inertia, 6 * inertia])
    np.testing.assert_allclose(C, expected, atol=1e-14 * A)


@pytest.mark.parametrize("seed", range(5))
def test_components_are_those_of_an_independent_search(seed):
    """Long chains, rings and loose pieces, their nodes in random order."""
    generator = np.random.default_rng(seed)
    pieces_of_chain = np.flatnonzero(generator.random(499) < 0.9)
    struts = np.stack([pieces_of_chain, pieces_of_chain + 1], 1)
    struts = np.concatenate([struts, generator.integers(0, 500, (9, 2))])
    used, struts = np.unique(struts, return_inverse=True)
    order = generator.permutation(len(used))
    struts = order[struts.reshape(-1, 2)]
    i, j = struts.T
    count = len(used)
    batch = LatticeBatch.from_lattices([cell("bcc", radius=0.05)]).replace(
        nodes=torch.from_numpy(generator.random((count, 3))),
        struts=torch.from_numpy(struts),
        shifts=torch.zeros(len(struts), 3, dtype=torch.int64),
        node_offsets=torch.tensor([0, count]),
        strut_offsets=torch.tensor([0, len(struts)]),
        **{
            name: torch.full((len(struts),), 0.05, dtype=torch.float64)
            for name in ("radii", "end_radii", "inner_radii", "E", "nu")
        },
    )
    graph = coo_array((np.ones(len(struts)), (i, j)), shape=(count, count))
    number, component = connected_components(graph, directed=False)
    assert 10 < number < 60
    np.testing.assert_array_equal(find_supports(batch).component, component)
