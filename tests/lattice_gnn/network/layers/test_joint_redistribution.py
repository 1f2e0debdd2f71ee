"""The second order: zero where all forces scale alike, positive, bounded, falling as (r / L)^2."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from fem_reference.beam.elements import strut_operator
from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.network.layers.joint_cases import JointCases, end_units
from lattice_gnn.network.layers.joint_forms import joint_responses, work
from lattice_gnn.network.layers.joint_redistribution import redistribution, redistribution_by_node
from lattice_gnn.testing import example_lattices, random_lattice

ROUNDING = 1e-10


def random_responses(cases: JointCases, size: float = 0.1) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    shape = 1, 2, len(cases.coupling), 42
    g = size * torch.randn(shape, generator=generator, dtype=torch.float64)
    return joint_responses(g, cases)


def first_and_second(cases: JointCases, responses: Tensor) -> tuple[Tensor, Tensor]:
    M = work(responses, cases)
    return M, redistribution(responses, M, cases)


@pytest.mark.parametrize("share", [0.1, -0.3])
def test_zero_where_all_struts_are_softer_by_the_same_share(share: float) -> None:
    """Misfits of every strut by a share of its own deformation only scale the forces."""
    batch = LatticeBatch.from_lattices([random_lattice(k, num_nodes=3) for k in range(3)])
    cases = JointCases.of(batch, torch.float64)
    batch = cases.frame
    B, units = strut_operator(batch), end_units(batch)[:, :, None, None]
    forces = (cases.forces / units).view(-1, 12, 6)
    misfit = share * torch.linalg.pinv(B.mT @ B) @ forces
    M, second = first_and_second(cases, (misfit.view(-1, 2, 2, 3, 6).flatten(0, 1) / units)[None])
    one = torch.eye(6, dtype=torch.float64).expand_as(M)
    torch.testing.assert_close(M, share * one, rtol=0, atol=1e-8)
    assert float(second.abs().max()) < 1e-8


def test_positive_and_bounded_for_any_coefficients() -> None:
    cases = JointCases.of(LatticeBatch.from_lattices(example_lattices()), torch.float64)
    for size in (0.1, 10.0):
        _, second = first_and_second(cases, random_responses(cases, size))
        eigenvalues = torch.linalg.eigvalsh(second)
        assert float(eigenvalues.min()) > -1e-8
        assert float(eigenvalues.max()) < 4
    assert float(eigenvalues.max()) > 3


def test_falls_as_the_square_of_radius_over_length() -> None:
    sizes = []
    for radius in (1e-3, 1e-4):
        lattice = random_lattice(1, num_nodes=3)
        batch = LatticeBatch.from_lattices([lattice.with_radii(radius * lattice.lengths.mean())])
        cases = JointCases.of(batch, torch.float64)
        sizes.append(float(first_and_second(cases, random_responses(cases))[1].norm()))
    assert sizes[0] / sizes[1] == pytest.approx(100, rel=0.05)


def test_parts_of_the_nodes_add_up() -> None:
    batch = LatticeBatch.from_lattices([random_lattice(1), cell("octet", radius=0.05)])
    cases = JointCases.of(batch, torch.float64)
    batch = cases.frame
    responses = random_responses(cases)
    _, second = first_and_second(cases, responses)
    by_end = cases.forces.flatten(1, 2).mT @ responses[0].flatten(1, 2)
    nodes = torch.zeros(len(batch.nodes), 6, 6, dtype=torch.float64)
    nodes = nodes.index_add(0, batch.struts.flatten(), (by_end + by_end.mT) / 2)
    parts = redistribution_by_node(responses, nodes[None], cases)[0]
    summed = torch.zeros(len(batch), 6, 6, dtype=torch.float64)
    summed = summed.index_add(0, batch.node_lattice, parts)
    torch.testing.assert_close(summed, second[0], rtol=ROUNDING, atol=ROUNDING)


def test_responses_are_half_the_derivative_of_the_energy() -> None:
    cases = JointCases.of(LatticeBatch.from_lattices([random_lattice(2)]), torch.float64)
    generator = torch.Generator().manual_seed(0)
    g = torch.randn(1, 2, len(cases.coupling), 42, generator=generator, dtype=torch.float64)
    forces = cases.forces.clone().requires_grad_(True)
    moved = replace(cases, forces=forces)
    responses = joint_responses(g, moved)
    (gradient,) = torch.autograd.grad(work(responses, moved).diagonal(dim1=2, dim2=3).sum(), forces)
    torch.testing.assert_close(gradient, 2 * responses[0], rtol=1e-9, atol=1e-12)
