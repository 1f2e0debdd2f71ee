"""The joint network's promises hold for random weights: invariance, limits, smoothness, energy."""

import numpy as np
import pytest
import torch
from torch import Tensor

from fem_reference.beam import homogenise_beam
from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.network.joints import JointConfig, JointModel
from lattice_gnn.network.layers.joint_cases import JointCases
from lattice_gnn.network.normaliser import Normaliser
from lattice_gnn.tensors.metrics import relative_frobenius
from lattice_gnn.testing import (
    assert_equivariant,
    assert_gradient,
    example_lattices,
    random_lattice,
)

pytestmark = pytest.mark.usefixtures("path")

INVARIANCE = 1e-10
JUMP = 1e-6
CUT = 1e-8
"""Short pieces of struts make the frame's equations worse conditioned."""


def make_model(dtype: torch.dtype = torch.float64, members: int = 1) -> JointModel:
    """Random weights, large enough that C is far from the beam stiffness."""
    torch.manual_seed(0)
    model = JointModel(JointConfig(hidden=12, embedding=6, members=members), Normaliser())
    with torch.no_grad():
        for member in model.members:
            member.polynomial.normal_(0, 0.2)
            member.coefficients[-1].weight.mul_(10)
    return model.to(dtype).eval()


def predict(model: JointModel, *lattices: Lattice) -> Tensor:
    with torch.no_grad():
        return model(LatticeBatch.from_lattices(lattices))


def matrix(model: JointModel, lattice: Lattice) -> Tensor:
    """C without merging struts first."""
    with torch.no_grad():
        cases = JointCases.of(LatticeBatch.from_lattices([lattice]), model.dtype)
        G = torch.linalg.matrix_exp(model.matrix(cases) / 2) @ cases.root
        return G.mT @ G


def cut(lattice: Lattice, strut: int, at: list[float]) -> Lattice:
    """The lattice with nodes put on one of its struts."""
    i, j = lattice.struts[strut]
    shift = lattice.shifts[strut]
    step = lattice.nodes[j] + shift - lattice.nodes[i]
    new = lattice.num_nodes + np.arange(len(at))
    chain = np.array([i, *new, j])
    shifts = np.zeros((len(at) + 1, 3), dtype=np.int64)
    shifts[-1] = shift
    keep = np.arange(lattice.num_struts) != strut
    return lattice.replace(
        nodes=np.concatenate([lattice.nodes, lattice.nodes[i] + np.outer(at, step)]),
        struts=np.concatenate([lattice.struts[keep], np.stack([chain[:-1], chain[1:]], 1)]),
        shifts=np.concatenate([lattice.shifts[keep], shifts]),
        radii=np.concatenate([lattice.radii[keep], np.full(len(at) + 1, lattice.radii[strut])]),
    )


def with_strut(
    lattice: Lattice, i: int, j: int, shift: tuple[int, int, int], radius: float
) -> Lattice:
    """The lattice with one more strut."""
    return lattice.replace(
        struts=np.concatenate([lattice.struts, [[i, j]]]),
        shifts=np.concatenate([lattice.shifts, [shift]]),
        radii=np.concatenate([lattice.radii, [radius]]),
    )


def test_stiffness_turns_with_the_lattice_and_ignores_its_description() -> None:
    model = make_model()
    assert_equivariant(
        lambda x: model(LatticeBatch.from_lattices(x)).detach(),
        example_lattices(),
        tolerance=INVARIANCE,
    )


def test_random_weights_are_far_from_the_frame() -> None:
    lattices = example_lattices()
    difference = relative_frobenius(
        predict(make_model(), *lattices), homogenise_beam(lattices).stiffness.mandel
    )
    assert float(difference.median()) > 0.1


def test_stiffness_is_positive_definite() -> None:
    C = predict(make_model(torch.float32), *example_lattices(), cell("octet", radius=0.2))
    assert bool((torch.linalg.eigvalsh(C)[:, 0] > 0).all())
    torch.testing.assert_close(C, C.mT, rtol=0, atol=0)


@pytest.mark.parametrize("name", ["nodes", "cells", "radii", "E", "nu"])
@pytest.mark.parametrize(
    "lattice",
    [
        cell("octet", relative_density=0.1),
        cell("bcc", radius=0.08),
        random_lattice(1, num_nodes=3),
    ],
    ids=["octet", "bcc", "asymmetric"],
)
def test_gradient_is_that_of_central_differences(lattice: Lattice, name: str) -> None:
    model = make_model()
    batch = LatticeBatch.from_lattices([lattice])
    generator = torch.Generator().manual_seed(2)
    scale = homogenise_beam(batch).stiffness.mandel.norm()
    weights = torch.randn(1, 6, 6, generator=generator, dtype=torch.float64) / scale

    def load(x: Tensor) -> Tensor:
        return (weights * model(batch.replace(**{name: x}))).sum()

    x = getattr(batch, name)
    direction = torch.randn(x.shape, generator=generator, dtype=torch.float64)
    assert_gradient(load, x, direction * (0.1 if name == "radii" else 1.0))


@pytest.mark.parametrize("at", [[0.5], [0.3], [0.2, 0.5, 0.9]])
def test_a_node_on_a_straight_strut_changes_nothing(at: list[float]) -> None:
    model = make_model()
    for lattice in (cell("octet", radius=0.06), random_lattice(2, num_nodes=3)):
        whole, parts = matrix(model, lattice), matrix(model, cut(lattice, 1, at))
        assert float(relative_frobenius(parts, whole)) < CUT


def test_a_vanishing_strut_between_joints_changes_nothing() -> None:
    model = make_model()
    lattice = cell("bcc", radius=0.08)
    C = predict(model, lattice)
    changes = [
        float(relative_frobenius(predict(model, with_strut(lattice, 0, 0, (1, 0, 0), r)), C))
        for r in (8e-4, 8e-5, 8e-6)
    ]
    assert changes[2] < JUMP
    assert changes[0] > 50 * changes[1] > 2500 * changes[2]  # at least as the square of the radius


def test_a_vanishing_strut_on_straight_struts_changes_nothing() -> None:
    model = make_model()
    lattice = cell("octet", radius=0.06)
    n = lattice.num_nodes
    hung = with_strut(cut(cut(lattice, 0, [0.4]), 0, [0.5]), n, n + 1, (0, 0, 0), 6e-6)
    assert float(relative_frobenius(predict(model, hung), predict(model, lattice))) < JUMP


def test_vanishing_modulus_is_a_vanishing_strut() -> None:
    model = make_model()
    lattice = cell("bcc", radius=0.08)
    more = with_strut(lattice, 0, 0, (1, 0, 0), 0.08)
    soft = more.replace(E=np.where(np.arange(more.num_struts) == lattice.num_struts, 1e-9, 1.0))
    assert float(relative_frobenius(predict(model, soft), predict(model, lattice))) < JUMP


def kinked(bend: float) -> Lattice:
    """Simple cubic with a node on one strut, off its axis by the given length."""
    lattice = cut(cell("sc", radius=0.1), 0, [0.5])
    nodes = lattice.nodes.copy()
    nodes[1] += [0, bend, 0.3 * bend] if lattice.struts[2, 0] == 0 else [bend, 0, 0]
    return lattice.replace(nodes=nodes)


@pytest.mark.parametrize("h", [1e-3, 1e-4])
def test_smooth_where_the_angle_of_a_pair_goes_through_180_degrees(h: float) -> None:
    model = make_model()
    left, middle, right = (matrix(model, kinked(x)) for x in (-h, 0.0, h))
    scale = middle.norm()
    assert float((right - left).norm() / scale) < 20 * h
    assert float((right - 2 * middle + left).norm() / scale) < 300 * h**2


def test_smooth_where_struts_of_a_joint_are_collinear() -> None:
    model, h = make_model(), 1e-5
    lattice = cell("bcc", radius=0.08)  # pairs at 180 degrees in a joint with others

    def moved(x: float) -> Tensor:
        nodes = lattice.nodes.copy()
        nodes[1] += [x, 0.5 * x, -0.2 * x]
        return matrix(model, lattice.replace(nodes=nodes))

    left, middle, right = moved(-h), moved(0.0), moved(h)
    assert float((right - 2 * middle + left).norm() / middle.norm()) < JUMP


def test_slender_lattices_are_frames() -> None:
    torch.manual_seed(0)
    model = JointModel(JointConfig(), Normaliser()).double()  # as training starts
    lattices = [
        x.with_relative_density(1e-4)
        for x in (cell("octet", radius=0.1), cell("bcc", radius=0.1), cell("kelvin", radius=0.1))
    ]
    beam = homogenise_beam(lattices).stiffness.mandel
    assert float(relative_frobenius(predict(model, *lattices), beam).max()) < 1e-3


def test_correction_falls_as_radius_over_length() -> None:
    model = make_model()
    M = []
    for radius in (1e-3, 1e-4):
        cases = JointCases.of(
            LatticeBatch.from_lattices([cell("octet", radius=radius)]), torch.float64
        )
        M.append(float(model.matrix(cases).detach().norm()))
    assert M[0] / M[1] == pytest.approx(10, rel=0.05)


def test_members_are_averaged() -> None:
    model = make_model(members=3)
    cases = model.inputs(LatticeBatch.from_lattices([cell("octet", radius=0.05)]))
    each = model.member_matrices(cases)
    assert each.shape == (3, 1, 6, 6)
    torch.testing.assert_close(model.matrix(cases), each.mean(0))


def test_gradient_is_finite_for_touching_and_symmetric_struts() -> None:
    model = make_model(torch.float32)
    batch = LatticeBatch.from_lattices(
        [cell("octet", radius=0.2), cell("sc", radius=0.3), cell("fluorite", radius=0.1)]
    )
    radii = batch.radii.clone().requires_grad_(True)
    nodes = batch.nodes.clone().requires_grad_(True)
    model(batch.replace(radii=radii, nodes=nodes)).sum().backward()
    for gradient in (radii.grad, nodes.grad):
        assert gradient is not None
        assert bool(torch.isfinite(gradient).all())
