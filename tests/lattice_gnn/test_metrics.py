"""Each metric against its closed form on scaled and isotropic tensors."""

import math

import pytest
import torch

from lattice_gnn.elasticity import Stiffness
from lattice_gnn.metrics import (
    METRICS,
    directional_stiffness,
    fixed_directions,
    log_euclidean,
    relative_frobenius,
    summarise,
)
from lattice_gnn.notation import rotation_mandel
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
