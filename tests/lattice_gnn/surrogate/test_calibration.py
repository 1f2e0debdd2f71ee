"""Conformal bounds hold what they promise, on errors of known distribution."""

import numpy as np
import pytest

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.surrogate.calibration import calibrate, conformal_quantile, regression_quantile


def draw(seed: int, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Errors that scale as the root of spread times correction, log-normal about it.

    Where struts touch (closeness 1) they are e times larger; at low density they scatter more.
    """
    rng = np.random.default_rng(seed)
    spread, correction = rng.lognormal(-6, 0.8, count), rng.lognormal(-2.5, 0.6, count)
    sharpness, closeness = rng.uniform(0, 1, count), rng.uniform(0, 1, count) ** 8
    density = rng.uniform(np.log(0.02), np.log(0.4), count)
    scatter = rng.standard_normal(count) * (0.3 - 0.2 * density)
    error = np.sqrt(spread * correction) * np.exp(scatter + closeness)
    signs = np.stack([spread, correction, sharpness, closeness, density], 1)
    return signs, error, np.arange(count) // 3


def test_coverage_is_what_is_promised() -> None:
    coverage = []
    for seed in range(20):
        bounds = calibrate(*draw(seed, 400))
        signs, error, _ = draw(100 + seed, 1000)
        found = bounds.bounds(signs)
        coverage.append((error[:, None] <= found).mean(0))
    median, p90 = np.mean(coverage, 0)
    assert median == pytest.approx(0.5, abs=0.02)
    assert p90 == pytest.approx(0.9, abs=0.015)


def test_bounds_follow_the_error() -> None:
    bounds = calibrate(*draw(0, 2000))
    signs, error, _ = draw(1, 2000)
    median, wide = bounds.bounds(signs).T
    rank, actual = (np.argsort(np.argsort(x)) for x in (median, error))
    assert np.corrcoef(rank, actual)[0, 1] > 0.5
    assert np.quantile(error / wide, 0.9) == pytest.approx(1, abs=0.1)


def test_bounds_hold_in_every_class() -> None:
    """Where struts touch and where they do not, and at every density, whatever the scatter."""
    bounds = calibrate(*draw(0, 3000))
    signs, error, _ = draw(1, 8000)
    covered = error <= bounds.bounds(signs)[:, 1]
    close = signs[:, 3] > 0.5
    thin, dense = signs[:, 4] < np.log(0.04), signs[:, 4] > np.log(0.2)
    for part in (close, ~close, thin, dense):
        assert covered[part].mean() == pytest.approx(0.9, abs=0.03)
    for weights in bounds.weights:
        assert weights[4] == pytest.approx(1, abs=0.25)  # of closeness
    slopes = [weights[5] for weights in bounds.weights]  # of the log of density
    assert slopes[0] == pytest.approx(0, abs=0.1)
    assert slopes[1] == pytest.approx(-0.2 * 1.2816, abs=0.1)  # 90 % of normal numbers are below


@pytest.mark.parametrize("level", [0.5, 0.9])
def test_regression_quantile_is_that_of_its_optimality(level: float) -> None:
    """A constant is the sample quantile; with columns, the subgradient contains zero."""
    rng = np.random.default_rng(0)
    y = rng.lognormal(0, 1, 201)
    constant = regression_quantile(np.ones((201, 1)), y, level)
    assert constant == pytest.approx([np.quantile(y, level, method="inverted_cdf")])
    X = np.column_stack([np.ones(201), rng.standard_normal((201, 2))])
    z = y - X @ regression_quantile(X, y, level)
    on, above = np.abs(z) < 1e-9, z > 1e-9
    assert on.sum() == 3  # as many as there are weights
    rest = X[~on & above].sum(0) * level + X[~on & ~above].sum(0) * (level - 1)
    part = np.linalg.solve(X[on].T, -rest)
    assert (part >= level - 1 - 1e-9).all()
    assert (part <= level + 1e-9).all()


def test_columns_without_variation_do_no_harm() -> None:
    """A single network has no spread, and one kind of lattice one density and no contact."""
    signs, error, base = draw(0, 400)
    signs[:, 0], signs[:, 2:4], signs[:, 4] = 0.0, 0.0, np.log(0.1)
    bounds = calibrate(signs, error, base).bounds(signs)
    assert np.isfinite(bounds).all()
    assert (error[:, None] <= bounds).mean(0) == pytest.approx([0.5, 0.9], abs=0.03)


def test_factor_is_that_of_cross_conformal_prediction() -> None:
    """With the same signs for all, e / s of a part is e over the quantile of the others."""
    rng = np.random.default_rng(0)
    error = rng.lognormal(-5, 1, 99)
    signs = np.zeros((99, 5))
    bounds = calibrate(signs, error, np.arange(99))
    part = np.random.default_rng(0).permutation(99) % 10
    assert bounds.count == 99
    for level, rank, factor in zip((0.5, 0.9), (49, 89), bounds.factors, strict=True):
        others = [
            np.quantile(error[part != k] + 1e-4, level, method="inverted_cdf") for k in range(10)
        ]
        ratio = np.sort(error / np.array(others)[part])
        assert factor == pytest.approx(ratio[rank], rel=0.03)  # of even numbers, medians are many


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
        calibrate(signs, error, np.arange(100) % 9)


def test_too_few_labels_are_told() -> None:
    with pytest.raises(LatticeGnnError, match="hold out more"):
        calibrate(*draw(0, 30))
