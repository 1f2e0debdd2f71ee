"""Complementary energy of the joints: quadratic forms in the end forces of pairs of struts."""

import torch
from jaxtyping import Float
from torch import Tensor

from lattice_gnn.network.layers.joint_cases import JointCases

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
    solid = 1 - cases.cut
    alone, both = solid * cases.influence, solid * cases.coupling
    blocks = coefficients[..., :_BLOCKS].unflatten(-1, (2, 2, 3, 3))  # parity, own/other
    x = cases.pair_forces
    own, other = alone[:, :, None, None, None], both[:, None, None, None]
    answer = own * (blocks[:, :, :, 0] @ x) + other * (blocks[:, :, :, 1] @ x.flip(0))
    rows = x.flatten(2, 3)
    by_pair = (rows.mT @ answer.flatten(2, 3)).sum(0)

    g = coefficients[..., _BLOCKS:]
    a = cases.ends.flatten()
    ends = len(cases.forces)
    own_sum = g.new_zeros(ends, 3).index_add(0, a, (alone[..., None] * g[..., :3]).flatten(0, 1))
    toward = cases.forces[cases.ends.flip(0).flatten()]
    weighted = (both[:, None] * g[..., 3:]).flatten(0, 1)[:, :, None, None] * toward
    answer = own_sum[:, :, None, None] * cases.forces
    answer = answer + weighted.new_zeros(ends, 3, 3, 6).index_add(0, a, weighted)
    left = cases.forces[:, [0, 1, 0]]
    by_end = left.flatten(1, 2).mT @ answer.flatten(1, 2)

    M = by_pair.new_zeros(len(cases), 6, 6).index_add(0, cases.pair_lattice, by_pair)
    M = M.index_add(0, cases.end_lattice, by_end)
    return (M + M.mT) / 2


def pair_forms(cases: JointCases) -> Float[Tensor, "2 pairs 42 6 6"]:
    """The symmetric matrix that multiplies each coefficient in ``joint_energy``."""
    solid = 1 - cases.cut
    alone, both = solid * cases.influence, solid * cases.coupling
    x = cases.pair_forces
    other = both[:, None, None, None, None, None]
    own = alone[:, :, None, None, None, None, None]
    rows = x[:, :, :, :, None, :, None]
    blocks = [
        own * rows * x[:, :, :, None, :, None, :],
        other * rows * x.flip(0)[:, :, :, None, :, None, :],
    ]
    f = cases.forces[cases.ends][:, :, [0, 1, 0]]
    here, there = cases.forces[cases.ends], cases.forces[cases.ends.flip(0)]
    isotropic = [
        alone[:, :, None, None, None] * (f.mT @ here),
        both[:, None, None, None] * (f.mT @ there),
    ]
    found = torch.cat(
        [torch.stack(blocks, 3).flatten(2, 5), torch.cat(isotropic, 2)],
        2,
    )
    return (found + found.mT) / 2
