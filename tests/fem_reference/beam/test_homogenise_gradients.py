"""Derivatives of C against central differences, entry by entry, in float64."""

import numpy as np
import pytest
import torch

import fem_reference.beam.groups
from fem_reference.beam.homogenise import homogenise_beam
from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.testing import random_lattice

pytestmark = pytest.mark.usefixtures("path")

GRADIENT = 1e-6
"""Error of each entry of a gradient, relative to the largest entry (or to 1 % of C)."""
STEP = 1e-5
"""Step of the central differences, relative to the size of what is moved."""

LATTICES = {
    "octet": cell("octet", radius=0.05),
    "bcc": cell("bcc", relative_density=0.05),
    "sheared diamond": cell("diamond", radius=0.03).strained(
        np.array([[1, 0.2, 0], [0, 0.9, 0.1], [0, 0, 1.1]])
    ),
    "asymmetric": random_lattice(1, sections=True),
}
FIELDS = ("nodes", "cells", "radii", "end_radii", "E", "nu")
PATHS = pytest.mark.parametrize("sparse_from", [60, 1], ids=["dense", "sparse"])


def weights():
    """One random symmetric weight matrix: the gradient of every entry of C enters."""
    W = torch.from_numpy(np.random.default_rng(0).normal(size=(6, 6)))
    return W + W.T


def objective(batch, arms=None, element="euler-bernoulli"):
    """W : C of every lattice."""
    C = homogenise_beam(batch, element=element, rigid_ends=arms).stiffness.mandel
    return (C * weights()).sum((1, 2))


def by_autograd(batch, field, arms, element):
    if field == "rigid_ends":
        moved = arms.clone().requires_grad_()
        objective(batch, moved, element)[0].backward()
    else:
        moved = getattr(batch, field).clone().requires_grad_()
        objective(batch.replace(**{field: moved}), arms, element)[0].backward()
    return moved.grad.flatten()


def by_differences(batch, field, arms, element):
    """All steps, forth and back, as one batch of copies of the lattice."""
    start = arms if field == "rigid_ends" else getattr(batch, field)
    count = start.numel()
    step = STEP * float(start.abs().max())
    moves = step * torch.cat([torch.eye(count), -torch.eye(count)]).to(start)
    moved = (start.flatten() + moves).view(-1, *start.shape[1:])
    copies = batch.select(np.zeros(2 * count, dtype=np.int64))
    if field == "rigid_ends":
        values = objective(copies, moved, element)
    else:
        many = None if arms is None else arms.repeat(2 * count, 1)
        values = objective(copies.replace(**{field: moved}), many, element)
    return (values[:count] - values[count:]) / (2 * step)


def check(batch, field, *, arms=None, element="euler-bernoulli"):
    exact = by_autograd(batch, field, arms, element)
    approximate = by_differences(batch, field, arms, element)
    assert torch.isfinite(exact).all()
    # Gradients by the nodes of symmetric cells vanish; then the error is relative to C itself.
    C = homogenise_beam(batch, element=element, rigid_ends=arms).stiffness.mandel
    largest = max(float(exact.abs().max()), 1e-2 * float(C.norm()))
    assert float((exact - approximate).abs().max()) < GRADIENT * largest


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize(
    ("name", "sparse_from"), [*((name, 60) for name in LATTICES), ("bcc", 1), ("asymmetric", 1)]
)
def test_gradient_of_euler_bernoulli(name, field, sparse_from, monkeypatch):
    monkeypatch.setattr(fem_reference.beam.groups, "SPARSE_FROM_NODES", sparse_from)
    batch = LatticeBatch.from_lattices([LATTICES[name]])
    check(batch, field)


@PATHS
@pytest.mark.parametrize("field", [*FIELDS, "inner_radii", "rigid_ends"])
def test_gradient_of_timoshenko_with_rigid_ends(field, sparse_from, monkeypatch):
    """Tapered, hollow, of several materials, with arms of different lengths."""
    monkeypatch.setattr(fem_reference.beam.groups, "SPARSE_FROM_NODES", sparse_from)
    batch = LatticeBatch.from_lattices([LATTICES["asymmetric"]])
    fractions = torch.from_numpy(np.random.default_rng(1).uniform(0.02, 0.2, (len(batch.radii), 2)))
    arms = fractions * batch.lengths[:, None]
    check(batch, field, arms=arms, element="timoshenko")


def test_gradients_of_a_batch_keep_to_their_lattices():
    """The derivative of one lattice's C, taken in a batch solved in groups, is its own."""
    lattices = [LATTICES["asymmetric"], LATTICES["octet"], random_lattice(2), LATTICES["bcc"]]
    batch = LatticeBatch.from_lattices(lattices)
    nodes = batch.nodes.clone().requires_grad_()
    C = homogenise_beam(batch.replace(nodes=nodes)).stiffness.mandel
    (C[2] * weights()).sum().backward()
    alone = LatticeBatch.from_lattices([lattices[2]])
    own = alone.nodes.clone().requires_grad_()
    C = homogenise_beam(alone.replace(nodes=own)).stiffness.mandel
    (C[0] * weights()).sum().backward()
    first, last = batch.node_offsets[2:4].tolist()
    scale = float(own.grad.abs().max())
    torch.testing.assert_close(nodes.grad[first:last], own.grad, rtol=0, atol=1e-11 * scale)
    others = torch.cat([nodes.grad[:first], nodes.grad[last:]])
    assert others.abs().max() == 0


@pytest.mark.parametrize("name", LATTICES)
def test_gradients_obey_the_symmetries_of_the_problem(name):
    """Moving all nodes, or all lengths alike (r dC/dr + h dC/dh = 0), changes nothing."""
    batch = LatticeBatch.from_lattices([LATTICES[name]])
    names = ("nodes", "cells", "radii", "end_radii", "inner_radii")
    leaves = {field: getattr(batch, field).clone().requires_grad_() for field in names}
    objective(batch.replace(**leaves))[0].backward()
    of_nodes = leaves["nodes"].grad
    size = float(homogenise_beam(batch).stiffness.mandel.norm())
    assert of_nodes.sum(0).abs().max() < 1e-10 * size
    scaling = sum((leaves[field].grad * leaves[field]).sum() for field in names[1:])
    assert abs(float(scaling.detach())) < 1e-10 * size


def test_derivative_by_the_uniform_modulus_is_the_stiffness_itself():
    """C is homogeneous of degree one in E (Euler): sum of E dC/dE = C."""
    batch = LatticeBatch.from_lattices([LATTICES["asymmetric"]])
    E = batch.E.clone().requires_grad_()
    value = objective(batch.replace(E=E))[0]
    value.backward()
    total = (E.grad * E.detach()).sum()
    torch.testing.assert_close(total, value.detach(), rtol=1e-10, atol=0)


@pytest.fixture
def use_threads():
    """Set the number of threads of torch; the old one comes back."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def test_gradients_from_several_threads(use_threads):
    """Groups may be solved by several threads, and grad mode belongs to the thread."""
    lattices = [LATTICES["asymmetric"], LATTICES["octet"], cell("kelvin", radius=0.03)]
    batch = LatticeBatch.from_lattices(lattices)
    gradients = []
    for threads in (1, 3):
        use_threads(threads)
        radii = batch.radii.clone().requires_grad_()
        objective(batch.replace(radii=radii)).sum().backward()
        gradients.append(radii.grad)
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-12, atol=0)


@pytest.mark.parametrize("threads", [1, 3])
def test_no_gradient_is_recorded_unless_asked_for(threads, use_threads):
    use_threads(threads)
    assert not homogenise_beam(LATTICES["bcc"]).stiffness.mandel.requires_grad
    batch = LatticeBatch.from_lattices([LATTICES["bcc"], cell("kelvin", radius=0.03)])
    moving = batch.replace(nodes=batch.nodes.clone().requires_grad_())
    assert homogenise_beam(moving).stiffness.mandel.requires_grad
    with torch.no_grad():
        assert not homogenise_beam(moving).stiffness.mandel.requires_grad
