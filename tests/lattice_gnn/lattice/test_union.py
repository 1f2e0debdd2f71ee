"""Volume of the union against solids known in closed form, and gaps against brute force."""

import itertools

import numpy as np
import pytest

from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.contacts import image_pairs, reduction, segment_contacts
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.testing import (
    example_lattices,
    random_lattice,
    random_rotation,
    random_unimodular,
)

SIGMAS = 4.0
"""An estimate lies further off once in 800 times (Student, 15 degrees of freedom)."""


def chain(**fields) -> Lattice:
    """Return one straight strut along x through a unit cube."""
    given = {"radii": [0.2], **fields}
    return Lattice(np.eye(3), np.zeros((1, 3)), [[0, 0]], [[1, 0, 0]], **given)


def axes(count: int, radius: float) -> Lattice:
    """Return ``count`` straight chains along x, y, z that cross at right angles in one node."""
    return Lattice(np.eye(3), np.zeros((1, 3)), [[0, 0]] * count, np.eye(3)[:count], radius)


R = 0.15
CYLINDER, BICYLINDER, TRICYLINDER = np.pi * R**2, 16 / 3 * R**3, 8 * (2 - np.sqrt(2)) * R**3
EXACT = [
    (axes(1, R), CYLINDER),
    (axes(2, R), 2 * CYLINDER - BICYLINDER),
    (axes(3, R), 3 * CYLINDER - 3 * BICYLINDER + TRICYLINDER),
]


@pytest.mark.parametrize(("lattice", "exact"), EXACT, ids=["cylinder", "two", "three"])
@pytest.mark.parametrize("seed", range(4))
def test_crossing_cylinders_are_steinmetz_solids(lattice, exact, seed):
    """Bicylinder 16 r^3 / 3, tricylinder 8 (2 - sqrt 2) r^3."""
    estimate = lattice.volume_fraction(seed=seed)
    assert abs(estimate.value - exact) < SIGMAS * estimate.error
    assert estimate.error < 1e-3 * exact


def test_free_end_is_a_half_ball():
    """Two nodes, one strut: a capsule; pi r^2 L + 4/3 pi r^3, nothing overlaps, no error."""
    lattice = Lattice(np.eye(3), [[0.2, 0.5, 0.5], [0.8, 0.5, 0.5]], [[0, 1]], [[0, 0, 0]], [0.1])
    exact = np.pi * 0.01 * 0.6 + 4 / 3 * np.pi * 0.001
    estimate = lattice.volume_fraction()
    assert abs(estimate.value - exact) < SIGMAS * estimate.error
    assert estimate.error < 1e-3 * exact


def test_taper_is_a_cone_frustum_with_a_ball_at_its_wide_end():
    """The ball of radius b sticks out of the frustum: a body of revolution, integrated."""
    a, b = 0.1, 0.2
    estimate = chain(radii=[a], end_radii=[b]).volume_fraction(samples=200_000)
    x = np.linspace(0, 1, 400_001)
    profile = np.maximum((a + (b - a) * x) ** 2, np.maximum(b**2 - (1 - x) ** 2, b**2 - x**2))
    exact = np.pi * np.trapezoid(profile, x)
    assert abs(estimate.value - exact) < SIGMAS * estimate.error


def test_hollow_chain_is_its_wall():
    estimate = chain(inner_radii=[0.15]).volume_fraction()
    assert estimate.value == pytest.approx(np.pi * (0.2**2 - 0.15**2), rel=1e-12)
    tapered = chain(end_radii=[0.1], inner_radii=[0.15])
    assert tapered.volume_fraction().value == pytest.approx(tapered.relative_density, rel=1e-12)


def test_error_bar_is_honest():
    """Over many seeds, deviation over error has a standard deviation of about 1."""
    lattice, exact = EXACT[2]
    estimates = [lattice.volume_fraction(samples=1000, seed=seed) for seed in range(60)]
    scores = np.array([(e.value - exact) / e.error for e in estimates])
    assert 0.8 < scores.std() < 1.5
    assert abs(scores.mean()) < 0.5


@pytest.mark.parametrize("seed", [1, 6])
def test_union_against_points_in_the_cell(seed):
    """Plain Monte Carlo over all images, an independent route to the same volume."""
    lattice = random_lattice(seed, num_nodes=2).wrapped()
    points = np.random.default_rng(seed).random((4_000, 3)) @ lattice.cell
    inside = np.zeros(len(points), dtype=bool)
    starts = lattice.positions[lattice.struts[:, 0]]
    for shift in itertools.product(range(-3, 4), repeat=3):
        struts = zip(starts, lattice.strut_vectors, lattice.radii, strict=True)
        for start, vector, radius in struts:
            apart = points - start - np.array(shift) @ lattice.cell
            t = np.clip(apart @ vector / (vector @ vector), 0, 1)
            inside |= ((apart - t[:, None] * vector) ** 2).sum(axis=1) <= radius**2
    estimate = lattice.volume_fraction()
    error = np.hypot(np.sqrt(inside.mean() * (1 - inside.mean()) / len(points)), estimate.error)
    assert abs(estimate.value - inside.mean()) < SIGMAS * error


@pytest.mark.parametrize("seed", range(4))
def test_volume_fraction_is_invariant(seed):
    lattice = random_lattice(seed, sections=True)
    other = (
        lattice.with_cell_vectors(random_unimodular(seed))
        .rotated(random_rotation(seed, improper=True))
        .scaled(3.0)
        .supercell((2, 1, 1))
    )
    one, two = lattice.volume_fraction(), other.volume_fraction(seed=9)
    assert abs(one.value - two.value) < SIGMAS * np.hypot(one.error, two.error)


def test_thin_struts_approach_the_relative_density():
    lattice = cell("octet", relative_density=1e-4)
    assert lattice.volume_fraction().value == pytest.approx(1e-4, rel=0.01)
    thick = cell("octet", relative_density=0.2)
    assert thick.volume_fraction().value < 0.2


def test_more_samples_shrink_the_error():
    lattice = cell("kelvin", relative_density=0.2)
    few, many = (lattice.volume_fraction(samples=n).error for n in (2_000, 200_000))
    assert many < few / 4


def test_struts_as_wide_as_the_cell_fill_it():
    assert axes(3, 2.0).volume_fraction().value == 1
    assert axes(3, 0.75).volume_fraction().value == pytest.approx(1, abs=1e-3)


def test_absurd_sizes_are_refused():
    with pytest.raises(LatticeGnnError, match="spans too many periods"):
        chain(inner_radii=[190.0], radii=[200.0]).volume_fraction()
    with pytest.raises(LatticeGnnError, match="samples"):
        chain().volume_fraction(samples=0)


def brute_clearance(lattice, reach=2):
    """Smallest gap over all images within ``reach`` cells, point by point along the struts."""
    i, j = lattice.struts.T
    starts = lattice.positions[i]
    grid = np.linspace(0, 1, 61)
    best = np.inf
    for shift in itertools.product(range(-reach, reach + 1), repeat=3):
        for a, b in itertools.product(range(lattice.num_struts), repeat=2):
            ends_a = {(i[a], 0, 0, 0), (j[a], *lattice.shifts[a])}
            ends_b = {(i[b], *shift), (j[b], *(lattice.shifts[b] + shift))}
            if (a == b and not any(shift)) or ends_a & ends_b:
                continue
            apart = starts[b] + np.array(shift) @ lattice.cell - starts[a]
            p, q = lattice.strut_vectors[a], lattice.strut_vectors[b]
            points = apart + grid[:, None] * q
            s = np.clip(points @ p / (p @ p), 0, 1)
            gap = np.linalg.norm(points - s[:, None] * p, axis=1).min()
            best = min(best, gap - lattice.radii[a] - lattice.radii[b])
    return best


@pytest.mark.parametrize("seed", [1, 8])
def test_clearance_against_brute_force(seed):
    lattice = random_lattice(seed, num_nodes=2).wrapped()
    assert lattice.clearance().distance == pytest.approx(brute_clearance(lattice), abs=5e-3)


def test_parallel_chains_are_a_period_apart():
    found = chain().clearance()
    assert found.distance == pytest.approx(1 - 0.4)
    assert found.touching == 0
    assert (found.strut_a, found.strut_b) == (0, 0)
    assert sorted(map(abs, found.shift[1:])) == [0, 1]


def test_parallel_chains_that_overlap_do_so_by_the_excess():
    found = chain(radii=[0.55]).clearance()
    assert found.distance == pytest.approx(-0.1)
    assert "which beam FEM and networks do not see" in found.describe()


@pytest.mark.parametrize("name", ["octet", "kelvin", "diamond", "gyroid", "re-entrant"])
def test_clearance_is_linear_in_the_radius(name):
    thin, thick = (cell(name, radius=r).clearance() for r in (0.01, 0.02))
    assert thin.distance - thick.distance == pytest.approx(0.02)
    assert thin.distance > 0


def test_unjoined_face_diagonals_touch():
    """FCC as drawn without face nodes: each face has two diagonals that cross, overlap 2 r."""
    segments = [[0, 1, 1], [1, 0, 1], [1, 1, 0]]
    corners = [[0, 1, -1], [1, 0, -1], [1, -1, 0]]
    fused = Lattice(np.eye(3), np.zeros((1, 3)), [[0, 0]] * 6, segments + corners, [0.03] * 6)
    found = fused.clearance()
    assert found.distance == pytest.approx(-0.06)
    assert found.touching == 3
    assert "3 pairs" in found.describe()
    assert cell("fcc", radius=0.03).clearance().distance > 0


def test_clearance_of_a_taper_uses_the_local_radius():
    """Two skew struts that pass at their middles, where the tapered one has its mean radius."""
    nodes = [[0, 0.5, 0.4], [1, 0.5, 0.4], [0.5, 0, 0.6], [0.5, 1, 0.6]]
    lattice = Lattice(
        4 * np.eye(3),
        np.array(nodes) / 4,
        [[0, 1], [2, 3]],
        np.zeros((2, 3)),
        [0.01, 0.05],
        end_radii=[0.09, 0.05],
    )
    assert lattice.clearance().distance == pytest.approx(0.2 - 0.05 - 0.05, abs=2e-3)


@pytest.mark.parametrize("seed", range(6))
def test_clearance_is_invariant(seed):
    lattice = random_lattice(seed)
    other = (
        lattice.with_cell_vectors(random_unimodular(seed, determinant=-1))
        .rotated(random_rotation(seed))
        .reversed_struts(np.arange(lattice.num_struts) % 2 == 0)
        .supercell((1, 2, 1))
        .scaled(2.0)
    )
    one, two = lattice.clearance(), other.clearance()
    assert two.distance == pytest.approx(2 * one.distance, abs=1e-9)
    assert two.touching == 2 * one.touching


@pytest.mark.parametrize("lattice", example_lattices(), ids=lambda lattice: lattice.name)
def test_clearance_names_struts_that_share_no_joint(lattice):
    found = lattice.clearance()
    i, j = lattice.struts.T
    a, b = found.strut_a, found.strut_b
    ends_a = {(i[a], 0, 0, 0), (j[a], *lattice.shifts[a])}
    ends_b = {(i[b], *found.shift), (j[b], *(lattice.shifts[b] + found.shift))}
    assert not ends_a & ends_b


def test_segment_contacts_against_a_grid():
    generator = np.random.default_rng(0)
    apart, p, q = generator.normal(size=(3, 50, 3))
    q[:5] = 2 * p[:5]
    q[5:8], p[8:10] = 0, 0
    distances, s, t = segment_contacts(apart, p, q)
    reached = apart[:, None] + t[..., None] * q[:, None] - s[..., None] * p[:, None]
    np.testing.assert_allclose(np.linalg.norm(reached, axis=2), distances)
    grid = np.linspace(0, 1, 201)
    points = apart[:, None, None] + grid[:, None, None] * q[:, None, None]
    points = points - grid[:, None] * p[:, None, None]
    on_grid = np.linalg.norm(points, axis=-1).min(axis=(1, 2))
    assert (distances.min(axis=1) <= on_grid + 1e-12).all()
    np.testing.assert_allclose(distances.min(axis=1), on_grid, atol=0.02)


@pytest.mark.parametrize("seed", range(5))
def test_image_pairs_against_all_images(seed):
    lattice = random_lattice(seed, num_nodes=4)
    reach = np.array([0.1, 0.3, 0.2, 0.4])
    a, b, shifts = image_pairs(lattice.cell, lattice.positions, reach, 0.5)
    found = set(zip(a.tolist(), b.tolist(), map(tuple, shifts.tolist()), strict=True))
    assert len(found) == len(a)
    expected = set()
    for shift in itertools.product(range(-8, 9), repeat=3):
        between = lattice.positions + np.array(shift) @ lattice.cell - lattice.positions[:, None]
        near = np.linalg.norm(between, axis=2) <= reach[:, None] + reach + 0.5
        expected |= {(m, n, shift) for m, n in np.argwhere(near).tolist() if m != n or any(shift)}
    assert found == expected


@pytest.mark.parametrize("seed", range(8))
def test_reduction_finds_a_short_basis(seed):
    """Of a cube hidden behind unimodular changes it recovers the edges."""
    U = random_unimodular(seed) @ random_unimodular(seed + 50) @ random_unimodular(seed + 90)
    hidden = U @ random_rotation(seed)
    V = reduction(hidden)
    assert abs(round(float(np.linalg.det(V)))) == 1
    np.testing.assert_allclose(np.linalg.norm(V @ hidden, axis=1), 1)


def test_image_pairs_of_a_large_lattice_are_those_of_its_cell():
    """The tree that serves many points finds as many pairs a cell as the table that serves few."""
    lattice = cell("octet", radius=0.01)
    large = lattice.supercell((6, 6, 6))
    few, many = (
        image_pairs(given.cell, given.positions, np.full(given.num_nodes, 0.6), 0.1)
        for given in (lattice, large)
    )
    assert len(many[0]) == 216 * len(few[0])
    between = large.positions[many[1]] + many[2] @ large.cell - large.positions[many[0]]
    assert np.linalg.norm(between, axis=1).max() <= 1.3 + 1e-12
