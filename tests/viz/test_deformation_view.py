"""Deformed lattices: the shape is that of the beams, the factor is the one stated."""

import numpy as np
import pytest

from fem_reference.beam.homogenise import homogenise_beam
from fem_reference.beam.strut_fields import strut_fields
from lattice_gnn.cells.named import cell
from lattice_gnn.testing import random_lattice
from viz.cases import unit_cases
from viz.deformation_view import Drawing, deformation_picture, deformed_tubes, exaggeration
from viz.mesh import lattice_tubes, strut_surface


def bent(lattice, strain, factor=1.0, tiles=(1, 1, 1)):
    fields = homogenise_beam(lattice, fields=True).fields
    found = strut_fields(lattice, fields, strain)
    tubes = lattice_tubes(lattice, tiles)
    return tubes, deformed_tubes(lattice, tubes, found, factor), found


def test_cells_of_a_block_are_displaced_by_the_macroscopic_strain():
    lattice = random_lattice(4)
    strain = np.array([0.1, -0.05, 0.02, 0.03, 0.0, -0.04])
    straight, drawn, found = bent(lattice, strain, tiles=(2, 1, 1))
    motion = drawn.starts - straight.starts
    for strut in range(lattice.num_struts):
        images = np.flatnonzero(straight.sources == strut)
        apart = straight.starts[images] - straight.starts[images[0]]
        moved = motion[images] - motion[images[0]]
        np.testing.assert_allclose(moved, apart @ found.strain, atol=1e-12)


def test_struts_meet_at_the_displaced_joints():
    _, drawn, _ = bent(random_lattice(4), np.eye(6)[3], factor=0.2)
    ends = np.concatenate([drawn.starts, drawn.ends])
    distance = np.linalg.norm(ends[:, None] - drawn.joints[None], axis=2).min(axis=1)
    np.testing.assert_allclose(distance, 0, atol=1e-12)


def test_a_sheared_bar_is_an_s_shaped_cubic():
    # Simple cubic in shear: equal joints do not turn against each other, so that a bar along 3 has
    # w(s) = w_0 + (w_1 - w_0) (3 s^2 - 2 s^3) from the chord of slopes at both ends.
    lattice = cell("sc", radius=0.02)
    straight, drawn, found = bent(lattice, np.eye(6)[3])
    bar = np.flatnonzero(np.abs(lattice.strut_vectors[straight.sources][:, 2]) > 0.5)[0]
    s = np.linspace(0, 1, drawn.radii.shape[1])
    chord = (1 - s)[:, None] * straight.starts[bar] + s[:, None] * straight.ends[bar]
    w = (drawn.centres[bar] - chord)[:, 1]
    jump, turn = w[-1] - w[0], found.rotations[straight.sources[bar]]
    t = (straight.ends - straight.starts)[bar]
    slope = np.cross(turn[0], t)[1]
    expected = w[0] + jump * (3 * s**2 - 2 * s**3) + slope * s * (1 - s) * (1 - 2 * s)
    np.testing.assert_allclose(w, expected, atol=1e-12)
    assert abs(jump) == pytest.approx(0.5**0.5, rel=1e-9)


def test_volume_of_bent_tubes_is_that_of_straight_ones():
    straight, drawn, _ = bent(cell("kelvin", radius=0.01), np.eye(6)[3], factor=1e-3)
    assert strut_surface(drawn).volume == pytest.approx(strut_surface(straight).volume, rel=1e-3)


def test_displacements_are_proportional_to_the_factor():
    lattice = random_lattice(4)
    straight, once, _ = bent(lattice, np.eye(6)[2], 0.1)
    _, twice, _ = bent(lattice, np.eye(6)[2], 0.2)
    np.testing.assert_allclose(
        twice.centres - once.centres,
        once.centres - np.linspace(straight.starts, straight.ends, once.radii.shape[1], axis=1),
        atol=1e-12,
    )


def test_the_factor_is_stated_and_rounded():
    assert exaggeration(np.eye(6)[0]) == pytest.approx(0.15)
    assert exaggeration(1e-3 * np.eye(6)[0]) == pytest.approx(150)
    assert exaggeration(np.eye(6)[3]) == pytest.approx(0.2)
    picture = deformation_picture(cell("bcc", radius=0.05), unit_cases()[:1], Drawing(factor=0.05))
    assert "displacements × 0.05" in picture.views[0].line


def test_all_views_share_size_and_colours():
    picture = deformation_picture(cell("kelvin", radius=0.05), unit_cases(), Drawing("axial"))
    assert (picture.rows, picture.columns, len(picture.views)) == (2, 3, 6)
    assert len({view.scale for view in picture.views}) == 1
    assert [view.bar for view in picture.views] == [False, False, True] * 2
    shown = np.concatenate([view.parts[0].values.ravel() for view in picture.views])
    assert picture.views[0].scale.limits[1] == pytest.approx(np.abs(shown).max())
    ghosts = [view.parts[1].body.centres for view in picture.views]
    np.testing.assert_array_equal(ghosts[0], ghosts[5])
    reach = max(np.linalg.norm(view.parts[0].body.centres, axis=2).max() for view in picture.views)
    assert 0.6 < reach <= 1


def test_without_colour_there_is_no_scale():
    picture = deformation_picture(cell("bcc", radius=0.05), unit_cases()[:2], Drawing("none"))
    assert picture.views[0].scale is None
    assert not any(view.bar for view in picture.views)
