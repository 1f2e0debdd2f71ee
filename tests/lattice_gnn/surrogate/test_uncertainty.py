"""Conformal bounds hold what they promise, on errors of known distribution."""

import numpy as np
import pytest
import torch

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.network.answer import Answer
from lattice_gnn.surrogate.uncertainty import ErrorBounds, conformal_quantile, signs_of


def draw(seed: int, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Errors that scale as the root of spread times correction, log-normal about it.

    Where struts touch (closeness 1) they are e times larger.
    """
    rng = np.random.default_rng(seed)
    spread, correction = rng.lognormal(-6, 0.8, count), rng.lognormal(-2.5, 0.6, count)
    error = np.sqrt(spread * correction) * rng.lognormal(0, 0.6, count)
    sharpness, closeness = rng.uniform(0, 1, count), rng.uniform(0, 1, count) ** 8
    signs = np.stack([spread, correction, sharpness, closeness], 1)
    return signs, error * np.exp(closeness), np.arange(count) // 3


def test_coverage_is_what_is_promised() -> None:
    coverage = []
    for seed in range(20):
        bounds = ErrorBounds.calibrate(*draw(seed, 400))
        signs, error, _ = draw(100 + seed, 1000)
        found = bounds.bounds(signs)
        coverage.append((error[:, None] <= found).mean(0))
    median, p90 = np.mean(coverage, 0)
    assert median == pytest.approx(0.5, abs=0.02)
    assert p90 == pytest.approx(0.9, abs=0.015)


def test_bounds_follow_the_error() -> None:
    bounds = ErrorBounds.calibrate(*draw(0, 2000))
    signs, error, _ = draw(1, 2000)
    rank = np.argsort(np.argsort(bounds.scale(signs)))
    actual = np.argsort(np.argsort(error))
    assert np.corrcoef(rank, actual)[0, 1] > 0.6
    wide = bounds.bounds(signs)[:, 1]
    assert np.quantile(error / wide, 0.9) == pytest.approx(1, abs=0.1)


def test_bounds_hold_where_struts_touch_and_where_they_do_not() -> None:
    bounds = ErrorBounds.calibrate(*draw(0, 1500))
    signs, error, _ = draw(1, 8000)
    covered = error <= bounds.bounds(signs)[:, 1]
    close = signs[:, 3] > 0.5
    assert covered[close].mean() == pytest.approx(0.9, abs=0.03)
    assert covered[~close].mean() == pytest.approx(0.9, abs=0.03)
    assert bounds.weights[4] == pytest.approx(1, abs=0.2)


def test_quantile_is_that_of_cross_conformal_prediction() -> None:
    """With the same signs for all, e / s of a part is e over the geometric mean of the others."""
    rng = np.random.default_rng(0)
    error = rng.lognormal(-5, 1, 99)
    one = np.zeros((99, 4))
    bounds = ErrorBounds.calibrate(one, error, np.arange(99))
    part = np.random.default_rng(0).permutation(99) % 10
    mean = [np.exp(np.log(error[part != k] + 1e-4).mean()) for k in part]
    ratio = np.sort(error / np.array(mean))
    assert bounds.count == 99
    assert bounds.quantiles == pytest.approx((ratio[49], ratio[89]))


@pytest.mark.parametrize("count", [40, 98, 770, 1000])
def test_quantile_agrees_with_crepes(count: int) -> None:
    """The half-width of a conformal interval of scale 1 is the quantile of the scores."""
    import crepes

    scores = np.random.default_rng(count).lognormal(0, 1, count)
    one = np.ones(count)
    regressor = crepes.ConformalRegressor().fit(scores, sigmas=one)
    for level in (0.5, 0.8, 0.9):
        interval = regressor.predict_int(np.zeros(1), sigmas=one[:1], confidence=level)
        assert conformal_quantile(scores, level) == pytest.approx(interval[0, 1], rel=1e-12)


def test_labels_of_few_bases_are_refused() -> None:
    """Copies of one lattice must not vouch for one another: ten bases at least."""
    signs, error, _ = draw(0, 100)
    with pytest.raises(LatticeGnnError, match="10 bases, got 100 of 9"):
        ErrorBounds.calibrate(signs, error, np.arange(100) % 9)


def test_signs_are_those_of_their_formulae() -> None:
    """A right angle is not sharp; 20 degrees are, by (1 - cos 40) / (1 - cos 20) = 3.88."""
    opening = 1 - torch.cos(torch.deg2rad(torch.tensor([90.0, 20.0], dtype=torch.float64)))
    correction = torch.tensor([0.1, 0.2], dtype=torch.float64)
    answer = Answer(torch.eye(6).expand(2, 6, 6), correction=correction, opening=opening)
    signs = signs_of(answer, torch.tensor([-0.5, 1.0]))
    assert signs[:, 0].tolist() == [0, 0]
    assert signs[:, 1].tolist() == [0.1, 0.2]
    assert signs[:, 2] == pytest.approx([0, np.log(3.88)], abs=0.02)
    assert signs[:, 3] == pytest.approx([1, np.exp(-1)])
    assert signs_of(answer, torch.tensor([np.nan, 1.0]))[0, 3] == 1  # unknown counts as contact
    assert signs_of(Answer(torch.eye(6)[None]), torch.zeros(1)) is None


def test_plain_values_and_back() -> None:
    bounds = ErrorBounds.calibrate(*draw(0, 100))
    assert ErrorBounds.from_dict(bounds.to_dict()) == bounds


def test_too_few_labels_are_told() -> None:
    with pytest.raises(LatticeGnnError, match="hold out more"):
        ErrorBounds.calibrate(*draw(0, 30))
