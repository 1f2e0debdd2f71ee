"""The signs of the error and the bounds made of them."""

import numpy as np
import pytest
import torch

from lattice_gnn.network.answer import Answer
from lattice_gnn.surrogate.uncertainty import ErrorBounds, columns, signs_of

WEIGHTS = ((-1.0, 0.4, 0.6, -0.2, 0.8, 0.1, -0.1), (-0.5, 0.5, 0.6, -0.4, 1.2, -0.1, -0.2))
ONES = torch.ones(2, dtype=torch.float64)


def test_signs_are_those_of_their_formulae() -> None:
    """A right angle is not sharp; 20 degrees are, by (1 - cos 40) / (1 - cos 20) = 3.88."""
    opening = 1 - torch.cos(torch.deg2rad(torch.tensor([90.0, 20.0], dtype=torch.float64)))
    correction = torch.tensor([0.1, 0.2], dtype=torch.float64)
    answer = Answer(torch.eye(6).expand(2, 6, 6), correction=correction, opening=opening)
    signs = signs_of(answer, torch.tensor([-0.5, 1.0]), 0.1 * ONES)
    assert signs[:, 0].tolist() == [0, 0]
    assert signs[:, 1].tolist() == [0.1, 0.2]
    assert signs[:, 2] == pytest.approx([0, np.log(3.88)], abs=0.02)
    assert signs[:, 3] == pytest.approx([1, np.exp(-1)])
    assert signs[:, 4] == pytest.approx([np.log(0.1)] * 2)
    assert signs_of(answer, torch.tensor([np.nan, 1.0]), ONES)[0, 3] == 1  # unknown: contact
    assert signs_of(Answer(torch.eye(6)[None]), torch.zeros(1), ONES[:1]) is None


def test_bounds_are_those_of_their_formula() -> None:
    """By hand for one lattice: spread 1e-3, correction 0.1, sharpness 2, closeness 0.5, 5 %."""
    signs = np.array([[1e-3, 0.1, 2.0, 0.5, np.log(0.05)]])
    found = ErrorBounds(WEIGHTS, (1.1, 1.3), 100).bounds(signs)[0]
    for value, (a, b, c, d, f, g, h), factor in zip(found, WEIGHTS, (1.1, 1.3), strict=True):
        powers = 1.2e-3**b * 0.101**c * 0.05 ** (g + 2 * h)
        assert value == pytest.approx(factor * np.exp(a + 2 * d + f / 2) * powers)


def test_the_median_bound_is_never_the_larger() -> None:
    """Two regressions may cross far from the labels; the bounds stay in order."""
    crossing = ErrorBounds(WEIGHTS[::-1], (1.0, 1.0), 100)
    signs = np.random.default_rng(0).uniform(0, 1, (50, 5))
    plain = np.exp(columns(signs) @ np.array(WEIGHTS[::-1]).T)
    assert (plain[:, 0] > plain[:, 1]).any()
    found = crossing.bounds(signs)
    assert (found[:, 0] <= found[:, 1]).all()


def test_plain_values_and_back() -> None:
    bounds = ErrorBounds(WEIGHTS, (1.0, 1.5), 100)
    assert ErrorBounds.from_dict(bounds.to_dict()) == bounds


@pytest.mark.parametrize(
    "damage",
    [{"weights": [[1.0] * 7]}, {"weights": [[1.0] * 5] * 2}, {"factors": [1.0]}],
)
def test_other_numbers_of_weights_are_refused(damage: dict[str, object]) -> None:
    values = ErrorBounds(WEIGHTS, (1.0, 1.5), 100).to_dict() | damage
    with pytest.raises(ValueError, match="seven weights and a factor"):
        ErrorBounds.from_dict(values)
