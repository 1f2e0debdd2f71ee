"""Conformal bounds hold what they promise, on errors of known distribution."""

import numpy as np
import pytest

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.surrogate.uncertainty import ErrorBounds


def draw(seed: int, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Errors that scale as the root of spread times correction, log-normal about it."""
    rng = np.random.default_rng(seed)
    spread, correction = rng.lognormal(-6, 0.8, count), rng.lognormal(-2.5, 0.6, count)
    error = np.sqrt(spread * correction) * rng.lognormal(0, 0.6, count)
    signs = np.stack([spread, correction, rng.uniform(0.05, 0.5, count)], 1)
    return signs, error, np.arange(count) // 3


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


def test_quantile_is_that_of_split_conformal_prediction() -> None:
    """With one spread for all, the bound is the ceil(0.9 (n + 1))-th smallest held-out error."""
    rng = np.random.default_rng(0)
    error = rng.lognormal(-5, 1, 99)
    one = np.full((99, 3), 0.01)
    base = np.arange(99)
    bounds = ErrorBounds.calibrate(one, error, base)
    second = ~np.isin(base, np.random.default_rng(0).permutation(base)[:49])
    expected = np.sort(error[second])[int(np.ceil(0.9 * 51)) - 1]
    assert bounds.count == 50
    assert bounds.bounds(one)[0, 1] == pytest.approx(expected)


def test_plain_values_and_back() -> None:
    bounds = ErrorBounds.calibrate(*draw(0, 100))
    assert ErrorBounds.from_dict(bounds.to_dict()) == bounds


def test_too_few_labels_are_told() -> None:
    with pytest.raises(LatticeGnnError, match="hold out more"):
        ErrorBounds.calibrate(*draw(0, 30))
