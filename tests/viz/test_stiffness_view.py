"""Surfaces of a stiffness: titles, colours, and several on one scale."""

import numpy as np
import pytest
import torch

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.reports.stiffness import moduli_facts
from lattice_gnn.tensors.stiffness import Stiffness
from viz.picture import SURFACE_SIZE, direction_label
from viz.stiffness_view import stiffness_view, surfaces_on_one_scale


def radii(view):
    return np.linalg.norm(view.parts[0].body.points, axis=1)


def test_the_text_says_how_the_stiffness_was_computed(cubic_stiffness):
    plain = stiffness_view(cubic_stiffness)
    view = stiffness_view(cubic_stiffness, by="beam FEM, timoshenko")
    assert view.line == f"by beam FEM, timoshenko\n{plain.line}"
    assert view.title == plain.title


def test_line_and_scale_give_the_extremal_moduli(cubic_stiffness):
    view = stiffness_view(cubic_stiffness)
    low = 1 / float(cubic_stiffness.compliance()[0, 0])
    assert f"{low:.4g} along [1 0 0]" in view.line.replace("[0 1 0]", "[1 0 0]").replace(
        "[0 0 1]", "[1 0 0]"
    )
    assert view.scale.limits[0] == pytest.approx(low, rel=1e-9)
    assert view.scale.limits[1] == pytest.approx(view.parts[0].body.values.max(), rel=2e-3)
    assert radii(view).max() == pytest.approx(SURFACE_SIZE)


def test_picture_and_table_name_the_same_direction():
    axis = np.array([1.0, 1.0, -1.0]) / 3**0.5
    along = 0.3 * np.outer(np.outer(axis, axis), np.outer(axis, axis)).reshape(3, 3, 3, 3)
    C = Stiffness.isotropic(0.01, 0.3) + Stiffness.from_cartesian(along)
    (facts,) = moduli_facts(C[None])
    label = direction_label(np.array(facts.extremes.E.max.n))
    assert label == "[1 1 -1]"
    assert stiffness_view(C).line.endswith(f"along {label}")


def test_isotropic_stiffness_has_colours_of_non_zero_range():
    view = stiffness_view(Stiffness.isotropic(0.1, 0.3))
    assert view.scale.limits[0] < 0.1 < view.scale.limits[1]
    assert "in every direction" in view.line


def test_singular_stiffness_says_so():
    assert "singular" in stiffness_view(Stiffness.cubic(1.0, 1.0, 0.5)).line


def test_surfaces_on_one_scale_keep_their_ratio_and_share_the_colours(cubic_stiffness):
    double = Stiffness(2 * cubic_stiffness.mandel)
    picture = surfaces_on_one_scale([("a", cubic_stiffness), ("b", double)])
    first, second, change = picture.views
    assert radii(second).max() == pytest.approx(2 * radii(first).max(), rel=1e-9)
    assert first.scale == second.scale
    values = np.concatenate([view.parts[0].body.values for view in (first, second)])
    assert first.scale.limits == (values.min(), values.max())
    assert [view.bar for view in picture.views] == [False, True, True]
    np.testing.assert_allclose(change.parts[0].body.values, 100, rtol=1e-9)  # per cent
    assert change.title == "b against a"


def test_the_difference_of_two_stiffnesses_is_taken_direction_by_direction(cubic_stiffness):
    other = Stiffness.cubic(0.02, 0.009, 0.005)
    view = surfaces_on_one_scale([("a", cubic_stiffness), ("b", other)]).views[2]
    body = view.parts[0].body
    for k in (0, 100, 5000):
        n = body.points[k]
        ratio = other.young_modulus(n) / cubic_stiffness.young_modulus(n)
        assert body.values[k] == pytest.approx(100 * (float(ratio) - 1), rel=1e-9)


def test_nothing_to_compare_is_refused():
    with pytest.raises(LatticeGnnError, match="at least one"):
        surfaces_on_one_scale([])
    singular = Stiffness(torch.zeros(6, 6, dtype=torch.float64))
    with pytest.raises(LatticeGnnError, match="singular"):
        surfaces_on_one_scale([("a", singular)])
