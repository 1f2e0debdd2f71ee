"""Rotations from quaternions and vectors, point groups, and even and random sets of rotations."""

from itertools import permutations, product

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from lattice_gnn.tensors.notation import cross_matrices


def quaternion_matrix(quaternion: Float[Tensor, "*batch 4"]) -> Float[Tensor, "*batch 3 3"]:
    """Return the rotation matrices of unit quaternions (w, x, y, z)."""
    w, x, y, z = quaternion.unbind(-1)
    entries = [
        1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
        2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
        2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y),
    ]  # fmt: skip
    return torch.stack(entries, dim=-1).unflatten(-1, (3, 3))


def rotation_matrix(vector: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3 3"]:
    """Return the right-handed rotation exp(w) of a vector w (Rodrigues), regular at zero."""
    spin = (vector @ cross_matrices(vector).flatten(1)).unflatten(-1, (3, 3))
    turns = torch.linalg.vector_norm(vector, dim=-1)[..., None, None] / torch.pi
    quadratic = 0.5 * torch.sinc(0.5 * turns).square() * (spin @ spin)
    identity = torch.eye(3, dtype=vector.dtype, device=vector.device)
    return identity + torch.sinc(turns) * spin + quadratic


def perpendicular_pair(n: Float[Tensor, "*batch 3"]) -> tuple[Tensor, Tensor]:
    """Return two unit vectors that complete the unit vector n to a right-handed (e1, e2, n).

    Source: Duff et al. (2017), J. Computer Graphics Techniques 6(1), 1-8.
    """
    x, y, z = n.unbind(-1)
    sign = torch.where(z >= 0.0, 1.0, -1.0).to(z)
    a = -1.0 / (sign + z)
    b = x * y * a
    first = torch.stack([1.0 + sign * x * x * a, sign * b, -sign * x], dim=-1)
    return first, torch.stack([b, sign + y * y * a, -y], dim=-1)


def frames_of_rows(
    rows: Float[Tensor, "*batch frames 3 3"],
) -> Float[Tensor, "*batch three_frames 3 3"]:
    """Build right-handed frames from orthonormal rows, each row once as the third axis."""
    third = torch.linalg.cross(rows[..., :1, :], rows[..., 1:2, :])
    rows = torch.cat([rows[..., :2, :], third], dim=-2)
    return torch.cat([rows.roll(shift, dims=-2) for shift in range(3)], dim=-3)


def axis_rotations(fold: int, axis: int) -> Float[Tensor, "fold 3 3"]:
    """Return the rotations of an n-fold axis along a coordinate axis."""
    vectors = torch.zeros(fold, 3, dtype=torch.float64)
    vectors[:, axis] = torch.arange(fold, dtype=torch.float64) * (2.0 * torch.pi / fold)
    return rotation_matrix(vectors)


def dihedral_rotations(fold: int) -> Float[Tensor, "order 3 3"]:
    """Return the group of an n-fold axis along 3 with perpendicular twofold axes, one along 1."""
    return torch.cat([axis_rotations(fold, 2), axis_rotations(2, 0)[1] @ axis_rotations(fold, 2)])


def cube_rotations() -> Float[Tensor, "24 3 3"]:
    """Return the 24 rotations of the cube: signed permutation matrices of determinant one."""
    matrices = []
    for order, signs in product(permutations(range(3)), product((1.0, -1.0), repeat=3)):
        matrix = torch.zeros(3, 3, dtype=torch.float64)
        matrix[range(3), order] = torch.tensor(signs, dtype=torch.float64)
        if torch.linalg.det(matrix) > 0:
            matrices.append(matrix)
    return torch.stack(matrices)


def random_rotations(count: int, seed: int) -> Float[Tensor, "count 3 3"]:
    """Draw uniform random rotations: Q of QR with positive diagonal of R, times det Q.

    Source: Mezzadri (2007), Notices of the AMS 54, 592-604.
    """
    q, r = np.linalg.qr(np.random.default_rng(seed).normal(size=(count, 3, 3)))
    q = q * np.sign(np.diagonal(r, axis1=1, axis2=2))[:, None, :]
    return torch.from_numpy(q * np.linalg.det(q)[:, None, None])


def fibonacci_spiral(
    heights: Float[Tensor, " points"], first: float = 0.0
) -> Float[Tensor, "points 3"]:
    """Return unit vectors of these heights above the equator, a golden angle apart in azimuth.

    Evenly spaced heights give an even covering. ``first`` is the azimuth of the first point in
    golden angles. Source: Gonzalez (2010), Math. Geosci. 42, 49-64.
    """
    steps = torch.arange(len(heights), dtype=heights.dtype) + first
    azimuth = torch.pi * (3.0 - 5.0**0.5) * steps
    ring = (1.0 - heights.square()).sqrt()
    return torch.stack([ring * azimuth.cos(), ring * azimuth.sin(), heights], -1)
