"""The self-stress of struts that do not fit: closed forms, second derivatives of C, balance."""

import numpy as np
import pytest
import torch
from torch import Tensor

from fem_reference.beam import homogenise_beam
from fem_reference.beam.elements import strut_operator
from fem_reference.beam.misfit import misfit_energy, misfit_forces
from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.testing import assert_gradient, random_lattice

pytestmark = pytest.mark.usefixtures("path")

ROUNDING = 1e-10


def asymmetric(count: int = 1) -> LatticeBatch:
    return LatticeBatch.from_lattices([random_lattice(k, num_nodes=3) for k in range(count)])


def random_misfit(batch: LatticeBatch, sets: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(3)
    return torch.randn(sets, len(batch.struts), 12, 6, generator=generator, dtype=torch.float64)


def test_a_strut_too_long_in_a_cubic_grid_is_compressed_between_images_of_one_node() -> None:
    radius, excess = 0.05, 0.01
    batch = LatticeBatch.from_lattices([cell("sc", radius=radius)])
    t = batch.strut_vectors[0] / batch.lengths[0]
    misfit = torch.zeros(1, len(batch.struts), 12, 6, dtype=torch.float64)
    misfit[0, 0, 6:9, 0] = excess * t
    expected = np.pi * radius**2 / float(batch.lengths[0]) * excess**2
    R = misfit_energy(batch, misfit)[0, 0]
    assert float(R[0, 0]) == pytest.approx(expected, rel=ROUNDING)
    assert float(R[1:].abs().max()) == 0


def test_a_motion_of_the_nodes_is_no_misfit() -> None:
    batch = asymmetric(3)
    generator = torch.Generator().manual_seed(5)
    U = torch.randn(len(batch.nodes), 6, 6, generator=generator, dtype=torch.float64)
    moved = U[batch.struts].reshape(1, -1, 12, 6)
    scale = misfit_energy(batch, random_misfit(batch)).abs().max()
    assert float(misfit_energy(batch, moved).abs().max() / scale) < ROUNDING


def test_it_is_the_second_order_of_stiffness_in_the_flexibility_of_a_strut() -> None:
    """With f the end forces of a strut that becomes softer by 1 + h, C = P - h f.Ff + h^2 R."""
    batch, strut, h = asymmetric(), 2, 1e-3
    solution = homogenise_beam(batch, fields="end_forces")
    B, f = strut_operator(batch)[strut], solution.end_forces[strut]
    misfit = torch.zeros(1, len(batch.struts), 12, 6, dtype=torch.float64)
    misfit[0, strut] = torch.linalg.pinv(B.mT @ B) @ f
    R = misfit_energy(batch, misfit)[0, 0] / batch.volumes
    softer = [batch.E.clone() for _ in range(2)]
    for E, step in zip(softer, (h, -h), strict=True):
        E[strut] /= 1 + step
    above, below = (homogenise_beam(batch.replace(E=E)).stiffness.mandel[0] for E in softer)
    second = (above + below - 2 * solution.stiffness.mandel[0]) / (2 * h**2)
    torch.testing.assert_close(R, second, rtol=0, atol=1e-5 * float(R.abs().max()))


def test_forces_balance_at_every_node_and_do_the_work() -> None:
    batch = asymmetric(4)
    misfit = random_misfit(batch, sets=2)
    forces = misfit_forces(batch, misfit)
    scale = float(forces.abs().max())
    at_nodes = torch.zeros(2, len(batch.nodes), 6, 6, dtype=torch.float64)
    at_nodes.index_add_(1, batch.struts.flatten(), forces.reshape(2, -1, 6, 6))
    assert float(at_nodes.abs().max()) < ROUNDING * scale
    work = torch.zeros(2, len(batch), 6, 6, dtype=torch.float64)
    work.index_add_(1, batch.strut_lattice, misfit.mT @ forces)
    R = misfit_energy(batch, misfit)
    torch.testing.assert_close(work, R, rtol=0, atol=ROUNDING * float(R.abs().max()))
    assert float(torch.linalg.eigvalsh(R).min()) > 0


def test_sets_and_lattices_are_independent() -> None:
    batch = LatticeBatch.from_lattices(
        [cell("octet", radius=0.05), random_lattice(1), cell("sc", radius=0.1)]
    )
    misfit = random_misfit(batch, sets=2)
    R = misfit_energy(batch, misfit)
    struts = batch.strut_offsets.tolist()
    for k in range(len(batch)):
        mine = misfit[1:, struts[k] : struts[k + 1]]
        torch.testing.assert_close(
            misfit_energy(batch[k], mine)[0, 0], R[1, k], rtol=ROUNDING, atol=1e-12
        )


def test_supercells_store_as_many_times_the_energy() -> None:
    """Beyond 60 nodes the factorisation is sparse."""
    small = cell("bcc", radius=0.08)
    large = small.supercell(4, 4, 4)
    one, many = (LatticeBatch.from_lattices([x]) for x in (small, large))
    assert len(many.nodes) > 60
    forces = [homogenise_beam(x, fields="end_forces").end_forces for x in (one, many)]
    # The forces themselves as misfit of some struts; the others fit.
    R = []
    for batch, f in zip((one, many), forces, strict=True):
        chosen = (batch.strut_vectors.prod(1) > 0).double()
        R.append(misfit_energy(batch, (chosen[:, None, None] * f)[None])[0, 0])
    torch.testing.assert_close(R[1], 64 * R[0], rtol=1e-8, atol=1e-10 * float(R[1].abs().max()))


@pytest.mark.parametrize("name", ["misfit", "nodes", "cells", "radii", "E", "nu"])
def test_derivatives_are_those_of_central_differences(name: str) -> None:
    batch, misfit = asymmetric(2), random_misfit(asymmetric(2), sets=2)
    generator = torch.Generator().manual_seed(2)
    weights = torch.randn(2, 2, 6, 6, generator=generator, dtype=torch.float64)
    weights /= misfit_energy(batch, misfit).norm()

    def load(x: Tensor) -> Tensor:
        if name == "misfit":
            return (weights * misfit_energy(batch, x)).sum()
        return (weights * misfit_energy(batch.replace(**{name: x}), misfit)).sum()

    x = misfit if name == "misfit" else getattr(batch, name)
    direction = torch.randn(x.shape, generator=generator, dtype=torch.float64)
    assert_gradient(load, x, direction * (0.1 if name == "radii" else 1.0))
