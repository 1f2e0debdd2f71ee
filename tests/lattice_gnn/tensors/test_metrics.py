"""Each metric against its closed form on scaled and isotropic tensors."""

import math

import pytest
import torch

from lattice_gnn.tensors.metrics import (
    METRICS,
    component_error,
    directional_stiffness,
    fixed_directions,
    has_negative_energy,
    log_euclidean,
    moduli_errors,
    relative_frobenius,
    softest_error,
    summarise,
)
from lattice_gnn.tensors.notation import rotation_mandel
from lattice_gnn.tensors.stiffness import Stiffness
from lattice_gnn.testing import random_rotation


def tensors():
    return torch.stack(
        [Stiffness.cubic(2.0, 1.0, 0.3).mandel, Stiffness.isotropic(1.0, 0.25).mandel]
    )


@pytest.mark.parametrize("factor", [0.5, 1.0, 1.3])
def test_a_common_factor_gives_its_own_error(factor):
    """|s - 1| for the relative metrics, sqrt 6 |log s| for the logarithmic one."""
    C = tensors()
    for name, metric in METRICS.items():
        expected = math.sqrt(6) * abs(math.log(factor)) if "log" in name else abs(factor - 1)
        assert metric(factor * C, C).tolist() == pytest.approx([expected] * 2, abs=1e-12)


def test_directional_stiffness_of_an_isotropic_solid_is_its_p_wave_modulus():
    """E (1 - nu) / ((1 + nu)(1 - 2 nu)) in every direction; 1.2 for E = 1, nu = 0.25."""
    c = directional_stiffness(Stiffness.isotropic(1.0, 0.25).mandel[None])
    assert c.shape == (1, 250)
    torch.testing.assert_close(c, torch.full_like(c, 1.2), rtol=1e-12, atol=0)


def test_directions_are_unit_and_even():
    n = fixed_directions()
    torch.testing.assert_close(n.norm(dim=1), torch.ones(250).double())
    torch.testing.assert_close(n.T @ n / 250, torch.eye(3).double() / 3, rtol=0, atol=1e-3)


def test_frobenius_and_log_distance_do_not_depend_on_the_frame():
    C = tensors()
    D = C + torch.diag(torch.linspace(0.1, 0.5, 6).double())
    R = rotation_mandel(torch.from_numpy(random_rotation(1)))
    for metric in (relative_frobenius, log_euclidean):
        torch.testing.assert_close(metric(R @ D @ R.T, R @ C @ R.T), metric(D, C))


def test_summary_of_known_numbers():
    assert summarise(torch.arange(101).double()) == {
        "median": 50.0, "mean": 50.0, "p90": 90.0, "p99": 99.0, "max": 100.0,
    }  # fmt: skip


def test_component_error_of_one_wrong_component():
    """|0.42|/21 of the 1.2 that an isotropic solid of E = 1, nu = 0.25 has in every direction."""
    C = Stiffness.isotropic(1.0, 0.25).mandel[None]
    D = C.clone()
    D[0, 3, 3] += 0.42
    assert component_error(D, C).item() == pytest.approx(0.42 / 21 / 1.2, rel=1e-12)
    assert component_error(3 * D, 3 * C).item() == pytest.approx(0.42 / 21 / 1.2, rel=1e-12)


def test_moduli_errors_of_isotropic_solids_are_those_of_their_constants():
    """E = 2, nu = 0.2 against E = 1.6, nu = 0.25, with G = E/2(1 + nu), K = E/3(1 - 2 nu)."""
    found = moduli_errors(
        Stiffness.isotropic(2.0, 0.2).mandel[None], Stiffness.isotropic(1.6, 0.25).mandel[None]
    )
    values = {name: error.item() for name, error in found.items()}
    G, G_ref = 2.0 / 2.4, 1.6 / 2.5
    K, K_ref = 2.0 / 1.8, 1.6 / 1.5
    expected = {"E": 0.25, "G": G / G_ref - 1, "nu": 0.05, "K": K / K_ref - 1}
    assert values == pytest.approx(expected, rel=1e-9)


def test_bulk_modulus_is_that_under_pressure():
    """Diagonal C of springs 1, 2, 4 along the axes: 1/K = 1 + 1/2 + 1/4, far from Voigt's 7/9."""
    C = torch.diag(torch.tensor([1.0, 2.0, 4.0, 1.0, 1.0, 1.0])).double()[None]
    D = torch.diag(torch.tensor([1.0, 2.0, 1.0, 1.0, 1.0, 1.0])).double()[None]
    assert moduli_errors(D, C)["K"].item() == pytest.approx(1 - (1 / 2.5) / (1 / 1.75))


def test_an_indefinite_prediction_has_infinite_logarithmic_and_moduli_errors():
    C = tensors()
    D = C.clone()
    D[1] -= 1.5 * torch.linalg.eigvalsh(C[1])[0] * torch.eye(6)
    assert has_negative_energy(D).tolist() == [False, True]
    assert log_euclidean(D, C).tolist() == [0.0, math.inf]
    for error in moduli_errors(D, C).values():
        assert error.tolist() == [0.0, math.inf]
    assert softest_error(D, C)[1].item() == pytest.approx(1.5)
    summary = summarise(log_euclidean(D, C))
    assert summary["max"] == summary["mean"] == summary["median"] == math.inf


def test_a_rounded_zero_is_no_negative_energy():
    C = torch.diag(torch.tensor([1.0, 1.0, 1.0, 1.0, 1.0, -1e-15])).double()[None]
    assert has_negative_energy(C).tolist() == [False]
    assert has_negative_energy(C - 1e-9 * torch.eye(6)).tolist() == [True]


def test_the_median_is_finite_where_few_are_infinite():
    values = torch.tensor([1.0, 2.0, 3.0, 4.0, math.inf]).double()
    summary = summarise(values)
    assert summary["median"] == 3.0
    assert summary["p90"] == summary["mean"] == math.inf


def test_quantiles_agree_with_torch():
    values = torch.rand(57, generator=torch.Generator().manual_seed(0)).double()
    for share, name in ((0.5, "median"), (0.9, "p90"), (0.99, "p99")):
        assert summarise(values)[name] == pytest.approx(torch.quantile(values, share).item())


def test_relative_frobenius_takes_single_tensors_and_stiffnesses():
    C, D = Stiffness.isotropic(1.0, 0.0), Stiffness.isotropic(1.1, 0.0)
    assert relative_frobenius(D, C).item() == pytest.approx(0.1)
    assert relative_frobenius(D.mandel, C.mandel).item() == pytest.approx(0.1)
    assert relative_frobenius(D.mandel[None], C).tolist() == pytest.approx([0.1])
