"""The compiled path beside torch on ten thousand cells; threads, precision, refusals."""

import numpy as np
import pytest
import torch

from fem_reference.beam import compiled
from fem_reference.beam.groups import Task, solve_in_groups
from fem_reference.beam.homogenise import homogenise_beam
from fem_reference.beam.kernel.launch import solve_compiled
from fem_reference.beam.supports import find_supports
from fem_reference.sparse import IllConditionedError
from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.testing import example_lattices, random_lattice

MEDIAN, LARGEST = 1e-15, 1e-11
"""Relative Frobenius differences between the two paths."""

FORMS = {
    "plain": {},
    "timoshenko": {"element": "timoshenko"},
    "rigid ends": {"arms": True},
    "timoshenko, rigid ends": {"element": "timoshenko", "arms": True},
}


@pytest.fixture(autouse=True)
def kernel(monkeypatch):
    """The kernel serves from the first cell on."""
    launch = compiled.load_kernel()
    monkeypatch.setattr(compiled, "kernel_for", lambda nodes: launch)


@pytest.fixture
def use_threads():
    """Set the number of threads of torch; the old one comes back."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def held_of(batch):
    held = torch.zeros(6 * len(batch.nodes), dtype=torch.bool)
    held[torch.from_numpy(find_supports(batch).held)] = True
    return held.view(-1, 6)


def varied(count, seed, *, spread=0.5, slenderness=(1e-3, 0.3)):
    """Many random cells: nets of few bases, everything else drawn anew for every copy."""
    bases = [random_lattice(k, sections=k % 2 == 0, num_nodes=k % 7 + 1) for k in range(40)]
    bases += example_lattices()
    batch = LatticeBatch.from_lattices(bases)
    generator = np.random.default_rng(seed)
    batch = batch.select(generator.integers(0, len(bases), size=count))
    nodes = batch.nodes + torch.from_numpy(generator.normal(scale=0.02, size=batch.nodes.shape))
    batch = batch.replace(nodes=nodes)
    ratio = np.exp(generator.uniform(*np.log(slenderness), size=count))
    own = ratio[batch.strut_lattice] * np.exp(generator.uniform(-spread, spread, len(batch.radii)))
    factor = torch.from_numpy(own) * batch.lengths / batch.radii
    E = torch.from_numpy(np.exp(generator.uniform(-1, 1, len(batch.radii))))
    nu = torch.from_numpy(generator.uniform(-0.4, 0.49, len(batch.radii)))
    radii = {name: getattr(batch, name) * factor for name in ("radii", "end_radii", "inner_radii")}
    return batch.replace(E=E, nu=nu, **radii)


def both_paths(batch, *, element="euler-bernoulli", arms=False):
    rigid = 0.15 * batch.lengths[:, None] * torch.tensor([1.0, 0.5]) if arms else None
    task = Task(element, rigid, False)
    held = held_of(batch)
    found, solved = solve_compiled(batch, held, task)
    return found.C, solve_in_groups(batch, held, task).C, solved


def differences(a, b):
    return ((a - b).flatten(1).norm(dim=1) / b.flatten(1).norm(dim=1)).numpy()


@pytest.mark.parametrize("form", FORMS)
def test_ten_thousand_random_cells(form):
    """Every section, modulus and Poisson's ratio differs from strut to strut."""
    mine, others, solved = both_paths(varied(2_500, len(form)), **FORMS[form])
    apart = differences(mine, others)
    assert solved.all()
    assert np.median(apart) < MEDIAN
    assert apart.max() < LARGEST


@pytest.mark.parametrize("slenderness", [(1e-4, 2e-4), (0.4, 0.5)], ids=["1e-4", "0.5"])
def test_slender_and_stocky_cells(slenderness):
    mine, others, solved = both_paths(varied(300, 5, slenderness=slenderness))
    assert solved.mean() > 0.9
    assert differences(mine[solved], others[solved]).max() < 1e-9


def test_radii_a_thousand_times_apart():
    mine, others, solved = both_paths(varied(300, 6, spread=np.log(1000) / 2))
    assert solved.mean() > 0.9
    assert differences(mine[solved], others[solved]).max() < 1e-9


def test_cells_in_doubt_are_decided_by_torch():
    """Beyond the range of floats: the kernel gives no answer, and torch refuses."""
    good, bad = cell("octet", radius=0.05), cell("bcc", radius=0.05)
    batch = LatticeBatch.from_lattices([good, bad, good])
    unit = torch.tensor([1.0, 1e-90, 1.0], dtype=torch.float64)
    own = unit[batch.strut_lattice]
    radii = {name: getattr(batch, name) * own for name in ("radii", "end_radii", "inner_radii")}
    batch = batch.replace(cells=batch.cells * unit[:, None, None], **radii)
    _, solved = solve_compiled(batch, held_of(batch), Task("euler-bernoulli", None, False))
    assert solved.tolist() == [True, False, True]
    with pytest.raises(IllConditionedError, match="lattice 1"):
        homogenise_beam(batch)


def test_what_torch_decides_is_put_in_its_place(monkeypatch):
    """The kernel takes cells of fewer than 3 nodes here, torch the others; fields too."""
    lattices = [cell(n, radius=0.04) for n in ("octet", "sc", "kelvin", "bcc", "diamond")]
    whole = homogenise_beam(lattices, fields=True)
    monkeypatch.setattr(compiled, "COMPILED_BELOW_NODES", 3)
    mixed = homogenise_beam(lattices, fields=True)
    torch.testing.assert_close(
        mixed.stiffness.mandel, whole.stiffness.mandel, rtol=1e-11, atol=1e-16
    )
    for name in ("end_forces", "displacements", "bending", "condition"):
        one, two = getattr(whole.fields, name), getattr(mixed.fields, name)
        torch.testing.assert_close(two, one, rtol=1e-7, atol=1e-9 * float(one.abs().max()))


def solved_with(threads, use_threads, batch):
    use_threads(threads)
    leaves = {
        name: getattr(batch, name).clone().requires_grad_()
        for name in ("nodes", "cells", "radii", "E")
    }
    solution = homogenise_beam(batch.replace(**leaves), fields="end_forces")
    (solution.stiffness.mandel.square().sum() + solution.end_forces.square().sum()).backward()
    return [
        solution.stiffness.mandel.detach(),
        solution.end_forces.detach(),
        *(leaf.grad for leaf in leaves.values()),
    ]


def test_threads_give_the_same_bits(use_threads):
    """Stiffness, end forces and gradients; enough cells for several spans."""
    batch = varied(1_500, 1)
    alone = solved_with(1, use_threads, batch)
    for threads in (2, 3):
        for one, other in zip(alone, solved_with(threads, use_threads, batch), strict=True):
            assert torch.equal(one, other)


def test_a_cell_gives_the_same_bits_wherever_it_stands():
    batch = varied(200, 2)
    order = np.random.default_rng(0).permutation(200)
    C = homogenise_beam(batch).stiffness.mandel
    assert torch.equal(homogenise_beam(batch.select(order)).stiffness.mandel, C[order])
    assert torch.equal(homogenise_beam(batch[7]).stiffness.mandel[0], C[7])


def test_single_precision_batches_are_solved_in_double_precision():
    """Fields come in the batch's precision; C is that of the rounded lattice, to float64."""
    batch = LatticeBatch.from_lattices(example_lattices(), dtype=torch.float32)
    solution = homogenise_beam(batch, fields=True)
    exact = homogenise_beam(batch.to(dtype=torch.float64))
    assert torch.equal(solution.stiffness.mandel, exact.stiffness.mandel)
    assert solution.fields.end_forces.dtype == torch.float32
    radii = batch.radii.clone().requires_grad_()
    homogenise_beam(batch.replace(radii=radii)).stiffness.mandel.sum().backward()
    assert radii.grad.dtype == torch.float32
    assert torch.isfinite(radii.grad).all()


def test_second_derivatives_are_refused():
    batch = LatticeBatch.from_lattices([random_lattice(0)])
    radii = batch.radii.clone().requires_grad_()
    C = homogenise_beam(batch.replace(radii=radii)).stiffness.mandel
    (first,) = torch.autograd.grad(C.sum(), radii, create_graph=True)
    with pytest.raises(RuntimeError, match="once differentiable"):
        first.sum().backward()


def test_results_changed_in_place_are_not_taken_for_the_solution():
    """As torch does for its own operations: an error, not a wrong gradient."""
    batch = LatticeBatch.from_lattices([random_lattice(0)])
    radii = batch.radii.clone().requires_grad_()
    forces = homogenise_beam(batch.replace(radii=radii), fields="end_forces").end_forces
    total = forces.square().sum()
    with torch.no_grad():
        forces.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        total.backward()


def test_a_cell_without_gradient_beside_one_with():
    """Derivatives by parts of C alone, by end forces alone, and by nothing of one lattice."""
    batch = LatticeBatch.from_lattices([random_lattice(0), random_lattice(1)])
    radii = batch.radii.clone().requires_grad_()
    fields = homogenise_beam(batch.replace(radii=radii), fields=True).fields
    fields.torsion[1].sum().backward()
    first = int(batch.strut_offsets[1])
    assert radii.grad[:first].abs().max() == 0
    assert radii.grad[first:].abs().min() > 0


def test_a_self_image_strut_alone():
    """Simple cubic: one node whose struts join it to itself, no neighbour at all."""
    lattice = Lattice(np.eye(3), [[0, 0, 0]], [[0, 0]] * 3, np.eye(3, dtype=int), [0.07] * 3)
    C = homogenise_beam(lattice).stiffness.mandel[0].numpy()
    shear = 6 * np.pi / 4 * 0.07**4
    expected = np.diag([np.pi * 0.07**2] * 3 + [2 * shear] * 3)
    assert np.abs(C - expected).max() < 1e-12 * shear
