"""Calibration figures count what lies within the stated bounds."""

import numpy as np
import pytest

from lattice_gnn.errors import LatticeGnnError
from viz.calibration import calibration_figure, coverage


def sample(count=400):
    """Errors whose 50 and 90 % bounds are exact: bound times the quantiles of a uniform number."""
    rng = np.random.default_rng(0)
    scale = 10 ** rng.uniform(-3, -1, count)
    error = scale * (np.arange(count) + 0.5) / count
    return error, scale[:, None] * np.array([0.5, 0.9])


def test_coverage_of_exact_bounds_is_nominal():
    error, bounds = sample()
    assert coverage(error, bounds[:, 0]) == pytest.approx(0.5)
    assert coverage(error, bounds[:, 1]) == pytest.approx(0.9)


def test_curves_pass_through_the_rings_where_the_bounds_are_exact():
    error, bounds = sample()
    right = calibration_figure(error, bounds, "a").axes[1]
    curves = [line for line in right.lines if len(line.get_xdata()) == len(error)]
    for level, curve in zip((0.5, 0.9), curves, strict=True):
        ratio, share = curve.get_data()
        assert np.interp(1.0, ratio, share) == pytest.approx(level, abs=0.01)


def test_every_error_is_a_point_over_its_bound():
    error, bounds = sample(20)
    left = calibration_figure(error, bounds, "a").axes[0]
    np.testing.assert_allclose(left.lines[0].get_xdata(), bounds[:, 1])
    np.testing.assert_allclose(left.lines[0].get_ydata(), error)
    assert left.get_title() == "90 % of 20 within the 90 % bound"


def test_nothing_stated_is_refused():
    with pytest.raises(LatticeGnnError, match="no prediction with a stated error"):
        calibration_figure(np.zeros(0), np.zeros((0, 2)), "a")
