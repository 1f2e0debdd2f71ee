"""The map of the relaxation network stays below the affine stiffness, with exact gradients."""

import numpy as np
import pytest
import torch

from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.network.layers.positivity import below, prior_root, relative_to
from lattice_gnn.network.normaliser import Normaliser
from lattice_gnn.network.registry import build_model, read_model_config
from lattice_gnn.surrogate.surrogate import load_surrogate
from lattice_gnn.tensors.matrix_functions import symmetric_function
from lattice_gnn.testing import random_lattice


def symmetric(seed, scale=1.0):
    A = torch.randn(8, 6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return scale * (A + A.mT) / 2


def excess(C, P):
    """The largest eigenvalue of C - P over the size of P; at most rounding if C <= P."""
    return float((torch.linalg.eigvalsh(C - P)[:, -1] / P.flatten(1).norm(dim=1)).max())


def test_the_map_is_the_ordinary_one_for_negative_matrices_and_never_above_its_root():
    root = symmetric_function(symmetric(0) @ symmetric(0).mT + torch.eye(6).double(), "sqrt")
    negative = -symmetric(1) @ symmetric(1)
    torch.testing.assert_close(below(negative, root), relative_to(negative, root))
    P = root @ root
    assert excess(below(symmetric(2, 30.0), root), P) < 1e-12
    torch.testing.assert_close(below(-negative, root), P)


def test_its_gradient_is_exact_also_at_repeated_eigenvalues():
    root = torch.eye(6, dtype=torch.float64).expand(8, 6, 6)
    M = symmetric(3).requires_grad_()
    assert torch.autograd.gradcheck(lambda M: below(M, root), M, atol=1e-6)
    repeated = torch.diag(torch.tensor([1.0, 1, -1, -1, -1, 2], dtype=torch.float64))[None]
    repeated.requires_grad_()
    (gradient,) = torch.autograd.grad(below(repeated, root[:1]).sum(), repeated)
    diagonal = torch.tensor([0, 0, np.exp(-1), np.exp(-1), np.exp(-1), 0], dtype=torch.float64)
    torch.testing.assert_close(gradient[0].diagonal(), diagonal)


def far_outside():
    """A net of simple cubic in boxes of 1 x 10 x 100 and 1 x 100 x 10,000."""
    loops, shifts = [[0, 0]] * 3, np.eye(3, dtype=int)
    return [
        Lattice(np.diag([1.0, a, a * a]), [[0, 0, 0]], loops, shifts, r)
        for a, r in ((10, 0.02), (100, 0.01))
    ]


@pytest.mark.parametrize("model", ["shipped", "random weights"])
def test_the_relaxation_network_never_exceeds_the_affine_stiffness(model):
    names = ("octet", "bcc", "kelvin", "diamond", "fcc")
    lattices = [cell(x, relative_density=r).simplified() for x in names for r in (0.01, 0.05, 0.3)]
    lattices += [random_lattice(seed).simplified() for seed in range(10)] + far_outside()
    batch = LatticeBatch.from_lattices(lattices)
    if model == "shipped":
        network = load_surrogate("relaxation").model
    else:
        torch.manual_seed(0)
        network = build_model(read_model_config({"size": "tiny"}), Normaliser.fit(batch)).eval()
    with torch.no_grad():
        C = network(batch)
    root = prior_root(batch)
    assert excess(C, root @ root) < 1e-12
    assert bool((torch.linalg.eigvalsh(C) > 0).all())


def test_the_bulk_modulus_of_an_octet_is_at_most_a_ninth_of_its_density():
    C = load_surrogate("relaxation").stiffness(cell("octet", relative_density=0.05)).mandel
    assert float(C[0, 0] + 2 * C[0, 1]) / 3 <= 0.05 / 9 * (1 + 1e-9)
