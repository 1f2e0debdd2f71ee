"""LatticeBatch: nothing is lost on the way in or out, and gradients reach every tensor."""

import inspect

import numpy as np
import pytest
import torch

from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.lattice import Lattice, Material
from lattice_gnn.testing import ROUNDING, example_lattices, random_lattice, same_structure

LATTICES = [*example_lattices(), *(random_lattice(seed, sections=True) for seed in range(4))]
TENSORS = tuple(LatticeBatch.__dataclass_fields__)
GEOMETRY = ("nodes", "cells", "radii", "end_radii", "inner_radii")


@pytest.fixture
def batch():
    return LatticeBatch.from_lattices(LATTICES)


def assert_same(a, b):
    for name in TENSORS:
        assert torch.equal(getattr(a, name), getattr(b, name)), name


def cut(lattice, strut, *fractions):
    """Put nodes on a strut of constant section."""
    i, j = lattice.struts[strut]
    end = lattice.nodes[j] + lattice.shifts[strut]
    middle = [lattice.nodes[i] + f * (end - lattice.nodes[i]) for f in fractions]
    names = [i, *range(lattice.num_nodes, lattice.num_nodes + len(middle)), j]
    pieces = np.column_stack([names[:-1], names[1:]])
    shifts = np.zeros((len(pieces), 3), dtype=int)
    shifts[-1] = lattice.shifts[strut]
    radii = np.full(len(pieces), lattice.radii[strut])
    return lattice.replace(
        nodes=np.concatenate([lattice.nodes, middle]),
        struts=np.concatenate([np.delete(lattice.struts, strut, axis=0), pieces]),
        shifts=np.concatenate([np.delete(lattice.shifts, strut, axis=0), shifts]),
        radii=np.concatenate([np.delete(lattice.radii, strut), radii]),
    )


# In and out


def test_round_trip_is_exact(batch):
    for before, after in zip(LATTICES, batch.to_lattices(), strict=True):
        for name in ("cell", "nodes", "struts", "shifts", "radii"):
            np.testing.assert_array_equal(getattr(before, name), getattr(after, name))
        assert same_structure(before, after, tolerance=1e-15)
    assert_same(LatticeBatch.from_lattices(batch.to_lattices()), batch)


def test_moduli_are_relative_to_the_material():
    """E_s = 70 GPa and a strut of 35: one half; and back again."""
    metal = Material(E=70e9, nu=0.33)
    lattice = random_lattice(0).replace(material=metal)
    E = np.full(lattice.num_struts, 70e9)
    E[0] = 35e9
    batch = LatticeBatch.from_lattices([lattice.replace(E=E), lattice])
    assert batch.E[:2].tolist() == [0.5, 1.0]
    assert set(batch.nu.tolist()) == {0.33}
    first, second = batch.to_lattices(material=metal)
    np.testing.assert_allclose(first.E, E, rtol=ROUNDING)
    assert second.E is None
    assert second.nu is None


def test_geometry_is_that_of_the_lattices(batch):
    lengths = np.concatenate([x.lengths for x in LATTICES])
    vectors = np.concatenate([x.strut_vectors for x in LATTICES])
    np.testing.assert_allclose(batch.strut_vectors, vectors, atol=ROUNDING)
    np.testing.assert_allclose(batch.lengths, lengths, rtol=ROUNDING)
    np.testing.assert_allclose(batch.volumes, [x.volume for x in LATTICES], rtol=ROUNDING)
    densities = [x.relative_density for x in LATTICES]
    np.testing.assert_allclose(batch.relative_density, densities, rtol=ROUNDING)


def test_owners_and_sums(batch):
    counts = [x.num_struts for x in LATTICES]
    assert torch.bincount(batch.strut_lattice).tolist() == counts
    assert torch.bincount(batch.node_lattice).tolist() == [x.num_nodes for x in LATTICES]
    assert torch.equal(batch.node_lattice[batch.struts[:, 0]], batch.strut_lattice)
    totals = batch.sum_over_struts(batch.radii)
    np.testing.assert_allclose(totals, [x.radii.sum() for x in LATTICES], rtol=ROUNDING)


def test_no_lattices_no_batch():
    with pytest.raises(LatticeGnnError, match="at least one lattice"):
        LatticeBatch.from_lattices([])


# Choosing


def test_selection_is_the_batch_of_the_chosen(batch):
    chosen = [5, 0, 11, 5]
    assert_same(batch.select(chosen), LatticeBatch.from_lattices([LATTICES[k] for k in chosen]))
    assert_same(batch.select(np.arange(len(LATTICES))), batch)
    assert_same(batch[-1], LatticeBatch.from_lattices(LATTICES[-1:]))
    with pytest.raises(IndexError, match="batch of 15"):
        batch[15]


def test_selection_passes_gradients_to_the_chosen_alone(batch):
    nodes = batch.nodes.clone().requires_grad_()
    part = batch.replace(nodes=nodes).select([8, 13])
    part.lengths.square().sum().backward()
    touched = nodes.grad.abs().sum(1) > 0
    assert set(batch.node_lattice[touched].tolist()) == {8, 13}


def test_type_and_device(batch):
    single = batch.to(dtype=torch.float32, device="cpu")
    for name in TENSORS:
        tensor, before = getattr(single, name), getattr(batch, name)
        if before.is_floating_point():
            assert tensor.dtype == torch.float32
            torch.testing.assert_close(tensor.double(), before, rtol=1e-6, atol=1e-7)
        else:
            assert torch.equal(tensor, before)
            assert tensor.dtype == torch.int64
    assert_same(batch.to(), batch)


@pytest.mark.parametrize("field", GEOMETRY)
def test_gradients_reach_the_geometry(batch, field):
    """d(density) against central differences in one random direction of everything."""
    start = getattr(batch, field)
    generator = torch.Generator().manual_seed(0)
    move = torch.randn(start.shape, generator=generator, dtype=torch.float64) * start.abs().mean()
    weights = torch.randn(len(batch), generator=generator, dtype=torch.float64)

    def value(x):
        return (weights * batch.replace(**{field: x}).relative_density).sum()

    moved = start.clone().requires_grad_()
    value(moved).backward()
    exact = float((moved.grad * move).sum())
    step = 1e-6
    approximate = float(value(start + step * move) - value(start - step * move)) / (2 * step)
    assert exact == pytest.approx(approximate, rel=1e-7)


def test_vectors_know_the_cell_and_the_nodes():
    """v = (x_j - x_i + shift) cell: derivatives written by hand."""
    lattice = random_lattice(3)
    batch = LatticeBatch.from_lattices([lattice])
    nodes, cells = batch.nodes.clone().requires_grad_(), batch.cells.clone().requires_grad_()
    s = next(k for k, (i, j) in enumerate(lattice.struts.tolist()) if i != j)
    batch.replace(nodes=nodes, cells=cells).strut_vectors[s, 1].backward()
    i, j = lattice.struts[s]
    np.testing.assert_allclose(nodes.grad[j], lattice.cell[:, 1], rtol=ROUNDING)
    np.testing.assert_allclose(nodes.grad[i], -lattice.cell[:, 1], rtol=ROUNDING)
    fractional = lattice.nodes[j] - lattice.nodes[i] + lattice.shifts[s]
    np.testing.assert_allclose(cells.grad[0, :, 1], fractional, rtol=ROUNDING)


# Simplifying


def cut_lattices():
    whole = [
        random_lattice(0),
        cell("octet", radius=0.04),
        random_lattice(3),
        cell("sc", radius=0.1),
    ]
    pieces = [cut(whole[0], 1, 0.4), whole[1], cut(cut(whole[2], 0, 0.2, 0.7), 3, 0.5)]
    return whole, [*pieces, cut(whole[3], 2, 0.3, 0.6)]


def test_simplified_like_the_lattices():
    whole, pieces = cut_lattices()
    got = LatticeBatch.from_lattices(pieces).simplified().to_lattices()
    for lattice, simple, original in zip(pieces, got, whole, strict=True):
        assert same_structure(simple, lattice.simplified())
        assert same_structure(simple, original)


def test_simplified_keeps_what_is_simple(batch):
    assert batch.simplified() is not batch  # isotruss has joints on straight struts
    plain = batch.select([0, 1, 2])
    assert plain.simplified() is plain


def test_simplified_passes_gradients():
    """Density of the simplified batch, derived by the radii of the pieces and by the cell."""
    _, pieces = cut_lattices()
    batch = LatticeBatch.from_lattices(pieces)
    grads = []
    for simplify in (False, True):
        cells = batch.cells.clone().requires_grad_()
        scale = torch.ones((), dtype=torch.float64, requires_grad=True)
        scaled = batch.replace(
            cells=cells, radii=batch.radii * scale, end_radii=batch.end_radii * scale
        )
        (scaled.simplified() if simplify else scaled).relative_density.sum().backward()
        grads.append((cells.grad, scale.grad))
    for plain, simple in zip(*grads, strict=True):
        torch.testing.assert_close(plain, simple, rtol=1e-10, atol=1e-12)


def test_a_chain_keeps_one_joint():
    chain = Lattice(
        np.eye(3),
        [[0, 0, 0], [0.3, 0, 0], [0.6, 0, 0]],
        [[0, 1], [1, 2], [2, 0]],
        [[0, 0, 0], [0, 0, 0], [1, 0, 0]],
        [0.1] * 3,
    )
    simple = LatticeBatch.from_lattices([chain]).simplified()
    assert (len(simple.nodes), len(simple.radii)) == (1, 1)
    np.testing.assert_allclose(simple.strut_vectors.abs(), [[1, 0, 0]], atol=ROUNDING)


# PyTorch Geometric


def test_pyg_round_trip_is_the_identity(batch):
    assert_same(LatticeBatch.from_pyg(batch.to_pyg()), batch)
    single = batch[4]
    assert_same(LatticeBatch.from_pyg(single.to_pyg()), single)
    assert_same(LatticeBatch.from_pyg(single.to_pyg().get_example(0)), single)


def test_pyg_batches_of_batches_have_the_right_offsets(batch):
    """Taken apart, shuffled and joined by PyG itself, with a label of another owner."""
    from torch_geometric.data import Batch

    graphs = batch.to_pyg().to_data_list()
    for k, graph in enumerate(graphs):
        graph.stiffness = torch.full((1, 6, 6), float(k))
        assert graph.num_nodes == LATTICES[k].num_nodes
        assert graph.num_edges == LATTICES[k].num_struts
        assert int(graph.edge_index.max()) < graph.num_nodes
        graph.validate()
    order = [7, 2, 2, 12, 0]
    joined = Batch.from_data_list([graphs[k] for k in order])
    assert_same(LatticeBatch.from_pyg(joined), batch.select(order))
    assert joined.stiffness[:, 0, 0].tolist() == order
    assert joined.cell.shape == (5, 3, 3)
    assert torch.equal(joined.batch, batch.select(order).node_lattice)


def test_pyg_loader_and_gradients(batch):
    from torch_geometric.loader import DataLoader

    loader = DataLoader(batch.to_pyg().to_data_list(), batch_size=4)
    lengths = torch.cat([LatticeBatch.from_pyg(part).lengths for part in loader])
    torch.testing.assert_close(lengths, batch.lengths, rtol=0, atol=0)
    radii = batch.radii.clone().requires_grad_()
    there_and_back = LatticeBatch.from_pyg(batch.replace(radii=radii).to_pyg())
    there_and_back.radii.sum().backward()
    assert torch.equal(radii.grad, torch.ones_like(radii))


def test_pyg_graphs_that_are_no_lattices_are_refused():
    from torch_geometric.data import Data

    graph = Data(edge_index=torch.zeros(2, 1, dtype=torch.int64), num_nodes=1)
    with pytest.raises(LatticeGnnError, match="'cell' is missing"):
        LatticeBatch.from_pyg(graph)


def test_one_lattice_makes_a_batch_and_anything_else_a_sentence():
    assert len(LatticeBatch.from_lattices(LATTICES[0])) == 1
    with pytest.raises(LatticeGnnError, match="expected a Lattice as item 1, got str"):
        inspect.unwrap(LatticeBatch.from_lattices.__func__)(LatticeBatch, [LATTICES[0], "x"])


def test_a_batch_is_one_line():
    batch = LatticeBatch.from_lattices([cell("sc", radius=0.1), cell("bcc", radius=0.1)])
    assert repr(batch) == "LatticeBatch(2 lattices, 3 nodes, 11 struts, float64 on cpu)"


def test_split_gives_all_lattices_in_order():
    batch = LatticeBatch.from_lattices([random_lattice(seed) for seed in range(7)])
    parts = list(batch.split(3))
    assert [len(part) for part in parts] == [3, 3, 1]
    assert torch.equal(torch.cat([part.strut_vectors for part in parts]), batch.strut_vectors)


def test_new_radii_make_no_cones_and_keep_tapers_and_bores():
    lattice = cell("octet", radius=0.05)
    plain = LatticeBatch.from_lattices([lattice])
    radii = (plain.radii * 1.3).requires_grad_()
    grown = plain.replace(radii=radii)
    assert torch.equal(grown.end_radii, radii)
    (gradient,) = torch.autograd.grad(grown.relative_density.sum(), radii)
    density = plain.relative_density.item() * 1.3**2  # of degree 2 in the radii (Euler)
    assert (gradient * radii).sum().item() == pytest.approx(2 * density)
    count = lattice.num_struts
    tapered = lattice.replace(end_radii=np.full(count, 0.04), inner_radii=np.full(count, 0.01))
    halved = LatticeBatch.from_lattices([tapered]).replace(
        radii=torch.full((count,), 0.025).double()
    )
    expected = tapered.with_radii(np.full(count, 0.025))
    np.testing.assert_allclose(halved.end_radii, expected.end_radii)
    np.testing.assert_allclose(halved.inner_radii, expected.inner_radii)
    both = plain.replace(radii=radii, end_radii=radii * 0.5)
    assert torch.equal(both.end_radii, radii * 0.5)
