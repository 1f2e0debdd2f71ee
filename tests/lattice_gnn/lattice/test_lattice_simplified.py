"""``Lattice.simplified``: nodes inside straight uniform struts go, real joints stay."""

import itertools

import numpy as np
import pytest

from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.testing import ROUNDING, example_lattices, random_lattice, same_structure

BCC = cell("bcc", radius=0.05)


def cut(lattice: Lattice, strut: int, *fractions: float) -> Lattice:
    """Put nodes on a strut, which falls into collinear pieces of the same section."""
    i, j = lattice.struts[strut]
    end = lattice.nodes[j] + lattice.shifts[strut]
    middle = [lattice.nodes[i] + f * (end - lattice.nodes[i]) for f in fractions]
    numbers = [i, *range(lattice.num_nodes, lattice.num_nodes + len(middle)), j]
    pieces = list(itertools.pairwise(numbers))
    shifts = [[0, 0, 0]] * (len(pieces) - 1) + [lattice.shifts[strut].tolist()]

    def spread(values):
        if values is None:
            return None
        return np.concatenate([np.delete(values, strut), np.full(len(pieces), values[strut])])

    return lattice.replace(
        nodes=np.concatenate([lattice.nodes, middle]),
        struts=np.concatenate([np.delete(lattice.struts, strut, axis=0), pieces]),
        shifts=np.concatenate([np.delete(lattice.shifts, strut, axis=0), shifts]),
        radii=spread(lattice.radii),
        inner_radii=spread(lattice.inner_radii),
        E=spread(lattice.E),
        nu=spread(lattice.nu),
    )


@pytest.mark.parametrize("seed", range(12))
def test_simplified_undoes_cuts(seed):
    lattice = random_lattice(seed, sections=True).replace(end_radii=None)
    strut = seed % lattice.num_struts
    chopped = cut(cut(lattice, strut, 0.3, 0.4, 0.9), 0, 0.5)
    generator = np.random.default_rng(seed)
    shuffled = chopped.reversed_struts(generator.random(chopped.num_struts) < 0.5).reordered(
        generator.permutation(chopped.num_nodes)
    )
    without_hanging = lattice.simplified()  # random lattices have no collinear nodes
    assert same_structure(shuffled.wrapped().simplified(), without_hanging)
    assert shuffled.relative_density == pytest.approx(lattice.relative_density, rel=1e-11)


def test_simplified_takes_out_only_the_nodes_that_may_go():
    whole = cell("kelvin", radius=0.05)
    twice = cut(cut(whole, 0, 0.25, 0.5), 5, 0.5)
    only = np.ones(twice.num_nodes, dtype=bool)
    only[whole.num_nodes] = False
    partly = twice.simplified(only=only)
    assert partly.num_nodes == whole.num_nodes + 1
    assert same_structure(partly, cut(whole, 0, 0.25), tolerance=1e-9)
    assert twice.simplified(only=~only & False) is twice
    assert same_structure(twice.simplified(), whole)


def test_simplified_leaves_real_joints_alone():
    for lattice in example_lattices():
        if lattice.name != "isotruss":
            assert lattice.simplified() is lattice
    bent = cut(BCC, 0, 0.5).perturbed(1e-6, seed=0)
    assert bent.simplified().num_nodes == 3
    assert bent.simplified(tolerance=1e-4).num_nodes == 2


@pytest.mark.parametrize(
    "change",
    [
        {"radii": [0.05] * 8 + [0.06]},
        {"E": [1.0] * 8 + [2.0]},
        {"nu": [0.3] * 8 + [0.31]},
        {"inner_radii": [0.01] * 8 + [0.02]},
        {"end_radii": [0.05] * 8 + [0.06]},
    ],
)
def test_simplified_keeps_a_node_where_the_section_changes(change):
    assert cut(BCC, 0, 0.5).replace(**change).simplified().num_nodes == 3


def test_straight_infinite_chain_keeps_one_node():
    sc = cell("sc", radius=0.05)
    chain = Lattice(np.eye(3), np.zeros((1, 3)), [[0, 0]], [[1, 0, 0]], [0.05])
    assert same_structure(cut(chain, 0, 0.2, 0.7).simplified(), chain)
    assert same_structure(
        chain.supercell((4, 1, 1)).simplified(), chain.replace(cell=np.diag([4.0, 1, 1]))
    )
    assert same_structure(cut(sc, 1, 0.5).simplified(), sc)


def test_simplified_never_makes_two_struts_one():
    """A cut strut that lies on top of an uncut one keeps a node: no strut may be lost."""
    double = cut(BCC, 0, 0.25, 0.5)
    double = double.replace(
        struts=np.concatenate([double.struts, BCC.struts[:1]]),
        shifts=np.concatenate([double.shifts, BCC.shifts[:1]]),
        radii=np.full(double.num_struts + 1, 0.05),
    )
    simple = double.simplified()
    assert (simple.num_nodes, simple.num_struts) == (3, 10)
    assert simple.relative_density == pytest.approx(double.relative_density, rel=ROUNDING)


def test_isotruss_simplifies_to_two_interwoven_cubes():
    simple = cell("isotruss", radius=0.02).simplified()
    assert (simple.num_nodes, simple.num_struts) == (2, 14)
    assert sorted(np.round(simple.lengths, 12)) == [round(0.75**0.5, 12)] * 8 + [1.0] * 6
