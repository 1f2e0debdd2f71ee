"""Volume fractions of voxels against closed forms, and which components carry load."""

import numpy as np
import pytest

from fem_reference.solid.voxels import keep_spanning, volume_fractions
from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.testing import random_lattice, random_unimodular


def test_three_crossing_cylinders():
    """Union of three cylinders through a cube: 3 pi r^2 - 8 sqrt(2) r^3 (Steinmetz)."""
    for r in (0.11, 0.2, 0.31):
        exact = 3 * np.pi * r**2 - 8 * 2**0.5 * r**3
        weights = volume_fractions(cell("sc", radius=r), (24, 24, 24))
        assert weights.mean(dtype=float) == pytest.approx(exact, rel=3e-3)
        turned = cell("sc", radius=r).translated(np.array([0.013, 0.007, 0.021]))
        weights = volume_fractions(turned, (40, 40, 40))
        assert weights.mean(dtype=float) == pytest.approx(exact, rel=1e-3)


def test_one_strut_fills_the_voxels_that_it_should():
    """A strut along an edge of the grid: full inside, empty outside, circle segments between."""
    lattice = Lattice(np.eye(3), [[0.5, 0.5, 0.0]], [[0, 0]], [[0, 0, 1]], 0.25)
    weights = volume_fractions(lattice, (16, 16, 4))
    centres = (np.arange(16) + 0.5) / 16 - 0.5
    distance = np.hypot(centres[:, None], centres[None])
    half = 0.5**0.5 / 16
    assert (weights[distance < 0.25 - half] == 1).all()
    assert (weights[distance > 0.25 + half] == 0).all()
    assert (weights == weights[:, :, :1]).all()
    assert weights.mean(dtype=float) == pytest.approx(np.pi * 0.25**2, rel=3e-3)


@pytest.mark.parametrize("seed", [3, 8])
def test_skewed_cells_and_unequal_radii(seed):
    """The sampler of the lattice module, which knows no voxels, finds the same volume."""
    lattice = random_lattice(seed)
    lattice = lattice.with_radii(np.linspace(0.7, 1.3, lattice.num_struts) * lattice.radii.mean())
    lattice = lattice.with_relative_density(0.15)
    sampled = lattice.volume_fraction(samples=100_000)
    for U in (np.eye(3, dtype=int), random_unimodular(seed, determinant=-1)):
        shape = (16, 24, 40)
        found = volume_fractions(lattice.with_cell_vectors(U), shape).mean(dtype=float)
        assert abs(found - sampled.value) < 5 * sampled.error + 1e-3 * sampled.value


def test_whole_voxel_moves_roll_the_grid():
    lattice = cell("bcc", radius=0.1)
    before = volume_fractions(lattice, (16, 16, 16))
    after = volume_fractions(lattice.translated(np.array([2 / 16, -3 / 16, 1.0])), (16, 16, 16))
    assert np.abs(np.roll(before, (2, -3, 0), (0, 1, 2)) - after).max() < 0.02


def with_far_strut(rows, r=0.06):
    """A simple cubic net at the origin and further struts, given as (node, node, shift)."""
    nodes = [[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0.75]]
    struts = [(0, 0, 1, 0, 0), (0, 0, 0, 1, 0), (0, 0, 0, 0, 1), *rows]
    table = np.array(struts)
    return Lattice(np.eye(3), nodes, table[:, :2], table[:, 2:], r)


def test_what_does_not_span_space_is_dropped():
    """A loose stick, a bar that runs through one direction: neither carries load in all."""
    net, found = keep_spanning(volume_fractions(cell("sc", radius=0.06), (24, 24, 24)))
    assert (found.kept, found.dropped) == (1, 0)
    for rows in ([(1, 2, 0, 0, 0)], [(1, 2, 0, 0, 0), (1, 2, 0, 0, -1)]):
        weights, found = keep_spanning(volume_fractions(with_far_strut(rows), (24, 24, 24)))
        assert (found.kept, found.dropped) == (1, 1)
        assert found.dropped_volume > 0
        np.testing.assert_array_equal(weights, net)


def test_interpenetrating_nets_are_both_kept():
    rows = [(1, 1, 1, 0, 0), (1, 1, 0, 1, 0), (1, 1, 0, 0, 1), (1, 2, 0, 0, 0)]
    _, found = keep_spanning(volume_fractions(with_far_strut(rows), (24, 24, 24)))
    assert (found.kept, found.dropped) == (2, 0)


def test_a_sheet_spans_only_two_directions():
    sheet = np.zeros((8, 8, 8))
    sheet[:, :, 3] = 1
    assert keep_spanning(sheet)[1].kept == 0
    diagonal = np.zeros((8, 8, 8))
    diagonal[np.arange(8), np.arange(8), np.arange(8)] = 1
    assert keep_spanning(diagonal)[1].kept == 0
    assert keep_spanning(np.ones((1, 2, 1)))[1].kept == 1


def test_a_screw_spans_what_its_windings_span():
    """A chain that closes only after three turns in different directions has rank one."""
    chain = np.zeros((12, 12, 12))
    chain[np.arange(12), np.arange(12) // 2, 0] = 1
    chain[11, 6:, 0] = 1
    _, found = keep_spanning(chain)
    assert (found.kept, found.dropped) == (0, 1)
