"""Kelvin's eigen-stiffnesses: energies of unit strains, the soft mode, definiteness."""

import pytest
import torch

from lattice_gnn.tensors.stiffness import Stiffness


def random(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def test_eigen_stiffnesses_are_energies_of_unit_strains():
    A = random(2, 6, 6, seed=5)
    C = Stiffness(A @ A.mT)
    values, modes = C.eigen_stiffnesses()
    energy = torch.einsum("bnij,bijkl,bmkl->bnm", modes, C.cartesian, modes)
    torch.testing.assert_close(energy, torch.diag_embed(values))
    products = torch.einsum("bnij,bmij->bnm", modes, modes)
    torch.testing.assert_close(products, torch.eye(6, dtype=torch.float64).expand(2, 6, 6))
    assert bool((values.diff(dim=-1) > 0).all())
    mandel = C.mandel[0].clone().requires_grad_()
    assert torch.autograd.gradcheck(
        lambda c: Stiffness(c).symmetrised().eigen_stiffnesses().values, mandel
    )


def test_the_soft_mode_of_a_pin_jointed_frame_is_shown():
    # Struts along the cube axes resist no shear; a brace in the 12 plane leaves 23 and 13.
    C = Stiffness.from_voigt(torch.diag(torch.tensor([1.0, 1.0, 1.0, 1e-3, 2e-3, 0.3]).double()))
    assert bool(C.is_positive_definite())
    soft = C.soft_mode()
    assert soft.value.item() == pytest.approx(2e-3)
    shear = torch.zeros(3, 3, dtype=torch.float64)
    shear[1, 2] = shear[2, 1] = 2**-0.5
    torch.testing.assert_close(soft.strain * soft.strain[1, 2].sign(), shear)


def test_definiteness_at_the_limit_of_rounding():
    values = torch.tensor([[1.0, 1e-9], [1.0, 1e-14], [1.0, 0.0], [1.0, -1e-3]]).double()
    C = Stiffness(torch.diag_embed(values[:, [0, 0, 0, 0, 0, 1]]))
    assert C.is_positive_definite().tolist() == [True, False, False, False]
