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
    return work(joint_responses(coefficients[None], cases), cases)[0]


def joint_responses(
    coefficients: Float[Tensor, "sets 2 pairs 42"], cases: JointCases
) -> Float[Tensor, "sets ends 2 3 6"]:
    """Half the derivative of the sum of all forms by the forces and moments of every end.

    With the sign reversed, it is the displacement and rotation of the end relative to its node.
    """
    alone, both = _weights(cases)
    kernel = kernel_for(coefficients, len(both))
    if kernel is not None:
        motion = cases.forces, cases.direction
        found: Tensor = kernel.joint_responses(
            coefficients, (alone, both), motion, cases.ends, cases.pair_offsets
        )
        return found
    pair = _pair_axes(cases), pair_forces(cases)
    return torch.stack([_by_torch(g, (alone, both), cases, pair) for g in coefficients])


def work(
    responses: Float[Tensor, "sets ends 2 3 6"], cases: JointCases
) -> Float[Tensor, "sets lattices 6 6"]:
    """The work of the end forces on the responses of every lattice, symmetrised."""
    by_end = cases.forces.flatten(1, 2).mT @ responses.flatten(2, 3)
    M = by_end.new_zeros(len(responses), len(cases), 6, 6)
    M = M.index_add(1, cases.end_lattice, by_end)
    return (M + M.mT) / 2


def _weights(cases: JointCases) -> tuple[Float[Tensor, "2 pairs"], Float[Tensor, " pairs"]]:
    """Weights of the terms in the forces of one end, and of those in both."""
    solid = 1 - cases.cut
    return solid * cases.influence, solid * cases.coupling


def _by_torch(
    coefficients: Float[Tensor, "2 pairs 42"],
    weights: tuple[Float[Tensor, "2 pairs"], Float[Tensor, " pairs"]],
    cases: JointCases,
    pair: tuple[Float[Tensor, "2 pairs 3 3"], Float[Tensor, "2 pairs 2 3 6"]],
) -> Float[Tensor, "ends 2 3 6"]:
    """``joint_responses`` of one set by torch, with the axes and forces of every pair."""
    (alone, both), (axes, x) = weights, pair
    blocks = coefficients[..., :_BLOCKS].unflatten(-1, (2, 2, 3, 3))  # parity, own/other
    own, other = alone[:, :, None, None, None], both[:, None, None, None]
    own = own * (blocks[:, :, :, 0] + blocks[:, :, :, 0].mT) / 2
    other = other * (blocks[:, :, :, 1] + blocks[:, :, :, 1].flip(0).mT) / 2
    even, odd = (own @ x + other @ x.flip(0)).unbind(2)
    turned = torch.stack([even[:, :, :2], odd[:, :, :2]])  # along t and n; w is of the other parity
    force, moment = (
        axes.mT @ torch.cat([along, across[:, :, 2:]], 2)
        for along, across in zip(turned, (odd, even), strict=True)
    )

    g = coefficients[..., _BLOCKS:, None, None]
    own, other = (
        alone[:, :, None, None, None] * g[:, :, :3],
        both[:, None, None, None] * g[:, :, 3:],
    )
    mean = (other + other.flip(0)) / 2
    here = cases.forces[cases.ends]
    f, m = here.unbind(2)
    t = cases.direction[cases.ends][..., None].expand_as(f)
    lever, turn = torch.linalg.cross(t, m, dim=2), torch.linalg.cross(f.flip(0), t, dim=2)
    force = force + own[:, :, 0] * f + own[:, :, 2] / 2 * lever
    force = force + mean[:, :, 0] * f.flip(0) + other[:, :, 2] / 2 * lever.flip(0)
    moment = moment + own[:, :, 1] * m + own[:, :, 2] / 2 * torch.linalg.cross(f, t, dim=2)
    moment = moment + mean[:, :, 1] * m.flip(0) + other.flip(0)[:, :, 2] / 2 * turn
    by_pair = torch.stack([force, moment], 2).flatten(0, 1)
    return torch.zeros_like(cases.forces).index_add(0, cases.ends.flatten(), by_pair)


def with_lever(cases: JointCases) -> Float[Tensor, "ends 3 3 6"]:
    """f, m and t x m of every strut end."""
    f, m = cases.forces.unbind(1)
    lever = torch.linalg.cross(cases.direction[:, :, None].expand_as(m), m, dim=1)
    return torch.stack([f, m, lever], 1)


def _pair_axes(cases: JointCases) -> Float[Tensor, "2 pairs 3 3"]:
    """Rows t_a, n_a = t_b - c t_a and w = t_a x t_b of every directed pair, not normalised."""
    t = cases.direction[cases.ends]
    c = (t[0] * t[1]).sum(-1, keepdim=True)
    return torch.stack([t, t.flip(0) - c * t, torch.linalg.cross(t, t.flip(0))], 2)


def pair_forces(cases: JointCases) -> Float[Tensor, "2 pairs 2 3 6"]:
    """Components of the scaled forces of end a in the frame of every directed pair.

    Even (f.t, f.n, m.w) and odd (m.t, m.n, f.w) under reflection in the plane of the pair.
    """
    axes = _pair_axes(cases)
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
