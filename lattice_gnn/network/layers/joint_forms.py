"""Complementary energy of the joints: quadratic forms in the end forces of pairs of struts."""

import torch
from jaxtyping import Float
from torch import Tensor

from lattice_gnn.network.layers.joint_cases import JointCases
from lattice_gnn.network.layers.joint_kernel import kernel_for

NUM_FORMS = 42
"""Coefficients of a directed pair: G1, G2, G3, G4 (3 x 3 each, row by row), then g1 to g6."""
_BLOCKS = 36


def joint_energy(
    coefficients: Float[Tensor, "2 pairs 42"], cases: JointCases
) -> Float[Tensor, "lattices 6 6"]:
    """The sum of the forms over the directed pairs (a, b) of every lattice, symmetrised.

    The forms of a pair are

        x_a^T (G1 x_a + G2 x_b) + y_a^T (G3 y_a + G4 y_b)
        + g1 f_a.f_a + g2 m_a.m_a + g3 f_a.(t_a x m_a)
        + g4 f_a.f_b + g5 m_a.m_b + g6 f_a.(t_b x m_b),

    with x and y the even and odd components of the forces. Terms in the forces of a alone (G1, G3,
    g1, g2, g3) are multiplied by the influence of b on a, terms in both by their coupling, and all
    terms by 1 - cut: neither a vanishing neighbour nor a node on a straight uniform strut has any
    effect.
    """
    alone, both = _weights(cases)
    kernel = kernel_for(coefficients, len(both))
    if kernel is not None:
        motion = cases.forces, cases.direction
        offsets = cases.end_offsets, cases.pair_offsets
        M: Tensor = kernel.joint_energies(coefficients, (alone, both), motion, cases.ends, offsets)
        return M
    return _by_torch(coefficients, (alone, both), cases)


def _weights(cases: JointCases) -> tuple[Float[Tensor, "2 pairs"], Float[Tensor, " pairs"]]:
    """Weights of the terms in the forces of one end, and of those in both."""
    solid = 1 - cases.cut
    return solid * cases.influence, solid * cases.coupling


def _by_torch(
    coefficients: Float[Tensor, "2 pairs 42"],
    weights: tuple[Float[Tensor, "2 pairs"], Float[Tensor, " pairs"]],
    cases: JointCases,
) -> Float[Tensor, "lattices 6 6"]:
    """``joint_energy`` by torch."""
    alone, both = weights
    blocks = coefficients[..., :_BLOCKS].unflatten(-1, (2, 2, 3, 3))  # parity, own/other
    x = pair_forces(cases)
    own, other = alone[:, :, None, None, None], both[:, None, None, None]
    answer = own * (blocks[:, :, :, 0] @ x) + other * (blocks[:, :, :, 1] @ x.flip(0))
    rows = x.flatten(2, 3)
    by_pair = (rows.mT @ answer.flatten(2, 3)).sum(0)

    g = coefficients[..., _BLOCKS:]
    a = cases.ends.flatten()
    ends = len(cases.forces)
    own_sum = g.new_zeros(ends, 3).index_add(0, a, (alone[..., None] * g[..., :3]).flatten(0, 1))
    forces = with_lever(cases)
    toward = forces[cases.ends.flip(0).flatten()]
    weighted = (both[:, None] * g[..., 3:]).flatten(0, 1)[:, :, None, None] * toward
    answer = own_sum[:, :, None, None] * forces
    answer = answer + weighted.new_zeros(ends, 3, 3, 6).index_add(0, a, weighted)
    left = forces[:, [0, 1, 0]]
    by_end = left.flatten(1, 2).mT @ answer.flatten(1, 2)

    M = by_pair.new_zeros(len(cases), 6, 6).index_add(0, cases.pair_lattice, by_pair)
    M = M.index_add(0, cases.end_lattice, by_end)
    return (M + M.mT) / 2


def with_lever(cases: JointCases) -> Float[Tensor, "ends 3 3 6"]:
    """f, m and t x m of every strut end."""
    f, m = cases.forces.unbind(1)
    lever = torch.linalg.cross(cases.direction[:, :, None].expand_as(m), m, dim=1)
    return torch.stack([f, m, lever], 1)


def pair_forces(cases: JointCases) -> Float[Tensor, "2 pairs 2 3 6"]:
    """Components of the scaled forces of end a in the frame of every directed pair.

    Even (f.t, f.n, m.w) and odd (m.t, m.n, f.w) under reflection in the plane of the pair, with
    n = t_b - c t_a, w = t_a x t_b.
    """
    t = cases.direction[cases.ends]
    c = (t[0] * t[1]).sum(-1, keepdim=True)
    n = t.flip(0) - c * t
    w = torch.linalg.cross(t, t.flip(0))
    axes = torch.stack([t, n, w], 2)
    force, moment = (axes @ part[cases.ends] for part in cases.forces.unbind(1))
    even = torch.stack([force[:, :, 0], force[:, :, 1], moment[:, :, 2]], 2)
    odd = torch.stack([moment[:, :, 0], moment[:, :, 1], force[:, :, 2]], 2)
    return torch.stack([even, odd], 2)


def pair_forms(cases: JointCases) -> Float[Tensor, "2 pairs 42 6 6"]:
    """The symmetric matrix that multiplies each coefficient in ``joint_energy``."""
    alone, both = _weights(cases)
    x, forces = pair_forces(cases), with_lever(cases)
    other = both[:, None, None, None, None, None]
    own = alone[:, :, None, None, None, None, None]
    rows = x[:, :, :, :, None, :, None]
    blocks = [
        own * rows * x[:, :, :, None, :, None, :],
        other * rows * x.flip(0)[:, :, :, None, :, None, :],
    ]
    here, there = forces[cases.ends], forces[cases.ends.flip(0)]
    f = here[:, :, [0, 1, 0]]
    isotropic = [
        alone[:, :, None, None, None] * (f.mT @ here),
        both[:, None, None, None] * (f.mT @ there),
    ]
    found = torch.cat(
        [torch.stack(blocks, 3).flatten(2, 5), torch.cat(isotropic, 2)],
        2,
    )
    return (found + found.mT) / 2
