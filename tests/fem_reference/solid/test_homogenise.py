"""The solid reference against closed forms, bounds, symmetry and an independent code."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from fem_reference.solid.homogenise import extrapolate, homogenise_solid, homogenise_voxels
from fem_reference.solid.stopping import NotConvergedError, largest_share, reached
from fem_reference.solid.voxels import volume_fractions
from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.json_file import lattice_from_dict
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.tensors.bounds import upper_bounds
from lattice_gnn.tensors.metrics import relative_frobenius
from lattice_gnn.tensors.stiffness import Stiffness
from lattice_gnn.testing import random_rotation, random_unimodular

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "solid.json").read_text())
SKEWED = np.array([[1.0, 0.1, 0.0], [-0.3, 0.9, 0.2], [0.2, 0.4, 1.3]])
SOLID = Stiffness.isotropic(1.0, 0.3).numpy()


def difference(a, b):
    return float(relative_frobenius(a.mandel[None], b.mandel[None]))


def softest(stiffness):
    return float(torch.linalg.eigvalsh(stiffness.mandel)[0])


def laminate(shares, normal):
    """Layers of equal thickness, stiffness share * SOLID: exact (Milton 2002, section 9.2).

    Strain differs between layers by sym(a_k x n) with mean 0, and the traction t is common:
    A_k a_k = t - N^T C_k E, A_k = N^T C_k N, with N a = sym(a x n) in Mandel notation.
    """
    n = normal / np.linalg.norm(normal)
    half = 0.5**0.5
    N = np.array([
        [n[0], 0, 0], [0, n[1], 0], [0, 0, n[2]],
        [0, half * n[2], half * n[1]], [half * n[2], 0, half * n[0]], [half * n[1], half * n[0], 0],
    ])  # fmt: skip
    inverse = np.linalg.inv(N.T @ SOLID @ N)
    mean_inverse = np.mean(1 / shares) * inverse
    t = np.linalg.solve(mean_inverse, inverse @ N.T @ SOLID)
    layers = [w * (SOLID + SOLID @ N @ inverse @ (t / w - N.T @ SOLID)) for w in shares]
    return np.mean(layers, axis=0)


@pytest.mark.parametrize("axis", [0, 2])
@pytest.mark.parametrize("shape", [(4, 4, 4), (8, 8, 16)], ids=["direct", "multigrid"])
def test_laminate_in_a_skewed_cell(axis, shape):
    """Strains are constant in each layer, so the elements are exact."""
    shares = np.random.default_rng(axis).uniform(0.1, 1.0, shape[axis])
    others = [k for k in range(3) if k != axis]
    weights = np.broadcast_to(np.expand_dims(shares, others), shape)
    solution = homogenise_voxels(np.array(weights), SKEWED, tolerance=1e-22)
    exact = laminate(shares, np.cross(*SKEWED[others]))
    assert np.abs(solution.stiffness.numpy() - exact).max() < 1e-12 * exact.max()


def test_solid_cell_is_solid():
    solution = homogenise_voxels(np.full((8, 8, 8), 0.5), SKEWED, nu=0.2)
    expected = 0.5 * Stiffness.isotropic(1.0, 0.2).numpy()
    np.testing.assert_allclose(solution.stiffness.numpy(), expected, rtol=1e-13, atol=1e-14)
    thick = homogenise_solid(cell("bcc", radius=0.5), voxels_per_diameter=16)
    np.testing.assert_allclose(thick.stiffness.numpy(), SOLID, rtol=1e-12, atol=1e-12)
    assert thick.volume_fraction == 1.0


@pytest.fixture(scope="module")
def bcc():
    return homogenise_solid(cell("bcc", radius=0.11), voxels_per_diameter=6)


def test_cubic_cells_are_cubic(bcc):
    """Symmetric lattices on symmetric grids: exact to the tolerance of the solver."""
    C = bcc.stiffness.numpy()
    assert float(bcc.stiffness.distance("cubic", np.eye(3))) < 1e-6
    assert np.abs(C - C.T).max() == 0
    assert bool(bcc.stiffness.is_positive_definite())


def test_solution_knows_itself(bcc):
    assert 0 < bcc.iterations <= 12
    assert 6 <= bcc.voxels_per_diameter < 8
    assert [2 * n for n in bcc.coarse.shape] == list(bcc.fine.shape)
    assert bcc.memory < 1900 * bcc.active_nodes
    assert 0 < bcc.error < bcc.softest_error < 0.5
    assert not bcc.touching
    assert bcc.dropped_components == 0
    assert bcc.seconds > 0
    assert "SolidSolution(Stiffness(C11=0.0" in repr(bcc)


def test_stiffness_falls_with_resolution_and_stays_above_the_extrapolation(bcc):
    """Every conforming error is on the stiff side: in the Loewner order, for all strains."""
    tensors = [x.stiffness.mandel for x in (bcc.coarse, bcc.fine, bcc)]
    for stiffer, softer in pairwise(tensors):
        assert float(torch.linalg.eigvalsh(stiffer - softer)[0]) > 0


@pytest.mark.parametrize("name", ["sc", "diamond", "hexagonal-honeycomb"])
def test_bulk_bound(name):
    """Hashin-Shtrikman with the volume of the union, even on the coarse, too stiff grid."""
    for density in (0.1, 0.5):
        solution = homogenise_solid(cell(name, relative_density=density), voxels_per_diameter=4)
        fraction = solution.volume_fraction
        assert 0.6 * density < fraction < density
        bound = float(upper_bounds(fraction).bulk_hashin_shtrikman)
        assert 0.05 < float(solution.coarse.stiffness.bulk_modulus("voigt")) / bound < 1


def test_rotation_and_choice_of_cell(bcc):
    """C turns with the lattice; other cell vectors of the same lattice are brought back to one."""
    lattice = cell("bcc", radius=0.11)
    R = random_rotation(4)
    turned = homogenise_solid(lattice.rotated(R), voxels_per_diameter=6)
    assert difference(turned.stiffness, bcc.stiffness.rotated(R)) < 1e-6
    sheared = lattice.with_cell_vectors(random_unimodular(2, determinant=-1))
    other = homogenise_solid(sheared, voxels_per_diameter=6)
    assert difference(other.stiffness, bcc.stiffness) < 1e-6


def test_primitive_cell_agrees_to_the_stated_error(bcc):
    """Another grid altogether: skewed voxels of the primitive cell."""
    primitive = Lattice(
        np.array([[-1, 1, 1], [1, -1, 1], [1, 1, -1]]) / 2,
        [[0, 0, 0]],
        [[0, 0]] * 4,
        [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]],
        0.11,
    )
    other = homogenise_solid(primitive, voxels_per_diameter=6)
    assert difference(other.stiffness, bcc.stiffness) < other.error + bcc.error
    assert other.volume_fraction == pytest.approx(bcc.volume_fraction, rel=2e-3)


def test_mean_stress_is_the_stiffness(bcc):
    """Volume average of the stress under unit strain k is column k of C on that grid."""
    fields = bcc.fields
    voxels = np.prod(bcc.fine.shape)
    mean = np.einsum("v,vij->ij", fields.weights, fields.stress) / voxels
    C = bcc.fine.stiffness.numpy()
    np.testing.assert_allclose(mean, C, atol=1e-3 * C.max())


def test_fields_are_periodic_and_lie_on_the_voxels(bcc):
    """Opposite points move by the macroscopic strain; hexahedra have the volume of a voxel."""
    fields = bcc.fields
    points, hexahedra = fields.points, fields.hexahedra
    a, b, c = (points[hexahedra[:, k]] - points[hexahedra[:, 0]] for k in (1, 3, 4))
    volumes = np.einsum("vi,vi->v", np.cross(a, b), c)
    np.testing.assert_allclose(volumes, 1 / np.prod(bcc.fine.shape), rtol=1e-9)
    low = {tuple(p): k for k, p in enumerate(np.round(points, 9)) if p[0] < 1e-9}
    pairs = [(low[0.0, *p[1:]], k) for k, p in enumerate(np.round(points, 9)) if p[0] > 1 - 1e-9]
    assert len(pairs) > 20
    first, second = np.array(pairs).T
    moved = fields.displacement[second] - fields.displacement[first]
    half = 0.5**0.5
    strain_x = np.array([[1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, half], [0, 0, 0, 0, half, 0]])
    np.testing.assert_allclose(moved, np.broadcast_to(strain_x, moved.shape), atol=1e-9)


@pytest.mark.parametrize("order", [[0, 1, 2], [1, 0, 2]])
def test_hexahedra_are_the_right_way_out_in_left_handed_cells_too(order):
    rods = np.ones((8, 8, 8), dtype=np.float32)
    fields = homogenise_voxels(rods, SKEWED[order]).fields
    corners = fields.points[fields.hexahedra]
    edges = corners[:, [1, 3, 4]] - corners[:, :1]  # along the three edges of VTK's first corner
    volume = abs(np.linalg.det(SKEWED)) / rods.size
    np.testing.assert_allclose(np.linalg.det(edges), volume, rtol=1e-9)


def test_progress_is_reported():
    seen = []
    lattice = cell("sc", radius=0.2)
    report = lambda stage, share: seen.append((stage, share))  # noqa: E731
    homogenise_solid(lattice, voxels_per_diameter=4, on_progress=report)
    assert [stage for stage, _ in dict.fromkeys((s, 0) for s, _ in seen)] == [
        "voxels",
        "coarse grid",
        "fine grid",
    ]
    assert all(0 <= share < 1 for _, share in seen)


def two_nets(radius):
    """Two interpenetrating simple cubic nets; their surfaces touch at radius 1/4."""
    nodes, loops = [[0, 0, 0], [0.5, 0.5, 0.5]], [[0, 0]] * 3 + [[1, 1]] * 3
    return Lattice(np.eye(3), nodes, loops, np.tile(np.eye(3, dtype=int), (2, 1)), radius)


def test_interpenetrating_nets_carry_load_side_by_side():
    apart = homogenise_solid(two_nets(0.15), voxels_per_diameter=8)
    single = homogenise_solid(cell("sc", radius=0.15), voxels_per_diameter=8)
    assert not apart.touching
    assert not apart.unresolved_gap
    assert apart.fine.components.kept == 2
    assert difference(apart.stiffness, Stiffness(2 * single.stiffness.mandel)) < 1e-5


def test_touching_struts_are_one_solid():
    """Flagged, one component, and no longer twice a single net."""
    together = homogenise_solid(two_nets(0.27), voxels_per_diameter=8)
    assert together.touching
    assert together.fine.components.kept == 1
    single = homogenise_solid(cell("sc", radius=0.27), voxels_per_diameter=8)
    assert difference(together.stiffness, Stiffness(2 * single.stiffness.mandel)) > 0.05


def test_a_gap_that_the_coarse_grid_closes_is_flagged():
    narrow = homogenise_solid(two_nets(0.2), voxels_per_diameter=12)
    assert narrow.unresolved_gap
    assert not narrow.touching
    assert (narrow.coarse.components.kept, narrow.fine.components.kept) == (1, 2)
    with pytest.raises(LatticeGnnError, match="more voxels per diameter"):
        homogenise_solid(two_nets(0.2), voxels_per_diameter=6)


def test_a_narrow_gap_is_flagged_beside_struts_that_touch():
    """The third of three nets touches the others; parallel struts are 0.11 apart: 3 voxels."""
    nodes, loops = [[0, 0, 0], [0.42, 0.42, 0.42], [0.71, 0.71, 0.71]], np.repeat(np.arange(3), 3)
    shifts = np.tile(np.eye(3, dtype=int), (3, 1))
    lattice = Lattice(np.eye(3), nodes, np.stack([loops, loops], 1), shifts, 0.15)
    solution = homogenise_solid(lattice, voxels_per_diameter=8)
    assert solution.touching
    assert solution.clearance.narrowest == pytest.approx(0.29 * np.sqrt(2) - 0.3)
    assert solution.unresolved_gap


def test_estimates_are_doubled_where_a_gap_is_not_resolved():
    narrow = homogenise_solid(two_nets(0.2), voxels_per_diameter=12)
    assert narrow.unresolved_gap
    _, error, softest = extrapolate(narrow.fine.stiffness, narrow.coarse.stiffness)
    assert narrow.error == pytest.approx(2 * error)
    assert narrow.softest_error == pytest.approx(2 * softest)
    resolved = homogenise_solid(two_nets(0.15), voxels_per_diameter=8)
    _, error, softest = extrapolate(resolved.fine.stiffness, resolved.coarse.stiffness)
    assert (resolved.error, resolved.softest_error) == pytest.approx((error, softest))


@pytest.mark.slow
@pytest.mark.parametrize("gap", [0.05, 0.1, 0.4])
def test_the_estimate_covers_a_gap_that_both_grids_close(gap):
    """Gaps of a few hundredths of a radius, where one step of the extrapolation is too little."""
    axis = np.eye(3, dtype=int)
    apart = np.full(3, (2 + gap) * 0.1)
    nets = Lattice(
        np.eye(3), [np.zeros(3), apart], [[0, 0]] * 3 + [[1, 1]] * 3, [*axis, *axis], 0.1
    )
    coarse = homogenise_solid(nets, voxels_per_diameter=8, tolerance=1e-4)
    fine = homogenise_solid(nets, voxels_per_diameter=32, tolerance=1e-4)
    assert coarse.unresolved_gap
    assert difference(coarse.stiffness, fine.stiffness) < coarse.error


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({}, {"voxels_per_diameter": 3}, "at least 4"),
        ({}, {"device": "abacus"}, "'abacus'"),
        ({}, {"memory_limit": 1e6}, r"16 x 16 x 16 voxels.*GB"),
        ({"nu": np.linspace(0.1, 0.2, 3)}, {}, "the same Poisson's ratio"),
    ],
)
def test_what_cannot_be_done_is_refused(change, options, message):
    lattice = cell("sc", radius=0.2).replace(**change)
    with pytest.raises(LatticeGnnError, match=message):
        homogenise_solid(lattice, **{"voxels_per_diameter": 4, **options})


def test_more_voxels_than_can_be_numbered_are_refused_whatever_the_memory():
    with pytest.raises(LatticeGnnError, match=r"2000 x 2000 x 2000 .* limit of 2\^31 voxels"):
        homogenise_solid(cell("sc", radius=0.002), voxels_per_diameter=8, memory_limit=1e15)


def test_pardiso_gives_what_superlu_gives(monkeypatch):
    """A grid that cannot be halved is solved directly; each is made to take it."""
    pytest.importorskip("pypardiso")
    lattice = cell("diamond", relative_density=0.2)
    weights = volume_fractions(lattice, (11, 11, 11))
    expected = homogenise_voxels(weights, lattice.cell).stiffness
    monkeypatch.setattr("fem_reference.solid.multigrid._PARDISO_FROM", 0)
    found = homogenise_voxels(weights, lattice.cell).stiffness
    assert not torch.equal(found.mandel, expected.mandel)  # not the same route twice
    torch.testing.assert_close(found.mandel, expected.mandel, rtol=1e-8, atol=1e-11)


def test_impossible_voxels_are_refused():
    sheet = np.zeros((8, 8, 8))
    for weights, message in ((sheet, "no voxel is filled"), (sheet - 1, ">= 0")):
        with pytest.raises(LatticeGnnError, match=message):
            homogenise_voxels(weights, np.eye(3))
    sheet[:, :, 0] = 1
    with pytest.raises(LatticeGnnError, match="spans space"):
        homogenise_voxels(sheet, np.eye(3))


def test_numbers_that_are_not_finite_stop_the_iteration():
    error = largest_share(np.full((6, 6), np.nan), np.eye(6))
    assert error == np.inf
    with pytest.raises(NotConvergedError, match="inf after 3 iterations"):
        reached(error, 1e-6, 3)


def test_no_convergence_raises():
    weights = np.random.default_rng(0).random((8, 8, 8))
    with pytest.raises(NotConvergedError, match=r"expected 0\.0e\+00"):
        homogenise_voxels(weights, np.eye(3), tolerance=0.0)


def test_extrapolation_of_a_power_law():
    """Exact for errors h^1.5; a pair that is too coarse is refused."""
    limit, slope = torch.eye(6, dtype=torch.float64), torch.diag(torch.arange(1.0, 7.0)).double()
    pair = [Stiffness(limit + h**1.5 * slope) for h in (0.1, 0.2)]
    C, error, softest_error = extrapolate(*pair)
    torch.testing.assert_close(C.mandel, limit)
    assert error == pytest.approx(0.1**1.5 * float(slope.norm()) / 6**0.5)
    assert softest_error == pytest.approx(0.1**1.5)
    with pytest.raises(LatticeGnnError, match="more voxels per diameter"):
        extrapolate(Stiffness(limit), Stiffness(limit + 2 * slope))


def golden(name):
    """Lattice, and stiffness by second-order tetrahedra; the meshes are trusted to 0.5-1 %."""
    entry = GOLDEN[name]
    return lattice_from_dict(entry["lattice"]), Stiffness(torch.tensor(entry["stiffness"])), entry


def test_golden_meshes_are_whole():
    """Nothing was lost in meshing: volume of the union, and faces and nodes on both sides."""
    assert len(GOLDEN) >= 6
    for entry in GOLDEN.values():
        checks = entry["checks"]
        assert checks["mesh_volume_fraction"] == pytest.approx(
            entry["sampled_volume_fraction"], rel=3e-3
        )
        assert min(checks["matched_faces"]) >= 1
        assert min(checks["matched_nodes"]) >= 50


@pytest.mark.parametrize(
    ("names", "voxels", "in_C", "in_softest"),
    [
        (["sc"], 8, 0.03, 0.06),
        pytest.param(sorted(GOLDEN), 8, 0.03, 0.06, marks=pytest.mark.slow),
        pytest.param(sorted(GOLDEN), 16, 0.015, 0.03, marks=pytest.mark.slow),
    ],
    ids=["one-8", "all-8", "all-16"],
)
def test_agreement_with_tetrahedra(names, voxels, in_C, in_softest):
    for name in names:
        lattice, expected, entry = golden(name)
        found = homogenise_solid(lattice, voxels_per_diameter=voxels)
        assert difference(found.stiffness, expected) < in_C
        assert abs(softest(found.stiffness) / softest(expected) - 1) < in_softest
        assert found.volume_fraction == pytest.approx(entry["sampled_volume_fraction"], rel=1e-3)


def test_bcc_of_calculix():
    """C3D10 elements of CalculiX: C11 .02004, C12 .01817, C44 .01678 at r = 0.08 a, nu = 0.3."""
    solution = homogenise_solid(cell("bcc", radius=0.08), voxels_per_diameter=8)
    expected = Stiffness.cubic(0.02004, 0.01817, 0.01678)
    assert difference(solution.stiffness, expected) < 0.01
    assert solution.iterations <= 12


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gyroid", "cuboctahedron"])
def test_convergence_rate(name):
    """Errors fall with h^1 to h^2 over 4, 8, 16 voxels per diameter (re-entrant creases)."""
    lattice = cell(name, relative_density=0.25)
    solution = homogenise_solid(lattice, voxels_per_diameter=16)
    shape = tuple(n // 4 for n in solution.fine.shape)
    quarter = homogenise_voxels(volume_fractions(lattice, shape), lattice.cell)
    first = (quarter.stiffness.mandel - solution.coarse.stiffness.mandel).norm()
    second = (solution.coarse.stiffness.mandel - solution.fine.stiffness.mandel).norm()
    assert 1.0 < float(torch.log2(first / second)) < 2.0
