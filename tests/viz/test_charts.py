"""Property charts: points, bound and power laws are where they belong."""

import itertools

import numpy as np
import pytest

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.tensors.stiffness import Stiffness
from viz.charts import Series, property_chart


def isotropic(E):
    return np.stack([Stiffness.isotropic(x, 0.3).numpy() for x in E])


def line(figure, label):
    return next(x for x in figure.axes[0].lines if x.get_label() == label).get_xydata()


@pytest.fixture
def chart():
    density = np.array([0.01, 0.1, 0.3])
    return property_chart([Series("ours", density, isotropic(0.3 * density**2))])


def test_points_are_the_moduli_over_density(chart):
    points = line(chart, "ours")
    np.testing.assert_allclose(points[:, 0], [0.01, 0.1, 0.3])
    np.testing.assert_allclose(points[:, 1], [0.3e-4, 0.3e-2, 0.027], rtol=1e-9)


def test_power_laws_have_their_slopes_and_meet_at_the_solid(chart):
    for slope, label in ((1, "stretching, slope 1"), (2, "bending, slope 2"), (3, "slope 3")):
        x, y = line(chart, label).T
        np.testing.assert_allclose(y, x**slope, rtol=1e-12)


def test_the_bound_is_that_of_hashin_and_shtrikman():
    # Of a solid with nu = 0.2 in void: K/K_s = G/G_s = f / (2 - f), so that E/E_s is the same.
    figure = property_chart([Series("a", np.array([0.1]), isotropic([0.02]))], nu=0.2)
    f, E = line(figure, "Hashin-Shtrikman bound").T
    np.testing.assert_allclose(E, f / (2 - f), rtol=1e-9)


def test_singular_stiffnesses_are_left_out_and_nothing_is_refused():
    both = np.concatenate([isotropic([0.02]), np.zeros((1, 6, 6))])
    figure = property_chart([Series("a", np.array([0.1, 0.2]), both)])
    assert len(line(figure, "a")) == 1
    with pytest.raises(LatticeGnnError, match="no lattice with a regular"):
        property_chart([Series("a", np.array([0.2]), np.zeros((1, 6, 6)))])


def test_a_few_lattices_are_named_without_overlap():
    names = tuple(f"cell {k}" for k in range(8))
    E = isotropic(0.01 + 1e-5 * np.arange(8))
    figure = property_chart([Series("a", np.full(8, 0.1), E, names)])
    figure.canvas.draw()
    texts = figure.axes[0].texts
    assert sorted(text.get_text() for text in texts) == sorted(names)
    spans = sorted((b.y0, b.y1) for b in (text.get_window_extent() for text in texts))
    assert all(end <= start + 1 for (_, end), (start, _) in itertools.pairwise(spans))
