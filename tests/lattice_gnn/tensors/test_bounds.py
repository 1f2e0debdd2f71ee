"""Upper bounds against the two-phase formulae, dilute limits and low-density closed forms."""

import pytest
import torch

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.tensors.bounds import bound_ratios, upper_bounds
from lattice_gnn.tensors.moduli import isotropic_poisson, isotropic_young
from lattice_gnn.tensors.stiffness import Stiffness


def two_phase_upper(K1, G1, K2, G2, f):
    # Hashin and Shtrikman (1963), stiff phase 1 as matrix.
    K = K1 + (1 - f) / (1 / (K2 - K1) + 3 * f / (3 * K1 + 4 * G1))
    G = G1 + (1 - f) / (1 / (G2 - G1) + 6 * f * (K1 + 2 * G1) / (5 * G1 * (3 * K1 + 4 * G1)))
    return K, G


@pytest.mark.parametrize("f", [0.001, 0.05, 0.3, 0.9, 1.0])
@pytest.mark.parametrize("nu", [-0.5, 0.0, 0.3, 0.49])
def test_against_the_two_phase_formula_with_a_vanishing_second_phase(f, nu):
    E = 2.5
    K, G = E / (3 * (1 - 2 * nu)), E / (2 * (1 + nu))
    bulk, shear = two_phase_upper(K, G, 1e-13, 1e-13, f)
    bounds = upper_bounds(f, E=E, nu=nu)
    assert bounds.bulk_hashin_shtrikman.item() == pytest.approx(bulk, rel=1e-9)
    assert bounds.shear_hashin_shtrikman.item() == pytest.approx(shear, rel=1e-9)
    young = 9 * bulk * shear / (3 * bulk + shear)
    assert bounds.young_hashin_shtrikman.item() == pytest.approx(young, rel=1e-9)


@pytest.mark.parametrize("nu", [0.0, 0.2, 0.3, 0.45])
def test_low_density_closed_forms(nu):
    # K = 2 f E/(9 (1 - nu)), the optimal closed-cell foam; and Christensen (1986), J. Mech. Phys.
    # Solids 34, 563-578: E = 2 f E (7 - 5 nu)/(3 (1 - nu)(9 + 5 nu)).
    f = 1e-7
    bounds = upper_bounds(f, nu=nu)
    assert bounds.bulk_hashin_shtrikman.item() / f == pytest.approx(2 / (9 * (1 - nu)), rel=1e-6)
    expected = 2 * (7 - 5 * nu) / (3 * (1 - nu) * (9 + 5 * nu))
    assert bounds.young_hashin_shtrikman.item() / f == pytest.approx(expected, rel=1e-6)


def test_ends_and_order():
    f = torch.linspace(0.0, 1.0, 21, dtype=torch.float64)
    bounds = upper_bounds(f, nu=0.3)
    for name in ("bulk", "shear", "young"):
        hs, voigt = getattr(bounds, f"{name}_hashin_shtrikman"), getattr(bounds, f"{name}_voigt")
        assert hs[0] == 0
        assert hs[-1].item() == pytest.approx(voigt[-1].item())
        assert bool((hs[1:-1] < voigt[1:-1]).all())
        assert bool((hs.diff() > 0).all())
    torch.testing.assert_close(bounds.voigt[-1], Stiffness.isotropic(1.0, 0.3).mandel)
    K, G = bounds.bulk_voigt, bounds.shear_voigt
    torch.testing.assert_close(isotropic_young(K, G)[1:], f[1:])
    torch.testing.assert_close(
        isotropic_poisson(K, G)[1:], torch.full((20,), 0.3, dtype=torch.float64)
    )


def test_the_solid_itself_meets_every_bound_exactly():
    ratios = Stiffness.isotropic(70.0, 0.33).bound_ratios(1.0, E=70.0, nu=0.33)
    for value in (ratios.voigt, ratios.bulk, ratios.shear):
        assert value.item() == pytest.approx(1.0)


def test_a_laminate_of_plates_reaches_the_voigt_bound_in_its_plane():
    # Plates of fraction f normal to axis 3 in void carry plane stress: C_plane = f Q, no more.
    f, nu = 0.2, 0.3
    C = torch.zeros(6, 6).double()
    C[0, 0] = C[1, 1] = f / (1 - nu**2)
    C[0, 1] = C[1, 0] = nu * f / (1 - nu**2)
    C[5, 5] = 2 * f / (2 * (1 + nu))
    ratios = Stiffness(C).bound_ratios(f, nu=nu)
    assert ratios.voigt.item() == pytest.approx(1.0)
    # Its bulk stiffness 1:C:1/9 meets the Hashin-Shtrikman bound only as f goes to zero.
    assert 0.85 < ratios.bulk.item() < 0.9
    assert Stiffness(C).scaled(1e-6).bound_ratios(f * 1e-6, nu=nu).bulk.item() == pytest.approx(1.0)
    assert torch.isnan(ratios.shear)


def test_struts_along_three_axes():
    # Simple cubic with C11 = f/3: K = f/9; the bulk bound at low density is 2 f/(9 (1 - nu)).
    f, nu = 1e-6, 0.3
    cubic = Stiffness.cubic(f / 3, 0.0, 1e-9 * f)
    assert cubic.bound_ratios(f, nu=nu).bulk.item() == pytest.approx((1 - nu) / 2, rel=1e-4)
    # Struts of one direction exceed the isotropic bound on Young's modulus, and rightly so.
    aligned = Stiffness.cubic(f, 0.0, 1e-9 * f)
    assert aligned.young_modulus([1, 0, 0]) > upper_bounds(f, nu=nu).young_hashin_shtrikman


def test_batches_broadcast_and_gradients_flow():
    C = Stiffness.isotropic(torch.tensor([0.1, 0.2], dtype=torch.float64), 0.25)
    ratios = C.bound_ratios(torch.tensor([0.4, 0.4], dtype=torch.float64), nu=0.3)
    torch.testing.assert_close(ratios.bulk[1], 2 * ratios.bulk[0])
    assert ratios.voigt.shape == (2,)
    mandel = torch.diag(torch.tensor([0.1, 0.2, 0.3, 0.15, 0.16, 0.17], dtype=torch.float64))
    bounds = upper_bounds(0.5)
    assert torch.autograd.gradcheck(
        lambda c: bound_ratios(0.5 * (c + c.mT), bounds).voigt, mandel.requires_grad_()
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"volume_fraction": 1.2}, "volume fraction must lie between 0 and 1 but is 1.2"),
        ({"volume_fraction": float("nan")}, "volume fraction must lie between 0 and 1 but is nan"),
        ({"volume_fraction": 0.1, "E": 0.0}, "E must be positive but is 0"),
        ({"volume_fraction": 0.1, "nu": 0.5}, r"nu must lie in \(-1, 0.5\) but is 0.5"),
    ],
)
def test_impossible_solids_are_refused(arguments, sentence):
    with pytest.raises(LatticeGnnError, match=sentence):
        upper_bounds(arguments.pop("volume_fraction"), **arguments)


def test_an_empty_cell_has_no_ratios():
    with pytest.raises(LatticeGnnError, match="volume fraction must be positive but is 0"):
        Stiffness.isotropic().bound_ratios(0.0)
