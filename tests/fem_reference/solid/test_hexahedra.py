"""The hexahedron against elasticity, and the multigrid levels against their definition."""

import numpy as np
import pytest

from fem_reference.solid import multigrid as mg
from fem_reference.solid.grid import Grid
from fem_reference.solid.hexahedra import (
    CORNERS,
    OFFSETS,
    child_interpolation,
    descend,
    hexahedron,
    macro_displacement,
)
from lattice_gnn.tensors.stiffness import Stiffness

SKEWED = np.array([[1.0, 0.1, 0.0], [-0.3, 0.9, 0.2], [0.2, 0.4, 1.3]])


def test_constant_strain_is_exact_in_a_skewed_element():
    """Patch test: the energy is that of the solid, and the centre has the right stress."""
    element = hexahedron(SKEWED, 0.3)
    D = Stiffness.isotropic(1.0, 0.3).numpy()
    volume = np.linalg.det(SKEWED)
    np.testing.assert_allclose(element.affine.T @ element.loads, volume * D, atol=1e-14)
    np.testing.assert_allclose(element.centre_stress @ element.affine, D, atol=1e-14)


def test_rigid_motion_costs_nothing_and_nothing_else_does():
    element = hexahedron(SKEWED, 0.3)
    points = CORNERS @ SKEWED
    motions = [np.tile(axis, (8, 1)) for axis in np.eye(3)]
    motions += [np.cross(axis, points) for axis in np.eye(3)]
    for motion in motions:
        assert np.abs(element.stiffness @ motion.ravel()).max() < 1e-14
    values = np.linalg.eigvalsh(element.stiffness)
    assert (values[6:] > 1e-2 * values[-1]).all()


def test_bending_of_a_slender_brick_is_that_of_a_beam():
    """Pure bending, u_x = -k x y, u_y = k x^2 / 2 with nu = 0: energy E I k^2 L / 2 exactly.

    The plain trilinear element is too stiff here by 1 + (L/H)^2 / 2: shear locking.
    """
    length, height, width, k = 4.0, 1.0, 2.0, 0.1
    element = hexahedron(np.diag([length, height, width]), 0.0)
    at = (CORNERS - 0.5) * np.array([length, height, width])
    motion = np.zeros((8, 3))
    motion[:, 0] = -k * at[:, 0] * at[:, 1]
    motion[:, 1] = k * at[:, 0] ** 2 / 2
    inertia = width * height**3 / 12
    energy = motion.ravel() @ element.stiffness @ motion.ravel()
    assert energy == pytest.approx(inertia * k**2 * length, rel=1e-12)


def test_children_inherit_linear_fields():
    """The interpolation of a linear field to the eight parts is the field itself."""
    coarse = macro_displacement(CORNERS @ SKEWED).reshape(24, 6)
    for bits, Q in zip(CORNERS, child_interpolation(), strict=True):
        fine = macro_displacement((CORNERS + bits) / 2 @ SKEWED).reshape(24, 6)
        np.testing.assert_allclose(Q @ coarse, fine, atol=1e-15)


def test_a_full_element_is_the_sum_of_its_parts():
    """Eight full children give constant strain the energy of the whole."""
    element, half = hexahedron(SKEWED, 0.3), hexahedron(SKEWED / 2, 0.3)
    whole = descend(half.stiffness[None]).sum(axis=0)
    np.testing.assert_allclose(whole @ element.affine, element.loads, atol=1e-14)


def dense(level):
    """A level's operator as a matrix."""
    A = np.zeros((level.size, 3, level.size, 3))
    for start, blocks in level.chunks():
        for row, offset in np.argwhere(level.neighbours[start : start + len(blocks)] >= 0):
            j = level.neighbours[start + row, offset]
            A[start + row, :, j] += blocks[row, offset].reshape(3, 3)
    return A.reshape(3 * level.size, -1)


def levels(monkeypatch, shape, share, seed=0):
    """Multigrid of a random voxel model down to the coarsest grid there is."""
    random = np.random.default_rng(seed)
    weights = random.random(shape) * (random.random(shape) < share)
    active = np.flatnonzero(weights.ravel() > 0)
    grid = Grid(active, shape)
    monkeypatch.setattr(mg, "COARSEST_NODES", 1)
    return grid, mg.Multigrid(grid, weights.ravel()[active], hexahedron(SKEWED, 0.3))


def test_levels_are_galerkin(monkeypatch):
    """Every coarse operator is P^T A P, down to grids one voxel wide that meet themselves."""
    _, multigrid = levels(monkeypatch, (16, 16, 32), 0.05)
    assert [level.size for level in multigrid.coarse][-1] == 2
    monkeypatch.setattr(mg, "_GEMM_LEVELS", 1)
    _, deep = levels(monkeypatch, (16, 16, 32), 0.05)
    A = dense(multigrid.fine) if multigrid.fine.size < 700 else None
    for level, other in zip(multigrid.coarse, deep.coarse, strict=True):
        P = np.zeros((len(A) // 3 if A is not None else 0, level.size))
        if A is not None:
            for i, o in np.argwhere(level.children >= 0):
                P[level.children[i, o], i] += 0.5 ** np.abs(OFFSETS[o]).sum()
            P = np.kron(P, np.eye(3))
            np.testing.assert_allclose(dense(level), P.T @ A @ P, atol=1e-13)
        A = dense(level) if level.size < 700 else None
        np.testing.assert_allclose(level.blocks, other.blocks, atol=1e-13)


def test_preconditioner_is_symmetric_and_positive(monkeypatch):
    grid, multigrid = levels(monkeypatch, (8, 16, 8), 0.6)
    random = np.random.default_rng(1)
    b = np.empty((len(grid), 3, 6))
    multigrid.fine.product(random.random(b.shape), b)
    z, scratch = np.empty_like(b), np.empty_like(b)
    multigrid.precondition(b, z, scratch)
    gram = b.reshape(-1, 6).T @ z.reshape(-1, 6)
    np.testing.assert_allclose(gram, gram.T, rtol=1e-10)
    assert np.linalg.eigvalsh(gram)[0] > 0
