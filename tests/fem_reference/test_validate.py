import numpy as np
import pytest
import torch

from fem_reference.beam.homogenise import homogenise_beam
from fem_reference.validate import compare, rounding_errors
from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.tensors.stiffness import Stiffness

NAMES = ("bcc", "octet", "kelvin", "diamond", "fcc")


def solve(lattices):
    return homogenise_beam(lattices).stiffness


@pytest.fixture(scope="module")
def pairs():
    lattices = [cell(name, relative_density=0.01).replace(name=name) for name in NAMES]
    C = solve(lattices)
    return [(lattice, C[k]) for k, lattice in enumerate(lattices)]


def test_a_solver_agrees_with_itself(pairs):
    result = compare(pairs, solve)
    assert len(result) == len(NAMES)
    assert result.stiffness.max() < 1e-12
    assert result.softest.max() < 1e-9
    assert torch.equal(result.rounding_floor, torch.zeros(len(NAMES), dtype=torch.float64))


def test_a_known_difference_is_what_is_reported(pairs):
    """A reference 2 % stiffer: C differs by 2/102, S by 2/100, the softest eigenvalue by 2/102."""
    stiffer = [(lattice, C.scaled(1.02)) for lattice, C in pairs]
    found = compare(stiffer, solve)
    np.testing.assert_allclose(found.stiffness, 0.02 / 1.02, rtol=1e-9)
    np.testing.assert_allclose(found.compliance, 0.02, rtol=1e-9)
    np.testing.assert_allclose(found.softest, 0.02 / 1.02, rtol=1e-6)


def test_the_worst_come_first(pairs):
    factors = (1.0, 1.3, 1.1, 1.0, 1.2)
    off = [(lattice, C.scaled(f)) for (lattice, C), f in zip(pairs, factors, strict=True)]
    worst = compare(off, solve).worst(3)
    assert [outlier.name for outlier in worst] == ["octet", "fcc", "kelvin"]
    assert worst[0].relative_density == pytest.approx(0.01)
    assert worst[0].condition == pytest.approx(
        float(torch.linalg.cond(pairs[1][1].mandel)), rel=1e-6
    )


def soft_and_stiff(ratio):
    """A stiffness with one soft mode, in general position."""
    Q, _ = torch.linalg.qr(torch.randn(6, 6, generator=torch.Generator().manual_seed(1)).double())
    return Q @ torch.diag(torch.tensor([1.0, 0.9, 0.8, 0.7, 0.6, 1 / ratio]).double()) @ Q.T


@pytest.mark.parametrize("ratio", [10.0, 1e3, 3e4])
def test_rounding_floor_is_the_spread_of_rounded_and_inverted_compliances(ratio):
    """Monte Carlo: perturb the digits, invert, compare with the analytic root mean square."""
    C = soft_and_stiff(ratio)
    S = torch.linalg.inv(C)
    half = 0.5 * 10.0 ** (torch.floor(torch.log10(S.abs())) - 4)
    floor, bound = rounding_errors(C[None], half[None])
    noise = 2 * torch.rand(4000, 6, 6, generator=torch.Generator().manual_seed(0)).double() - 1
    noise = torch.triu(noise) + torch.triu(noise, 1).mT
    moved = torch.linalg.inv(S + half * noise) - C
    errors = moved.flatten(1).norm(dim=1) / C.norm()
    assert float(floor[0]) == pytest.approx(float((errors**2).mean().sqrt()), rel=0.1)
    assert errors.max() < 1.1 * bound[0]


def test_rounding_to_five_digits_moves_an_ill_conditioned_stiffness_by_per_cents():
    C = soft_and_stiff(3e4)
    S = torch.linalg.inv(C)
    unit = 10.0 ** (torch.floor(torch.log10(S.abs())) - 4)
    rounded = torch.linalg.inv((S / unit).round() * unit)
    floor, bound = rounding_errors(C[None], 0.5 * unit[None])
    difference = float((rounded - C).norm() / C.norm())
    assert difference > 0.005
    assert 0.1 * float(floor[0]) < difference < float(bound[0])


def test_what_cannot_be_compared_is_refused(pairs):
    with pytest.raises(LatticeGnnError, match="at least one lattice"):
        compare([], solve)
    with pytest.raises(LatticeGnnError, match="one per pair"):
        compare(pairs, solve, roundings=[np.zeros((6, 6))])
    indefinite = Stiffness(-torch.eye(6, dtype=torch.float64))
    with pytest.raises(LatticeGnnError, match="'bcc' is not positive definite"):
        compare([(pairs[0][0], indefinite)], solve)
