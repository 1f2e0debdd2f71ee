"""Hanging struts are left out, and nothing else: the stiffness stays."""

import numpy as np
import pytest
import torch

from fem_reference.beam.homogenise import homogenise_beam
from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.findings import findings
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.surrogate.surrogate import load_surrogate


def with_chain(lattice, length, start=0):
    """Hang a chain of struts on a node."""
    steps = np.array([[0.1, 0.07, 0.03]]) * np.arange(1, length + 1)[:, None]
    first = lattice.num_nodes
    ends = np.column_stack(
        [[start, *range(first, first + length - 1)], range(first, first + length)]
    )
    return Lattice(
        lattice.cell,
        np.vstack([lattice.nodes, lattice.nodes[start] + steps]),
        np.vstack([lattice.struts, ends]),
        np.vstack([lattice.shifts, np.zeros((length, 3))]),
        np.concatenate([lattice.radii, np.full(length, 0.03)]),
    )


@pytest.mark.parametrize("length", [1, 2, 5])
@pytest.mark.parametrize("name", ["sc", "octet", "kelvin"])
def test_a_hanging_chain_is_left_out(name, length):
    plain = cell(name, radius=0.05)
    hanging = with_chain(plain, length)
    rest = hanging.simplified()
    assert rest == plain.simplified().replace(name="", units=rest.units)
    C, C_ref = homogenise_beam([hanging, plain]).stiffness.mandel
    torch.testing.assert_close(C, C_ref, rtol=1e-9, atol=1e-12)


def test_the_network_sees_the_lattice_without_it():
    plain = cell("sc", radius=0.05)
    hanging = with_chain(plain, 2)
    surrogate = load_surrogate()
    C, C_ref = (surrogate.predict(x).stiffness.mandel for x in (hanging, plain))
    torch.testing.assert_close(C, C_ref)
    assert surrogate.predict(hanging).in_domain == surrogate.predict(plain).in_domain
    batch = LatticeBatch.from_lattices([hanging, plain])
    nodes = batch.nodes.clone().requires_grad_()
    C = surrogate.stiffness(batch.replace(nodes=nodes)).mandel
    torch.testing.assert_close(C[0], C[1])
    (gradient,) = torch.autograd.grad(C[:, 3, 3].sum(), nodes)
    assert gradient.shape == nodes.shape
    assert (gradient[1:3] == 0).all()  # the hanging nodes


def test_a_hanging_tree_and_a_hanging_twig_apart_are_left_out_and_a_ring_stays():
    octet = cell("octet", radius=0.03)
    nodes = [[0.5, 0.5, 0.5], [0.4, 0.5, 0.5], [0.4, 0.6, 0.5], [0.4, 0.5, 0.6]]  # a star apart
    ring = [[0.1, 0.2, 0.3], [0.2, 0.2, 0.3], [0.15, 0.3, 0.3]]
    struts = [(4, 5), (5, 6), (5, 7), (8, 9), (9, 10), (10, 8), (0, 8)]
    lattice = Lattice(
        octet.cell,
        np.vstack([octet.nodes, nodes, ring]),
        np.vstack([octet.struts, struts]),
        np.vstack([octet.shifts, np.zeros((7, 3))]),
        0.03,
    )
    assert lattice.simplified().num_nodes == 7
    assert lattice.simplified().num_struts == 24 + 4


def test_a_lattice_that_only_hangs_stays():
    line = Lattice(np.eye(3), [[0, 0, 0], [0.5, 0.1, 0]], [[0, 1]], [[0, 0, 0]], 0.05)
    assert line.simplified() is line
    batch = LatticeBatch.from_lattices([line, with_chain(cell("sc", radius=0.05), 2)])
    rest = batch.simplified()
    assert rest.node_offsets.tolist() == [0, 2, 3]
    assert rest.strut_offsets.tolist() == [0, 1, 4]


def test_batch_and_lattice_follow_one_rule():
    lattices = [with_chain(cell(x, radius=0.04), 3) for x in ("isotruss", "bcc", "octet")]
    batch = LatticeBatch.from_lattices(lattices).simplified()
    again = LatticeBatch.from_lattices([x.simplified() for x in lattices])
    for name in ("nodes", "struts", "shifts", "radii", "node_offsets", "strut_offsets"):
        assert torch.equal(getattr(batch, name), getattr(again, name))


def test_a_long_chain_takes_no_time():
    lattice = with_chain(cell("sc", radius=0.05), 20_000)
    assert lattice.simplified().num_struts == 3


def test_hanging_struts_are_still_reported_and_not_taken_for_collinear_nodes():
    found = {x.kind for x in findings(with_chain(cell("sc", radius=0.05), 2))}
    assert "dangling" in found
    bent = Lattice(
        np.eye(3),
        [[0, 0, 0], [0.3, 0.1, 0.2]],
        [[0, 0]] * 3 + [[0, 1]],
        [*np.eye(3), [0] * 3],
        0.02,
    )
    assert "collinear" not in {x.kind for x in findings(bent)}
