"""The solver on a device of torch beside the one of numba: two routes to one number.

torch on the CPU runs the same lines as on a GPU; that is what most of these tests do.
"""

import numpy as np
import pytest
import torch
from scipy.linalg import eigvalsh

from fem_reference.solid import homogenise as solid
from fem_reference.solid import multigrid as mg
from fem_reference.solid import multigrid_torch
from fem_reference.solid.homogenise import homogenise_solid, homogenise_voxels
from fem_reference.solid.multigrid_torch import DeviceMultigrid, DeviceSolver, solver_on
from fem_reference.solid.stopping import NotConvergedError
from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.lattice import Lattice

CPU = torch.device("cpu")
SKEWED = np.array([[1.0, 0.1, 0.0], [-0.3, 0.9, 0.2], [0.2, 0.4, 1.3]])


@pytest.fixture
def by_torch(monkeypatch):
    """Run a function with torch in the place of numba."""

    def run(function, *args, **options):
        with monkeypatch.context() as patch:
            patch.setattr(solid, "solver_on", lambda device: DeviceSolver(torch.device(device)))
            return function(*args, **options)

    return run


def energy_difference(a, b):
    """Largest relative difference of the energies of any strain."""
    return np.abs(eigvalsh(a.numpy() - b.numpy(), b.numpy())).max()


def voxels(shape, share, seed=0):
    """Random weights of a share of the voxels."""
    random = np.random.default_rng(seed)
    return random.random(shape) * (random.random(shape) < share)


def multigrids(shape, share):
    """Levels of a random skewed solid, of the host and of torch."""
    weights = voxels(shape, share)
    host = mg.Multigrid(*vars_of(solid._model(weights, None, SKEWED, 0.3)[0]))
    return host, DeviceMultigrid(host, CPU)


def vars_of(model):
    return model.grid, model.weights, model.element


@pytest.mark.parametrize("chunk", [17, 2**15])
def test_operators_are_those_of_the_host(monkeypatch, chunk):
    """A on every level, P and P^T, down to grids that meet themselves around the cell."""
    monkeypatch.setattr(mg, "COARSEST_NODES", 1)
    monkeypatch.setattr(multigrid_torch, "CHUNK", chunk)
    host, device = multigrids((16, 8, 16), 0.5)
    assert host.coarse[-1].size == 4
    below = host.fine
    for level, other in ((host.fine, device.fine), *zip(host.coarse, device.coarse, strict=True)):
        x = np.random.default_rng(1).random((level.size, 3, 6))
        flat = torch.from_numpy(x).view(-1, 18)
        y = np.empty_like(x)
        level.product(x, y)
        np.testing.assert_allclose(other.product(flat).view(-1, 3, 6), y, atol=1e-13)
        if level is not host.fine:
            fine, mine = np.zeros((below.size, 3, 6)), torch.zeros(below.size, 18).double()
            mg.stencils.prolong(level.children, mg.SHARES, x, fine)
            other.prolong(flat, mine)
            np.testing.assert_allclose(mine.view(-1, 3, 6), fine, atol=1e-14)
            mg.stencils.restrict(level.children, mg.SHARES, fine, y)
            np.testing.assert_allclose(other.restrict(mine).view(-1, 3, 6), y, atol=1e-13)
        below = level


@pytest.mark.parametrize("shape", [(8, 16, 8), (4, 4, 4)], ids=["multigrid", "direct"])
def test_preconditioner_is_symmetric_and_positive(shape):
    host, device = multigrids(shape, 0.7)
    assert bool(host.coarse) == (shape == (8, 16, 8))
    b = device.fine.product(torch.rand(host.fine.size, 18, dtype=torch.float64))
    gram = (b.view(-1, 6).T @ device.precondition(b).view(-1, 6)).numpy()
    np.testing.assert_allclose(gram, gram.T, rtol=1e-8)
    assert np.linalg.eigvalsh(gram)[0] > 0


@pytest.mark.parametrize("shape", [(8, 8, 16), (4, 5, 6)], ids=["multigrid", "direct"])
def test_random_voxels_in_a_skewed_cell(monkeypatch, by_torch, shape):
    """To the last digits when asked for; to the tolerance in every strain otherwise."""
    monkeypatch.setattr(mg, "COARSEST_NODES", 20)
    weights = voxels(shape, 0.7)
    exact = homogenise_voxels(weights, SKEWED, tolerance=1e-22)
    found = by_torch(homogenise_voxels, weights, SKEWED, tolerance=1e-22)
    assert energy_difference(found.stiffness, exact.stiffness) < 1e-12
    np.testing.assert_allclose(found.fields.stress, exact.fields.stress, atol=1e-9)
    rough = by_torch(homogenise_voxels, weights, SKEWED)
    assert rough.algebraic_error <= 1e-6
    assert energy_difference(rough.stiffness, exact.stiffness) < 1e-5
    assert rough.iterations < 30


def two_nets(radius):
    """Two interpenetrating simple cubic nets; their surfaces touch at radius 1/4."""
    nodes, loops = [[0, 0, 0], [0.5, 0.5, 0.5]], [[0, 0]] * 3 + [[1, 1]] * 3
    return Lattice(np.eye(3), nodes, loops, np.tile(np.eye(3, dtype=int), (2, 1)), radius)


@pytest.mark.parametrize(
    ("lattice", "components"),
    [
        (cell("diamond", relative_density=0.2), 1),
        (cell("bcc", relative_density=0.4).strained(SKEWED), 1),
        (two_nets(0.15), 2),
        (two_nets(0.252), 1),
    ],
    ids=["diamond", "skewed", "apart", "touching"],
)
def test_lattices(by_torch, lattice, components):
    """Both grids, the fine one started from the coarse one, six voxels per diameter."""
    expected = homogenise_solid(lattice, voxels_per_diameter=6)
    found = by_torch(homogenise_solid, lattice, voxels_per_diameter=6)
    assert found.fine.components.kept == components
    for mine, other in ((found.coarse, expected.coarse), (found.fine, expected.fine)):
        assert energy_difference(mine.stiffness, other.stiffness) < 1e-5
        assert mine.iterations <= 2 * other.iterations
    assert max(found.iterations, found.coarse.iterations) < 16
    assert found.memory < 2400 * found.active_nodes


def test_a_start_saves_iterations():
    """From the solution itself there is nothing left to do."""
    host, _ = multigrids((8, 16, 8), 0.7)
    seen = []
    affine, volume = 0.5 * host.fine.element.solid, float(np.linalg.det(SKEWED))
    report = lambda count, error: seen.append((count, error))  # noqa: E731
    first = DeviceSolver(CPU)(host, affine, volume, on_iteration=report)
    assert [count for count, _ in seen] == list(range(first.iterations + 1))
    assert seen[-1][1] == first.error <= 1e-6
    again = DeviceSolver(CPU)(host, affine, volume, start=first.displacement.copy())
    assert again.iterations == 0 < first.iterations
    np.testing.assert_allclose(again.stiffness, first.stiffness, rtol=1e-10)


def test_no_convergence_raises(by_torch):
    with pytest.raises(NotConvergedError, match=r"expected 0\.0e\+00"):
        by_torch(homogenise_voxels, voxels((8, 8, 8), 1.0), np.eye(3), tolerance=0.0)


def test_numba_solves_on_the_cpu():
    assert solver_on("cpu") is mg.solve


@pytest.mark.parametrize("device", ["abacus", "cuda:99", "meta"])
def test_devices_that_are_not_there_are_refused(device):
    with pytest.raises(LatticeGnnError, match=f"'{device}' is not available; use 'cpu'"):
        homogenise_solid(cell("sc", radius=0.2), voxels_per_diameter=4, device=device)
    with pytest.raises(LatticeGnnError, match=f"'{device}' is not available; use 'cpu'"):
        homogenise_voxels(np.ones((4, 4, 4)), np.eye(3), device=device)


def test_devices_without_float64_are_refused(monkeypatch):
    """As torch answers for Apple's GPUs."""

    def refuse(*args, **options):
        raise TypeError("Cannot convert a MPS Tensor to float64 dtype")

    monkeypatch.setattr(torch, "ones", refuse)
    with pytest.raises(LatticeGnnError, match="'mps' does not support float64; use 'cpu'"):
        solver_on("mps")


def test_too_little_memory_is_said(monkeypatch, by_torch):
    def full(*args):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(DeviceMultigrid, "precondition", full)
    with pytest.raises(LatticeGnnError, match="512 active nodes do not fit into the memory of cpu"):
        by_torch(homogenise_voxels, voxels((8, 8, 8), 1.0), np.eye(3))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu():
    lattice = cell("diamond", relative_density=0.1)
    expected = homogenise_solid(lattice, voxels_per_diameter=6)
    found = homogenise_solid(lattice, voxels_per_diameter=6, device="cuda")
    assert energy_difference(found.fine.stiffness, expected.fine.stiffness) < 1e-5
    assert found.iterations <= 2 * expected.iterations
