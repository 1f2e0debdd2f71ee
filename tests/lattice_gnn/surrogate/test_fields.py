"""Response to a strain: stress and energy of C, equilibrium and energy of the frame."""

import numpy as np
import pytest
import torch

import lattice_gnn as lg
from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError

STRAIN = np.array([[0.01, 0.002, 0.0], [0.002, -0.004, 0.001], [0.0, 0.001, 0.003]])


@pytest.fixture(scope="module")
def prediction():
    return lg.predict(cell("octet", relative_density=0.1).perturbed(0.05, seed=1))


def test_stress_and_energy_are_those_of_the_stiffness(prediction):
    response = prediction.response(STRAIN)
    C = prediction.stiffness.cartesian.numpy()
    np.testing.assert_allclose(
        response.stress.numpy(), np.einsum("ijkl,kl", C, STRAIN), rtol=1e-12, atol=1e-18
    )
    assert response.energy == pytest.approx(np.sum(response.stress.numpy() * STRAIN) / 2, rel=1e-12)


def test_the_fields_are_those_of_the_frame(prediction):
    """The forces on every node balance, and their work is the energy of the frame."""
    lattice, response = prediction.lattice, prediction.response(STRAIN)
    ends = response.end_forces.view(-1, 2, 6)[:, :, :3]
    sums = torch.zeros(lattice.num_nodes, 3, dtype=torch.float64)
    sums.index_add_(0, torch.tensor(lattice.struts.ravel()), ends.flatten(0, 1))
    assert float(sums.abs().max()) < 1e-9 * float(ends.abs().max())
    work = (ends[:, 1] * torch.tensor(lattice.strut_vectors @ STRAIN)).sum()
    frame = prediction.frame.cartesian.numpy()
    twice = np.einsum("ij,ijkl,kl", STRAIN, frame, STRAIN) * lattice.volume
    assert float(work) == pytest.approx(twice, rel=1e-9)
    assert response.energy > twice / 2 / lattice.volume  # joints are stiffer than points


@pytest.mark.parametrize(
    ("strain", "words"),
    [
        (np.zeros(6), r"shape \(3, 3\), got shape \(6,\)"),
        (np.full((3, 3), np.nan), "finite"),
        (np.triu(np.ones((3, 3))), "symmetric"),
    ],
)
def test_what_is_no_strain_is_refused(prediction, strain, words):
    with pytest.raises(LatticeGnnError, match=words):
        prediction.response(strain)
