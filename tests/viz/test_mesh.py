"""Geometry of the pictures: counts, volumes and bounds, not pixels."""

from collections import Counter

import numpy as np
import pytest

from viz.mesh import joint_surface, lattice_tubes, refined, strut_surface


def polygon_share(sides):
    """Area of a regular polygon over that of the circle through its corners."""
    return sides / (2 * np.pi) * np.sin(2 * np.pi / sides)


def test_simple_cubic_shows_the_twelve_edges_and_eight_corners(simple_cubic):
    tubes = lattice_tubes(simple_cubic)
    assert len(tubes.starts) == 12
    corners = np.array(list(np.ndindex(2, 2, 2))) * 2.0
    assert sorted(map(tuple, tubes.joints)) == sorted(map(tuple, corners))


def test_octet_shows_its_36_struts_and_14_joints(octet):
    tubes = lattice_tubes(octet)
    assert octet.num_struts == 24
    assert (len(tubes.starts), len(tubes.joints)) == (36, 14)
    assert np.bincount(tubes.sources).tolist().count(2) == 12  # those in faces are drawn twice


def test_faces_of_an_imperfect_octet_are_complete(octet):
    moved = octet.perturbed(0.03, seed=1)
    counts = Counter(lattice_tubes(moved).sources.tolist())
    assert sum(counts.values()) >= 36
    assert set(counts) == set(range(24))


def test_tiles_repeat_the_cell(simple_cubic):
    tubes = lattice_tubes(simple_cubic, tiles=(2, 1, 1))
    assert (len(tubes.starts), len(tubes.joints)) == (20, 12)
    assert tubes.joints.max(axis=0).tolist() == [4.0, 2.0, 2.0]


def test_every_tube_is_a_periodic_image_of_its_strut(octet):
    tubes = lattice_tubes(octet, tiles=(1, 2, 1))
    first = octet.nodes[octet.struts[tubes.sources, 0]] @ octet.cell
    offsets = (tubes.starts - first) @ np.linalg.inv(octet.cell)
    np.testing.assert_allclose(offsets, offsets.round(), atol=1e-12)
    np.testing.assert_allclose(tubes.ends - tubes.starts, octet.strut_vectors[tubes.sources])


def test_volume_of_the_tubes_is_the_relative_density(simple_cubic):
    sides = 24
    drawn = strut_surface(lattice_tubes(simple_cubic), sides=sides)
    # Each of the three struts lies on an edge of the cell and is drawn four times.
    density = drawn.volume / 4 / simple_cubic.volume / polygon_share(sides)
    assert density == pytest.approx(simple_cubic.relative_density, rel=1e-12)


def test_volume_of_a_tapered_tube_is_that_of_a_frustum(simple_cubic):
    tapered = simple_cubic.replace(end_radii=np.full(3, 0.3))
    drawn = strut_surface(refined(lattice_tubes(tapered), 5), sides=40)
    frustum = np.pi * 2.0 / 3 * (0.1**2 + 0.1 * 0.3 + 0.3**2)
    assert drawn.volume == pytest.approx(12 * frustum * polygon_share(40), rel=1e-12)


def test_pyvista_draws_tubes_and_joints_of_the_same_volume_and_bounds(simple_cubic):
    pytest.importorskip("pyvista")
    from viz.picture import Part
    from viz.scene import part_meshes

    tubes = lattice_tubes(simple_cubic.replace(end_radii=np.full(3, 0.3)))
    (mesh, _), (balls, _) = part_meshes(Part(tubes))
    own = strut_surface(tubes, sides=24)
    assert mesh.volume == pytest.approx(own.volume, rel=1e-5)
    np.testing.assert_allclose(mesh.bounds[::2], own.points.min(axis=0), atol=1e-2)
    np.testing.assert_allclose(mesh.bounds[1::2], own.points.max(axis=0), atol=1e-2)
    # At the origin three struts start; at each other corner one ends.
    assert balls.volume == pytest.approx(4 / 3 * np.pi * (7 * 0.3**3 + 0.1**3), rel=0.02)


def test_joints_close_the_widest_strut_and_bound_the_drawing(simple_cubic):
    radii = np.array([0.1, 0.2, 0.15])
    tubes = lattice_tubes(simple_cubic.replace(radii=radii))
    assert tubes.joint_radii.tolist() == [0.2] * 8
    balls = joint_surface(tubes)
    np.testing.assert_allclose(balls.points.min(axis=0), -0.2, atol=2e-3)
    np.testing.assert_allclose(balls.points.max(axis=0), 2.2, atol=2e-3)


def test_stored_end_radii_belong_to_the_second_node(simple_cubic):
    tubes = lattice_tubes(simple_cubic.replace(end_radii=np.array([0.3, 0.1, 0.1])))
    along_x = tubes.sources == 0
    assert set(tubes.radii[along_x, 0]) == {0.1}
    assert set(tubes.radii[along_x, -1]) == {0.3}
    assert tubes.joint_radii.max() == 0.3


def test_a_hollow_strut_is_a_closed_wall_around_its_bore_and_gets_no_ball(
    simple_cubic, assert_closed
):
    hollow = simple_cubic.replace(inner_radii=np.array([0.0, 0.06, 0.06]))
    tubes = lattice_tubes(hollow)
    drawn = strut_surface(tubes, sides=24)
    density = drawn.volume / 4 / hollow.volume / polygon_share(24)
    assert density == pytest.approx(hollow.relative_density, rel=1e-12)
    apart = simple_cubic.replace(radii=np.array([0.1, 0.11, 0.12]), inner_radii=np.full(3, 0.06))
    walls = strut_surface(lattice_tubes(apart))
    _, member = np.unique(walls.points.round(9) + 0.0, axis=0, return_inverse=True)
    assert_closed(member[walls.faces])
    assert len(tubes.joints) == 8  # from the solid struts along x alone
    assert len(lattice_tubes(hollow.replace(inner_radii=np.full(3, 0.06))).joints) == 0


def test_normals_point_outwards(simple_cubic):
    hollow = simple_cubic.replace(inner_radii=np.array([0.0, 0.06, 0.06]))
    for surface in (strut_surface(lattice_tubes(hollow), capped=False),
                    joint_surface(lattice_tubes(simple_cubic))):  # fmt: skip
        a, b, c = (surface.points[surface.faces[:, k]] for k in range(3))
        outward = np.cross(b - a, c - a)
        mean = surface.normals[surface.faces].mean(axis=1)
        assert (np.einsum("fi,fi->f", outward, mean) > 0).all()


def test_many_struts_are_two_meshes_of_few_triangles(octet):
    pytest.importorskip("pyvista")
    from viz.picture import Part
    from viz.scene import part_meshes

    tubes = lattice_tubes(octet, (8, 8, 8))
    assert len(tubes.sources) > 12_000
    meshes = part_meshes(Part(tubes))
    assert len(meshes) == 2
    assert sum(mesh.n_cells for mesh, _ in meshes) < 70 * len(tubes.sources)
