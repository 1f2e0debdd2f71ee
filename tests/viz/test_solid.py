"""Pictures of the solid reference: what is drawn where, and that the medians are medians."""

import matplotlib.image
import numpy as np
import pytest

from lattice_gnn.errors import LatticeGnnError
from viz.solid import (
    BeamSolidMap,
    _convergence,
    _map,
    draw_beam_solid_map,
    draw_convergence,
)


def differences(count, classes=("few", "many")):
    """Differences in proportion to r/L, ten times as large in each further class."""
    slenderness = np.geomspace(0.02, 0.3, count)
    group = np.arange(count) % len(classes)
    return BeamSolidMap(
        relative_density=slenderness**2,
        slenderness=slenderness,
        difference=0.1 * slenderness * 10.0**group,
        softest_ratio=1 - slenderness,
        group=group,
        contact=np.arange(count) % 7 == 3,
        classes=classes,
    )


def grids(power, finest=3):
    """Voxels, stiffness and extrapolated stiffness of two cells whose error is c h^power."""
    voxels = np.array([[4.0], [3.5]]) * 2.0 ** np.arange(finest + 1)
    exact = np.stack([np.eye(6), np.diag(np.arange(1.0, 7))])
    growth = np.array([1.0, 2.0])[:, None] * voxels**-power
    raw = exact[:, None] * (1 + growth[..., None, None])
    extrapolated = raw[:, 1:] + (raw[:, 1:] - raw[:, :-1]) / (2**1.5 - 1)
    return voxels, raw, extrapolated


def lines(axes, label):
    """Points of all lines of the colour of the one with this label."""
    colour = next(line.get_color() for line in axes.lines if line.get_label() == label)
    found = [line.get_xydata() for line in axes.lines if line.get_color() == colour]
    return [points for points in found if len(points)]


def slope(points):
    x, y = np.log(points).T
    return np.polyfit(x, y, 1)[0]


@pytest.mark.parametrize("count", [1, 3000])
def test_pictures_are_drawn_whole(count, tmp_path):
    path = tmp_path / "map.png"
    draw_beam_solid_map(path, differences(count))
    image = matplotlib.image.imread(path)
    assert 0.01 < (image[..., :3].min(axis=2) < 0.9).mean() < 0.6
    assert list(tmp_path.iterdir()) == [path]


def test_every_lattice_is_a_point_or_a_cross_in_every_panel():
    values = differences(140)
    panels = _map(values).axes
    columns = (
        (values.relative_density, values.difference),
        (values.slenderness, values.difference),
        (values.relative_density, values.softest_ratio),
    )
    for axes, (x, y) in zip(panels, columns, strict=True):
        drawn = np.concatenate([c.get_offsets() for c in axes.collections])
        assert sorted(map(tuple, drawn.tolist())) == sorted(
            zip(x.tolist(), y.tolist(), strict=True)
        )
        crosses = [c.get_offsets() for c in axes.collections[1::2]]
        assert sum(map(len, crosses)) == values.contact.sum()


def test_medians_follow_their_own_class_without_contact():
    values = differences(140)
    spoilt = np.where(values.contact, 1e3, values.difference)
    figure = _map(BeamSolidMap(**{**fields(values), "difference": spoilt}))
    over_slenderness = figure.axes[1]
    for number, name in enumerate(values.classes):
        (line,) = (x for x in over_slenderness.lines if x.get_label() == name)
        x, y = line.get_xydata().T
        assert len(x) == 5  # 60 lattices without contact, 12 in a bin
        np.testing.assert_allclose(y, 0.1 * x * 10**number, rtol=1e-12)


def fields(values):
    return {name: getattr(values, name) for name in values.__slots__}


def test_errors_of_one_grid_fall_with_the_power_of_the_voxels_and_extrapolated_ones_vanish():
    voxels, raw, extrapolated = grids(1.5)
    for axes in _convergence(voxels, raw, extrapolated).axes:
        for points, x in zip(lines(axes, "one grid"), voxels, strict=True):
            np.testing.assert_allclose(points[:, 0], x)
            assert slope(points) == pytest.approx(-1.5, abs=1e-6)
        for points, x in zip(lines(axes, "two grids, extrapolated"), voxels, strict=True):
            np.testing.assert_allclose(points[:, 0], x[1:-1])  # the last one is the reference
            assert (points[:, 1] == points[0, 1]).all()  # the least that is drawn
            assert points[0, 1] < 1e-4
        (guide,) = (line for line in axes.lines if line.get_label() == "slope -1.5")
        assert slope(guide.get_xydata()) == pytest.approx(-1.5)


def test_what_the_wrong_power_leaves_is_drawn():
    """Error c/n extrapolated as if n^-1.5 keeps the share 1 - 1 / (2^1.5 - 1) of c/n."""
    voxels, raw, extrapolated = grids(1.0, finest=12)
    kept = 1 - 1 / (2**1.5 - 1)
    for axes in _convergence(voxels, raw, extrapolated).axes:
        for points, c in zip(lines(axes, "two grids, extrapolated"), (1.0, 2.0), strict=True):
            assert points[0, 1] == pytest.approx(kept * c / points[0, 0], rel=5e-3)


def test_a_convergence_is_drawn_and_a_place_that_is_missing_refused(tmp_path):
    draw_convergence(tmp_path / "convergence.png", *grids(1.2))
    assert (tmp_path / "convergence.png").stat().st_size > 5000
    with pytest.raises(LatticeGnnError, match="cannot be written"):
        draw_convergence(tmp_path / "none" / "convergence.png", *grids(1.5))
