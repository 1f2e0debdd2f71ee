"""Struts of different moduli in the solid reference: closed forms, bounds, invariance."""

import numpy as np
import pytest
import torch

from fem_reference.beam.homogenise import homogenise_beam
from fem_reference.solid.homogenise import homogenise_solid
from fem_reference.solid.moduli import voxel_moduli
from fem_reference.solid.voxels import volume_fractions
from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.lattice import Lattice, Material
from lattice_gnn.testing import random_lattice, random_unimodular

VOXELS = 6


def solid(lattice, voxels_per_diameter=VOXELS):
    return homogenise_solid(lattice, voxels_per_diameter=voxels_per_diameter)


def unequal(lattice, seed=0, ratio=10.0):
    E = ratio ** np.random.default_rng(seed).uniform(-0.5, 0.5, lattice.num_struts)
    return lattice.replace(E=lattice.material.E * E)


def two_nets(radius, E):
    """Two simple cubic nets that do not touch, of moduli 1 and E."""
    struts, axes = [[0, 0]] * 3 + [[1, 1]] * 3, np.tile(np.eye(3, dtype=int), (2, 1))
    nodes = [[0, 0, 0], [0.5, 0.5, 0.5]]
    return Lattice(np.eye(3), nodes, struts, axes, radius, E=np.repeat([1.0, E], 3))


@pytest.fixture(scope="module", params=["sc", "kelvin"])
def lattice(request):
    return cell(request.param, relative_density=0.15)


def test_equal_moduli_change_nothing_and_scale_the_stiffness(lattice):
    C = solid(lattice).stiffness.numpy()
    stiff = lattice.replace(material=Material(E=70.0, nu=0.3), E=np.full(lattice.num_struts, 210.0))
    found = solid(stiff)
    np.testing.assert_allclose(found.stiffness.numpy(), 3 * C, rtol=1e-12, atol=1e-13)
    same = stiff.replace(E=np.full(lattice.num_struts, 70.0))
    assert (solid(same).stiffness.numpy() == C).all()


def test_scaling_all_moduli_scales_the_stiffness(lattice):
    first, second = unequal(lattice), unequal(lattice)
    second = second.replace(E=7 * second.E)
    a, b = solid(first), solid(second)
    np.testing.assert_allclose(b.stiffness.numpy(), 7 * a.stiffness.numpy(), rtol=1e-6, atol=1e-8)
    assert a.volume_fraction == b.volume_fraction == solid(lattice).volume_fraction
    np.testing.assert_allclose(b.fields.stress, 7 * a.fields.stress, atol=1e-4)


def test_stiffness_lies_between_those_of_the_extreme_moduli_and_grows_with_each(lattice):
    """In the Loewner order on each grid: C is a minimum over displacements of sums of E."""
    mixed = unequal(lattice)
    base, found = solid(lattice), solid(mixed)
    stiffer = mixed.replace(E=mixed.E * np.where(np.arange(len(mixed.E)) == 1, 1.5, 1.0))
    more = solid(stiffer)
    for grid in ("coarse", "fine"):
        C, one, up = (getattr(x, grid).stiffness.numpy() for x in (found, base, more))
        for low, high in ((mixed.E.min() * one, C), (C, mixed.E.max() * one), (C, up)):
            assert np.linalg.eigvalsh(high - low)[0] > -1e-6 * high.max()


def test_two_nets_that_do_not_touch_add_up():
    """Each carries its load alone: C = E_1 C_1 + E_2 C_2, exact."""
    single = solid(cell("sc", radius=0.12)).stiffness.numpy()
    apart = solid(two_nets(0.12, 6.0))
    assert apart.fine.components.kept == 2
    np.testing.assert_allclose(apart.stiffness.numpy(), 7 * single, rtol=1e-5, atol=1e-7)


def test_a_bar_of_two_materials_is_the_series_of_its_halves():
    """Simple cubic, the struts along x halved: 1 / E_x = (1/E_1 + 1/E_2) / (2 pi r^2) if slender.

    Bars across stiffen a piece of about the length of the radius, and each half reaches as far into
    the other, so that the answer lies below the formula by a share that falls with the radius.
    """
    nodes, x = [[0, 0, 0], [0.5, 0, 0]], [1, 0, 0]
    struts, shifts = [[0, 1], [1, 0], [0, 0], [0, 0]], [[0, 0, 0], x, [0, 1, 0], [0, 0, 1]]
    below = []
    for radius in (0.06, 0.03):
        bar = Lattice(np.eye(3), nodes, struts, shifts, radius, E=np.array([1.0, 4.0, 2.0, 2.0]))
        compliance = np.linalg.inv(solid(bar).stiffness.numpy())[0, 0]
        series = (1 / 1 + 1 / 4) / (2 * np.pi * radius**2)
        below.append(1 - compliance / series)
        assert 0 < below[-1] < 2 * radius
    assert below[1] == pytest.approx(below[0] / 2, rel=0.15)


@pytest.mark.slow
def test_slender_struts_approach_beams():
    """The difference from beam FEM falls with the slenderness, as for equal moduli."""
    lattice = unequal(cell("bcc", radius=0.06), ratio=4.0)
    apart = []
    for radius in (0.06, 0.03):
        thin = lattice.replace(radii=np.full(lattice.num_struts, radius))
        C, beam = solid(thin, 8).stiffness.numpy(), homogenise_beam(thin).stiffness.numpy()
        apart.append(np.linalg.norm(C - beam) / np.linalg.norm(C))
    assert apart[1] < 0.65 * apart[0] < 0.08


def test_voxels_hold_the_mean_modulus_of_the_points_that_struts_cover():
    """Against a search over all struts, images and points, without shortcuts."""
    lattice = unequal(random_lattice(3, num_nodes=2))
    lattice = lattice.with_relative_density(0.2)
    shape, points = (8, 8, 8), 16
    weights, moduli = volume_fractions(lattice, shape), voxel_moduli(lattice, shape)
    rng = np.random.default_rng(0)
    filled = np.argwhere(weights > 0.05)
    starts = lattice.nodes[lattice.struts[:, 0]]
    images = np.stack(np.meshgrid(*[np.arange(-2, 3)] * 3, indexing="ij"), -1).reshape(-1, 3)
    steps = (np.stack(np.meshgrid(*[np.arange(points)] * 3, indexing="ij"), -1) + 0.5) / points
    for voxel in filled[rng.choice(len(filled), 12, replace=False)]:
        at = ((voxel + steps.reshape(-1, 3)) / np.array(shape)) @ lattice.cell
        total, count = np.zeros(len(at)), np.zeros(len(at))
        for s in range(lattice.num_struts):
            v = lattice.strut_vectors[s]
            for origin in (starts[s] + images) @ lattice.cell:
                t = np.clip((at - origin) @ v / (v @ v), 0, 1)
                near = np.linalg.norm(at - origin - t[:, None] * v, axis=1) <= lattice.radii[s]
                total += near * lattice.E[s]
                count += near
        expected = (total[count > 0] / count[count > 0]).mean()
        assert moduli[tuple(voxel)] == pytest.approx(expected, rel=1e-5)
        assert weights[tuple(voxel)] == pytest.approx(np.mean(count > 0), abs=2e-3)


def test_order_direction_and_choice_of_cell_play_no_part():
    lattice = unequal(cell("bcc", radius=0.1))
    expected = solid(lattice)
    order = np.random.default_rng(1).permutation(lattice.num_struts)
    other = lattice.replace(
        struts=lattice.struts[order][:, ::-1],
        shifts=-lattice.shifts[order],
        radii=lattice.radii[order],
        E=lattice.E[order],
    )
    for same in (other, lattice.with_cell_vectors(random_unimodular(2, determinant=-1))):
        found = solid(same).stiffness.mandel
        torch.testing.assert_close(found, expected.stiffness.mandel, rtol=1e-5, atol=1e-8)


def test_poisson_ratio_is_that_of_the_struts_and_must_be_one():
    lattice = cell("bcc", radius=0.1, nu=0.1)
    expected = solid(lattice).stiffness.numpy()
    of_struts = lattice.replace(material=Material(nu=0.4), nu=np.full(lattice.num_struts, 0.1))
    assert (solid(of_struts).stiffness.numpy() == expected).all()
    with pytest.raises(LatticeGnnError, match=r"nu from 0\.1 to 0\.3; give all struts one nu"):
        solid(lattice.replace(nu=np.linspace(0.1, 0.3, lattice.num_struts)))


@pytest.mark.parametrize("nu", [0.0, 0.15, 0.45])
def test_any_poisson_ratio(nu):
    """A solid cell is the solid; slender struts hardly know nu, thick joints do."""
    thick = solid(cell("bcc", radius=0.5, nu=nu), 16)
    lame = nu / ((1 + nu) * (1 - 2 * nu))
    assert thick.stiffness.numpy()[0, 1] == pytest.approx(lame, abs=1e-12)
    slender, usual = (cell("bcc", radius=0.04, nu=x) for x in (nu, 0.3))
    C, D = (solid(x, 4).stiffness.numpy() for x in (slender, usual))
    assert 1e-3 < np.linalg.norm(C - D) / np.linalg.norm(D) < 0.05
