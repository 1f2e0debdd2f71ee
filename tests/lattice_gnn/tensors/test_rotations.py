"""Rotations against group axioms, matrix exponentials and the moments of even sets."""

import math

import pytest
import torch

from lattice_gnn.tensors.notation import cross_matrices
from lattice_gnn.tensors.rotations import (
    axis_rotations,
    cube_rotations,
    dihedral_rotations,
    fibonacci_spiral,
    frames_of_rows,
    perpendicular_pair,
    quaternion_matrix,
    random_rotations,
    rotation_matrix,
)

ONE = torch.eye(3, dtype=torch.float64)


def random(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def assert_rotations(R):
    torch.testing.assert_close(R @ R.mT, ONE.expand_as(R), rtol=0, atol=1e-13)
    torch.testing.assert_close(torch.linalg.det(R), torch.ones(len(R), dtype=torch.float64))


@pytest.mark.parametrize(
    ("group", "order"),
    [
        (cube_rotations(), 24),
        (axis_rotations(6, 2), 6),
        (dihedral_rotations(3), 6),
        (dihedral_rotations(4), 8),
    ],
    ids=["432", "6", "32", "422"],
)
def test_crystal_classes_are_closed_groups_of_their_order(group, order):
    def table(matrices):
        return {tuple(q.flatten().round(decimals=9).add(0.0).tolist()) for q in matrices}

    assert_rotations(group)
    assert len(table(group)) == order
    assert table((group[:, None] @ group).flatten(0, 1)) == table(group)


def test_rotation_by_a_vector_is_the_exponential_of_its_cross_product():
    vectors = torch.cat([random(20, 3), torch.zeros(1, 3, dtype=torch.float64)])
    spin = torch.einsum("nk,kij->nij", vectors, cross_matrices(vectors))
    torch.testing.assert_close(rotation_matrix(vectors), torch.linalg.matrix_exp(spin))


def test_unit_quaternions_hold_axis_and_half_angle():
    axis, angle = random(20, 3), 3 * random(20)
    axis = axis / axis.norm(dim=1, keepdim=True)
    quaternion = torch.cat([(angle / 2).cos()[:, None], (angle / 2).sin()[:, None] * axis], 1)
    expected = rotation_matrix(angle[:, None] * axis)
    torch.testing.assert_close(quaternion_matrix(quaternion), expected)


def test_perpendicular_pairs_make_right_handed_frames_at_the_poles_too():
    poles = torch.tensor(
        [[0.0, 0, 1], [0, 0, -1], [1e-9, 0, -1], [1, 0, 0], [0, -1, 0], [1, 0, -0.0]]
    )
    n = torch.cat([poles.double(), random(9, 3)])
    n = n / n.norm(dim=1, keepdim=True)
    assert_rotations(torch.stack([*perpendicular_pair(n), n], 1))


def test_each_row_is_the_third_axis_of_one_right_handed_frame():
    rows = torch.linalg.qr(random(5, 2, 3, 3))[0]
    frames = frames_of_rows(rows)
    assert frames.shape == (5, 6, 3, 3)
    assert_rotations(frames.flatten(0, 1))
    overlap = (frames[:, :, 2] @ rows.flatten(1, 2).mT).abs()
    assert (overlap.amax(1) > 1 - 1e-12).all()


def test_random_rotations_are_uniform():
    """Moments of the Haar measure: E[R] = 0, E[R_ij^2] = 1/3, E[trace^2] = 1."""
    R = random_rotations(40_000, seed=1)
    assert_rotations(R)
    assert R.mean(0).abs().max() < 0.015
    assert (R.square().mean(0) - 1 / 3).abs().max() < 0.01
    trace = R.diagonal(dim1=1, dim2=2).sum(1)
    assert float(trace.square().mean()) == pytest.approx(1, abs=0.03)
    assert torch.equal(random_rotations(3, seed=1), random_rotations(3, seed=1))


def test_spiral_of_even_heights_covers_the_sphere_evenly():
    count = 2000
    n = fibonacci_spiral(1 - (2 * torch.arange(count, dtype=torch.float64) + 1) / count)
    torch.testing.assert_close(n.norm(dim=1), torch.ones(count, dtype=torch.float64))
    torch.testing.assert_close(n.T @ n / count, ONE / 3, rtol=0, atol=1e-4)
    nearest = (n @ n.T).fill_diagonal_(-1).amax(1).clamp(max=1).arccos()
    # On average a point owns the area 4 pi / count; no two points are closer than 0.8 of its root.
    assert nearest.min() > 0.8 * math.sqrt(4 * math.pi / count)
