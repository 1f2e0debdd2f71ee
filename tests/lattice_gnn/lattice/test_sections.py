"""What a lattice leaves out is filled in: straight, solid struts of the lattice's material."""

import numpy as np

from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.lattice import Material
from lattice_gnn.lattice.sections import cross_axes
from lattice_gnn.testing import random_lattice


def test_plain_struts_are_straight_solid_and_of_one_material():
    lattice = cell("bcc", radius=0.05).replace(material=Material(E=70.0, nu=0.25))
    table = lattice.sections.table
    assert table.shape == (lattice.num_struts, 5)
    assert np.array_equal(table, np.tile([0.05, 0.05, 0.0, 70.0, 0.25], (lattice.num_struts, 1)))


def test_what_is_given_is_kept_and_bores_are_ratios():
    plain = cell("sc", radius=0.1)
    lattice = plain.replace(
        end_radii=np.array([0.2, 0.1, 0.05]),
        inner_radii=np.array([0.0, 0.05, 0.025]),
        E=np.array([1.0, 2.0, 3.0]),
        nu=np.array([0.0, 0.1, 0.2]),
    )
    sections = lattice.sections
    np.testing.assert_allclose(sections.bores, [0, 0.5, 0.25])
    assert sections.largest_radii.tolist() == [0.2, 0.1, 0.1]
    assert sections.E.tolist() == [1, 2, 3]
    assert sections.nu.tolist() == [0, 0.1, 0.2]


def test_cross_axes_are_right_handed_frames_of_every_strut():
    vectors = np.concatenate([3 * np.eye(3), -np.eye(3), random_lattice(2).strut_vectors])
    frames = np.stack([*cross_axes(vectors), vectors], axis=1)
    frames[:, 2] /= np.linalg.norm(vectors, axis=1, keepdims=True)
    np.testing.assert_allclose(
        frames @ frames.transpose(0, 2, 1), np.tile(np.eye(3), (len(vectors), 1, 1)), atol=1e-14
    )
    np.testing.assert_allclose(np.linalg.det(frames), 1)
