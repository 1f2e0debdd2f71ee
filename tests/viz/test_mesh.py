"""Geometry of the pictures: counts, volumes and bounds, not pixels."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from lattice_gnn.tensors.stiffness import Stiffness
from viz.mesh import (
    icosphere,
    joint_surface,
    lattice_tubes,
    modulus_surface,
    strut_surface,
)


def polygon_share(sides):
    """Area of a regular polygon over that of the circle through its corners."""
    return sides / (2 * np.pi) * np.sin(2 * np.pi / sides)


def assert_closed(faces):
    """Every edge is walked once in each direction: no hole, no face turned over."""
    walked = Counter(
        (int(a), int(b)) for k in range(3) for a, b in np.roll(faces, -k, axis=1)[:, :2]
    )
    assert set(walked.values()) == {1}
    assert all((b, a) in walked for a, b in walked)


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
    drawn = strut_surface(lattice_tubes(tapered), sides=40, pieces=5)
    frustum = np.pi * 2.0 / 3 * (0.1**2 + 0.1 * 0.3 + 0.3**2)
    assert drawn.volume == pytest.approx(12 * frustum * polygon_share(40), rel=1e-12)


def test_pyvista_draws_tubes_and_joints_of_the_same_volume_and_bounds(simple_cubic):
    pytest.importorskip("pyvista")
    from viz.scene import joint_mesh, tube_mesh

    tubes = lattice_tubes(simple_cubic.replace(end_radii=np.full(3, 0.3)))
    mesh = tube_mesh(tubes, sides=24).triangulate()
    own = strut_surface(tubes, sides=24)
    assert mesh.volume == pytest.approx(own.volume, rel=1e-5)
    np.testing.assert_allclose(mesh.bounds[::2], own.points.min(axis=0), atol=1e-2)
    np.testing.assert_allclose(mesh.bounds[1::2], own.points.max(axis=0), atol=1e-2)
    balls = joint_mesh(tubes)
    # At the origin three struts start; at each other corner one ends.
    assert balls.volume == pytest.approx(4 / 3 * np.pi * (7 * 0.3**3 + 0.1**3), rel=0.02)


def test_joints_close_the_widest_strut_and_bound_the_drawing(simple_cubic):
    radii = np.array([0.1, 0.2, 0.15])
    tubes = lattice_tubes(simple_cubic.replace(radii=radii))
    assert tubes.joint_radii.tolist() == [0.2] * 8
    balls = joint_surface(tubes)
    np.testing.assert_allclose(balls.points.min(axis=0), -0.2, atol=2e-3)
    np.testing.assert_allclose(balls.points.max(axis=0), 2.2, atol=2e-3)


def test_icosphere_is_closed_and_round():
    points, faces = icosphere(3)
    assert len(faces) == 20 * 4**3
    assert_closed(faces)
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 1, rtol=1e-14)
    a, b, c = (points[faces[:, k]] for k in range(3))
    assert np.einsum("fi,fi->", a, np.cross(b, c)) / 6 == pytest.approx(4 / 3 * np.pi, rel=0.01)


def test_modulus_surface_of_an_isotropic_solid_is_a_sphere_of_radius_E():
    surface = modulus_surface(Stiffness.isotropic(0.7, 0.2))
    np.testing.assert_allclose(surface.values, 0.7, rtol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(surface.points, axis=1), 0.7, rtol=1e-12)


def test_modulus_surface_finds_a_peak_narrower_than_its_first_mesh():
    # The peak along [111] is a degree wide; its height for cubic symmetry is
    # 9 K G / (3 K + G) with G = C44, K = (C11 + 2 C12)/3.
    C11, C12, C44 = 1.0, 0.9995, 0.95
    K = (C11 + 2 * C12) / 3
    peak = 9 * K * C44 / (3 * K + C44)
    surface = modulus_surface(Stiffness.cubic(C11, C12, C44))
    assert peak == pytest.approx(2.1644, abs=1e-4)
    assert surface.values.max() == pytest.approx(peak, rel=5e-3)
    assert_closed(surface.faces)
    highest = np.abs(surface.points[surface.values.argmax()])
    np.testing.assert_allclose(highest / np.linalg.norm(highest), 3**-0.5, atol=0.01)


def test_modulus_surface_of_a_singular_stiffness_is_a_point():
    surface = modulus_surface(Stiffness(torch.zeros(6, 6, dtype=torch.float64)))
    assert not surface.points.any()
    assert not surface.values.any()


def test_stored_end_radii_belong_to_the_second_node(simple_cubic):
    tubes = lattice_tubes(simple_cubic.replace(end_radii=np.array([0.3, 0.1, 0.1])))
    along_x = tubes.sources == 0
    assert set(tubes.start_radii[along_x]) == {0.1}
    assert set(tubes.end_radii[along_x]) == {0.3}
    assert tubes.joint_radii.max() == 0.3
    assert replace(tubes).sources is tubes.sources
