"""Moduli against engineering constants, closed forms for cubic crystals, and published values."""

import math

import pytest
import torch

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.tensors.stiffness import Stiffness

COPPER = (168.4, 121.4, 75.4)
X, Y, Z = torch.eye(3).double()


def random_stiffness(*batch, seed=0):
    generator = torch.Generator().manual_seed(seed)
    A = torch.randn(*batch, 6, 6, generator=generator, dtype=torch.float64)
    return Stiffness(A @ A.mT + 0.2 * torch.eye(6).double())


def cubic_compliances(C11, C12, C44):
    # Nye (1985), ch. VIII, table 9.
    determinant = (C11 - C12) * (C11 + 2 * C12)
    return (C11 + C12) / determinant, -C12 / determinant, 1 / C44


def test_engineering_constants_come_back_along_the_axes():
    E1, E2, E3, nu12, nu13, nu23, G23, G13, G12 = 10.0, 4.0, 2.0, 0.3, 0.25, 0.4, 0.9, 1.1, 1.5
    S = torch.zeros(6, 6).double()
    S[0, 0], S[1, 1], S[2, 2] = 1 / E1, 1 / E2, 1 / E3
    S[0, 1] = S[1, 0] = -nu12 / E1
    S[0, 2] = S[2, 0] = -nu13 / E1
    S[1, 2] = S[2, 1] = -nu23 / E2
    S[3, 3], S[4, 4], S[5, 5] = 1 / G23, 1 / G13, 1 / G12
    C = Stiffness.from_compliance_voigt(S)
    torch.testing.assert_close(C.compliance_voigt(), S)
    assert C.young_modulus(X).item() == pytest.approx(E1)
    assert C.young_modulus(3.0 * Y).item() == pytest.approx(E2)
    assert C.young_modulus([0.0, 0.0, -2.0]).item() == pytest.approx(E3)
    assert C.poisson_ratio(X, Y).item() == pytest.approx(nu12)
    assert C.poisson_ratio(Y, X).item() == pytest.approx(nu12 * E2 / E1)
    assert C.poisson_ratio(X, Z).item() == pytest.approx(nu13)
    assert C.poisson_ratio(Y, Z).item() == pytest.approx(nu23)
    assert C.shear_modulus(Y, Z).item() == pytest.approx(G23)
    assert C.shear_modulus(Z, X).item() == pytest.approx(G13)
    assert C.shear_modulus(X, Y).item() == pytest.approx(G12)
    assert C.linear_compressibility(X).item() == pytest.approx((1 - nu12 - nu13) / E1)
    assert C.shear_modulus(X, X + Y).item() == pytest.approx(G12)


def test_isotropic_solid_has_its_moduli_in_every_direction():
    E, nu = 3.0, 0.27
    C = Stiffness.isotropic(E, nu)
    n, m = torch.randn(2, 50, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    G, K = E / (2 * (1 + nu)), E / (3 * (1 - 2 * nu))
    for values, expected in (
        (C.young_modulus(n), E),
        (C.shear_modulus(n, m), G),
        (C.poisson_ratio(n, m), nu),
        (C.linear_compressibility(n), 1 / (3 * K)),
    ):
        torch.testing.assert_close(values, torch.full((50,), expected, dtype=torch.float64))
    mean = C.averages()
    for name, expected in (("bulk", K), ("shear", G), ("young", E), ("poisson", nu)):
        for kind in ("voigt", "reuss", "hill"):
            assert getattr(mean, f"{name}_{kind}").item() == pytest.approx(expected)
    assert C.universal_anisotropy().item() == pytest.approx(0.0, abs=1e-12)
    assert C.log_euclidean_anisotropy().item() == pytest.approx(0.0, abs=1e-12)
    torch.testing.assert_close(
        C.eigen_stiffnesses().values, torch.tensor([2 * G] * 5 + [3 * K], dtype=torch.float64)
    )


def test_copper_against_closed_forms():
    # Constants in GPa; E along the cube axis and diagonal: 66.7 and 191.1 GPa in every textbook.
    C = Stiffness.cubic(*COPPER)
    S11, S12, S44 = cubic_compliances(*COPPER)
    assert C.young_modulus(X).item() == pytest.approx(1 / S11)
    assert C.young_modulus(X).item() == pytest.approx(66.7, abs=0.05)
    assert C.young_modulus([1, 1, 1]).item() == pytest.approx(191.1, abs=0.1)
    assert C.young_modulus([1, 1, 1]).item() == pytest.approx(3 / (S11 + 2 * S12 + S44))
    assert C.young_modulus([1, 1, 0]).item() == pytest.approx(4 / (2 * S11 + 2 * S12 + S44))
    assert C.poisson_ratio(X, Y).item() == pytest.approx(121.4 / (168.4 + 121.4))
    diagonal = 2 * S11 + 2 * S12 + S44
    assert C.poisson_ratio(X + Y, Z).item() == pytest.approx(-4 * S12 / diagonal)
    across = C.poisson_ratio(X + Y, X - Y).item()
    assert across == pytest.approx(-(2 * S11 + 2 * S12 - S44) / diagonal)
    assert across < 0
    assert C.shear_modulus(X, Y).item() == pytest.approx(75.4)
    assert C.shear_modulus(X + Y, X - Y).item() == pytest.approx((168.4 - 121.4) / 2)
    assert C.zener().item() == pytest.approx(3.2085, abs=1e-4)
    torch.testing.assert_close(
        C.eigen_stiffnesses().values,
        torch.tensor([47.0, 47.0, 150.8, 150.8, 150.8, 168.4 + 2 * 121.4], dtype=torch.float64),
    )


def test_averages_of_a_cubic_crystal_against_closed_forms():
    C11, C12, C44 = COPPER
    mean = Stiffness.cubic(*COPPER).averages()
    K = (C11 + 2 * C12) / 3
    assert mean.bulk_voigt.item() == pytest.approx(K)
    assert mean.bulk_reuss.item() == pytest.approx(K)
    assert mean.shear_voigt.item() == pytest.approx((C11 - C12 + 3 * C44) / 5)
    reuss = 5 * (C11 - C12) * C44 / (4 * C44 + 3 * (C11 - C12))
    assert mean.shear_reuss.item() == pytest.approx(reuss)
    G = 0.5 * ((C11 - C12 + 3 * C44) / 5 + reuss)
    assert mean.young_hill.item() == pytest.approx(9 * K * G / (3 * K + G))
    assert mean.poisson_hill.item() == pytest.approx((3 * K - 2 * G) / (6 * K + 2 * G))


def test_anisotropy_of_a_cubic_crystal_against_published_values():
    # Elasticipy documents Zener 2.9615 and A_U 1.5590 for (186, 134, 77).
    C = Stiffness.cubic(186.0, 134.0, 77.0)
    A = C.zener().item()
    assert pytest.approx(2.9615, abs=5e-5) == A
    assert C.universal_anisotropy().item() == pytest.approx(1.5590, abs=5e-5)
    # Ranganathan and Ostoja-Starzewski (2008): A_U = 6/5 (sqrt A - 1/sqrt A)^2.
    assert C.universal_anisotropy().item() == pytest.approx(1.2 * (A**0.5 - A**-0.5) ** 2)
    # Kube (2016): A_L = sqrt 5 ln((2 + 3 A)(3 + 2 A)/(25 A)).
    expected = math.sqrt(5) * math.log((2 + 3 * A) * (3 + 2 * A) / (25 * A))
    assert C.log_euclidean_anisotropy().item() == pytest.approx(expected)


def test_directional_moduli_against_cartesian_sums():
    C = random_stiffness(seed=4)
    S = Stiffness(C.compliance()).cartesian
    n, m = torch.linalg.qr(
        torch.randn(3, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    )[0].T
    along = torch.einsum("ijkl,i,j,k,l->", S, n, n, n, n)
    across = torch.einsum("ijkl,i,j,k,l->", S, m, m, n, n)
    shear = torch.einsum("ijkl,i,j,k,l->", S, n, m, n, m)
    torch.testing.assert_close(C.young_modulus(n), 1 / along)
    torch.testing.assert_close(C.poisson_ratio(n, m), -across / along)
    torch.testing.assert_close(C.shear_modulus(n, m), 1 / (4 * shear))
    torch.testing.assert_close(C.linear_compressibility(n), torch.einsum("ijkk,i,j->", S, n, n))


def test_moduli_turn_with_the_material():
    C = random_stiffness(seed=2)
    Q = torch.linalg.qr(
        torch.randn(3, 3, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    )[0]
    n, m = torch.randn(2, 8, 3, generator=torch.Generator().manual_seed(6), dtype=torch.float64)
    turned = C.rotated(Q)
    torch.testing.assert_close(turned.young_modulus(n @ Q.T), C.young_modulus(n))
    torch.testing.assert_close(turned.poisson_ratio(n @ Q.T, m @ Q.T), C.poisson_ratio(n, m))
    torch.testing.assert_close(turned.shear_modulus(n @ Q.T, m @ Q.T), C.shear_modulus(n, m))
    for name in ("bulk_reuss", "shear_reuss", "shear_voigt"):
        torch.testing.assert_close(getattr(turned.averages(), name), getattr(C.averages(), name))


def test_compressibilities_add_up_to_the_reuss_bulk_modulus():
    C = random_stiffness(5, seed=3)
    total = sum(C.linear_compressibility(axis) for axis in (X, Y, Z))
    torch.testing.assert_close(1.0 / total, C.bulk_modulus("reuss"))


def test_a_needle_of_stiffness_keeps_its_digits():
    # One strut along (1, 2, 2)/3 in a medium 1e-10 as stiff: E along it is 1 + O(1e-10).
    strut = torch.tensor([1.0, 2.0, 2.0], dtype=torch.float64) / 3
    C = torch.einsum("i,j,k,l->ijkl", strut, strut, strut, strut)
    stiffness = Stiffness(
        Stiffness.from_cartesian(C).mandel + Stiffness.isotropic(1e-10, 0.0).mandel
    )
    assert stiffness.young_modulus(strut).item() == pytest.approx(1.0 + 1e-10, abs=2e-11)


@pytest.mark.parametrize("symmetric", [True, False])
def test_gradients_flow_through_every_modulus(symmetric):
    generator = torch.Generator().manual_seed(8)
    C = random_stiffness(2, seed=9).mandel
    if not symmetric:
        C = C + 0.1 * torch.randn(2, 6, 6, generator=generator, dtype=torch.float64)
    n, m = torch.randn(2, 2, 3, generator=generator, dtype=torch.float64)
    functions = [
        lambda C, n, m: C.young_modulus(n),
        lambda C, n, m: C.shear_modulus(n, m),
        lambda C, n, m: C.poisson_ratio(n, m),
        lambda C, n, m: C.linear_compressibility(n),
        lambda C, n, m: C.averages().young_hill + C.averages().poisson_hill,
        lambda C, n, m: C.universal_anisotropy() + C.log_euclidean_anisotropy(),
        lambda C, n, m: C.compliance_voigt(),
    ]
    inputs = [value.requires_grad_() for value in (C, n, m)]
    for function in functions:
        assert torch.autograd.gradcheck(
            lambda c, n, m, f=function: f(
                Stiffness(c).symmetrised() if symmetric else Stiffness(c), n, m
            ),
            inputs,
            atol=1e-6,
            rtol=1e-5,
        )


def test_anisotropy_has_a_finite_gradient_at_the_isotropic_tensor():
    C = Stiffness.isotropic().mandel.requires_grad_()
    Stiffness(C).log_euclidean_anisotropy().backward()
    assert bool(torch.isfinite(C.grad).all())


def test_what_has_no_answer_is_refused():
    C = Stiffness.cubic(*COPPER)
    singular = Stiffness(torch.stack([C.mandel, torch.diag(torch.tensor([1.0] * 5 + [0.0]))]))
    with pytest.raises(LatticeGnnError, match=r"number 1 of the batch\) is singular"):
        singular.young_modulus(X)
    with pytest.raises(LatticeGnnError, match="length zero"):
        C.young_modulus([0.0, 0.0, 0.0])
    with pytest.raises(LatticeGnnError, match="parallel"):
        C.shear_modulus(X, 2 * X)
    with pytest.raises(LatticeGnnError, match=r"shape \(\.\.\., 3\)"):
        C.young_modulus([1.0, 0.0])
