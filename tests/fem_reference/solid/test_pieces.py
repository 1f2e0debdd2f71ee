"""Tapered and hollow struts in the solid reference: volumes, closed forms, limits."""

import numpy as np
import pytest

from fem_reference.beam.homogenise import homogenise_beam
from fem_reference.solid.grid import thinnest
from fem_reference.solid.homogenise import homogenise_solid
from fem_reference.solid.voxels import volume_fractions
from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.testing import random_lattice


def strut_volumes(**sections):
    """Volume of a strut of radius .1 that joins its own image along an axis; along a diagonal."""
    lattice = Lattice(np.eye(3), [[0.2, 0.3, 0.25]], [[0, 0]], [[0, 0, 1]], 0.1, **sections)
    slanted = lattice.replace(nodes=lattice.nodes + 0.011, shifts=[[1, 0, 1]])
    return [float(volume_fractions(x, (32, 32, 32)).mean(dtype=float)) for x in (lattice, slanted)]


def test_volumes_of_tubes_and_cones():
    """pi (r^2 - b^2) L; a cone from .1 to .05, with the ball of the thick end at both ends."""
    straight, slanted = strut_volumes(inner_radii=np.array([0.06]))
    wall = np.pi * (0.1**2 - 0.06**2)
    assert straight == pytest.approx(wall, rel=5e-3)
    assert slanted == pytest.approx(2**0.5 * wall, rel=3e-3)
    straight, slanted = strut_volumes(end_radii=np.array([0.05]))
    cone = np.pi * (0.1**2 + 0.1 * 0.05 + 0.05**2) / 3
    for found, length in ((straight, 1.0), (slanted, 2**0.5)):
        bulge = (
            found - length * cone
        )  # part of the ball of radius .1 beyond the cone at its thin end
        assert 0.5 * 2 / 3 * np.pi * 0.1**3 < bulge < 2 / 3 * np.pi * 0.1**3


@pytest.mark.parametrize("seed", range(3))
def test_volume_fraction_is_that_of_the_lattice(seed):
    """Against the sampling of pieces in ``Lattice.volume_fraction``, tapers and bores together."""
    lattice = random_lattice(seed, num_nodes=3, sections=True)
    assert lattice.end_radii is not None or lattice.inner_radii is not None
    expected = lattice.volume_fraction(200_000)
    found = float(volume_fractions(lattice, (40, 40, 40)).mean(dtype=float))
    assert found == pytest.approx(expected.value, rel=4e-3, abs=4 * expected.error)


def test_no_taper_and_no_bore_are_plain_struts():
    lattice = cell("bcc", radius=0.1)
    plain = homogenise_solid(lattice, voxels_per_diameter=6).stiffness.numpy()
    same = lattice.replace(end_radii=lattice.radii, inner_radii=np.zeros(lattice.num_struts))
    assert (homogenise_solid(same, voxels_per_diameter=6).stiffness.numpy() == plain).all()
    nearly = lattice.replace(end_radii=lattice.radii * (1 + 1e-9))
    found = homogenise_solid(nearly, voxels_per_diameter=6).stiffness.numpy()
    np.testing.assert_allclose(found, plain, rtol=1e-4, atol=1e-6)


def test_which_end_is_thick_and_which_way_a_strut_runs_play_no_part():
    lattice = cell("bcc", radius=0.1)
    tapered = lattice.replace(end_radii=0.6 * lattice.radii)
    reversed_ = lattice.replace(
        struts=lattice.struts[:, ::-1],
        shifts=-lattice.shifts,
        radii=0.6 * lattice.radii,
        end_radii=lattice.radii,
    )
    a, b = (
        homogenise_solid(x, voxels_per_diameter=6).stiffness.numpy() for x in (tapered, reversed_)
    )
    np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-8)


def square_bars(**sections):
    """Simple cubic of slender struts, a middle node on those along x."""
    nodes, x = [[0, 0, 0], [0.5, 0, 0]], [1, 0, 0]
    struts, shifts = [[0, 1], [1, 0], [0, 0], [0, 0]], [[0, 0, 0], x, [0, 1, 0], [0, 0, 1]]
    return Lattice(np.eye(3), nodes, struts, shifts, 0.06, **sections)


def along_x(lattice, voxels=6):
    solution = homogenise_solid(lattice, voxels_per_diameter=voxels)
    return 1 / np.linalg.inv(solution.stiffness.numpy())[0, 0]


def test_a_tapered_bar_is_the_series_of_its_sections():
    """From r to s over half the cell and back: E_x = pi r s, against pi r^2 of the even bar.

    Compliance: the integral of dx / (pi (r + (s - r) x)^2) is 1 / (pi r s). The joint takes as much
    from both, so that their ratio is close.
    """
    r, s = 0.06, 0.04
    ends = np.array([s, r, r, r])
    starts = np.array([r, s, r, r])
    bar = square_bars().replace(radii=starts, end_radii=ends)
    assert along_x(bar) / along_x(square_bars()) == pytest.approx(s / r, rel=0.02)


def test_tubes_stretch_with_their_wall_and_bend_with_its_second_moment():
    """Simple cubic of tubes: E_x and G over those of solid bars are 1 - k^2 and 1 - k^4, as beams.

    Joints of tubes are softer in bending than those of bars, so that the second lies below. Both
    are solved on the same grid.
    """
    k = 0.5
    solid = cell("sc", radius=0.08)
    tubes = solid.replace(inner_radii=k * solid.radii)
    beams = [homogenise_beam(x).stiffness.numpy().reshape(6, 6) for x in (tubes, solid)]
    solutions = [homogenise_solid(x, voxels_per_diameter=n) for x, n in ((tubes, 6), (solid, 12))]
    assert solutions[0].fine.shape == solutions[1].fine.shape
    stretch, bend = (
        [C[0][row, row] / C[1][row, row] for C in (beams, [x.stiffness.numpy() for x in solutions])]
        for row in (0, 5)
    )
    assert stretch == pytest.approx([1 - k**2] * 2, rel=0.01)
    assert bend[0] == pytest.approx(1 - k**4, rel=1e-6)
    assert 0.88 * bend[0] < bend[1] < bend[0]


def test_a_bore_makes_it_softer_and_its_wall_sets_the_grid():
    lattice = cell("bcc", radius=0.1)
    hollow = lattice.replace(inner_radii=0.6 * lattice.radii)
    assert thinnest(hollow) == pytest.approx(0.04)
    assert thinnest(lattice.replace(end_radii=np.full(lattice.num_struts, 0.07))) == 0.07
    soft = homogenise_solid(hollow, voxels_per_diameter=6)
    C = homogenise_solid(lattice, voxels_per_diameter=6).stiffness.numpy()
    assert np.linalg.eigvalsh(C - soft.stiffness.numpy())[0] > 0
    assert soft.voxels_per_diameter >= 6
    assert soft.volume_fraction == pytest.approx(hollow.volume_fraction().value, rel=5e-3)
