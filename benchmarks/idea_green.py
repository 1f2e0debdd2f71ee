"""Matrix functions of a lattice as features of its nodes: blocks of the Green's function.

G(s) = (K + s M)^-1 for the infinite lattice, K the stiffness of the frame and M its lumped mass, at
real shifts s: an exponentially decaying Green's function. The 6 x 6 diagonal block of a node is the
mean over wave vectors k of the blocks of (K(k) + s M)^-1, with K(k) the sum over struts with their
Bloch phases; the trapezoidal rule on a grid of wave vectors converges exponentially. So the block
depends neither on the choice of the cell nor on a supercell.

Lengths are in units of the mean strut length l0, E in that of the material, s in units of E / l0^2
per mass density 1. A node has half the volume of its struts as mass, and the same times (l0 / 4)^2
as rotational inertia.

Reference:
    Batatia, Schaaf, Chen, Csanyi, Ortner, Faber, *Equivariant matrix function neural networks*,
    ICLR 2024.
"""

import math

import torch
from torch import Tensor

from fem_reference.beam.elements import strut_operator
from lattice_gnn.lattice.batch import LatticeBatch

SHIFTS = (0.01, 0.1)
PER_SHIFT = 5
GYRATION = 0.25  #: radius of gyration of a node over the mean strut length
DECAY = 3.0  #: of the Green's function per mean strut length, over the root of the shift, at least
_MATRICES = 2_000_000  #: entries of the matrices that are inverted together


def node_features(batch: LatticeBatch, accuracy: float = 1e-3) -> Tensor:
    """Return invariants of the diagonal blocks at all ``SHIFTS``, ``PER_SHIFT`` for each node.

    The logarithms of the mean of the translational and of the rotational diagonal, the deviators of
    both over these means, and the norm of the coupling block over their geometric mean.
    """
    rows = [_features(batch[b], accuracy) for b in range(len(batch))]
    return torch.cat(rows)


def _features(lattice: LatticeBatch, accuracy: float) -> Tensor:
    found = []
    for G in blocks(lattice, accuracy):
        u, w, both = G[:, :3, :3], G[:, 3:, 3:], G[:, :3, 3:]
        size_u, size_w = (x.diagonal(dim1=1, dim2=2).mean(1) for x in (u, w))
        eye = torch.eye(3, dtype=G.dtype)
        deviators = [
            (x - size[:, None, None] * eye).flatten(1).norm(dim=1) / size
            for x, size in ((u, size_u), (w, size_w))
        ]
        coupling = both.flatten(1).norm(dim=1) / (size_u * size_w).sqrt()
        found += [size_u.log(), size_w.log(), *deviators, coupling]
    return torch.stack(found, 1)


def blocks(lattice: LatticeBatch, accuracy: float) -> list[Tensor]:
    """Return the diagonal blocks of the Green's function of one lattice at all ``SHIFTS``.

    Args:
        lattice: A batch of one simplified lattice.
        accuracy: Size of the error of the quadrature, about.
    """
    unit = lattice.lengths.mean()
    scaled = lattice.replace(
        cells=lattice.cells / unit,
        radii=lattice.radii / unit,
        end_radii=lattice.end_radii / unit,
        inner_radii=lattice.inner_radii / unit,
    )
    B = strut_operator(scaled)
    K = (B.mT @ B).view(-1, 2, 6, 2, 6)
    volume = torch.pi * (scaled.radii**2 - scaled.inner_radii**2) * scaled.lengths
    i, j = scaled.struts.unbind(1)
    nodes = len(scaled.nodes)
    mass = volume.new_zeros(nodes).index_add(0, i, volume / 2).index_add(0, j, volume / 2)
    inertia = torch.cat([torch.ones(3), torch.full((3,), GYRATION**2)]).to(mass)
    M = (mass[:, None] * inertia).flatten()
    return [_mean_block(scaled, K, s * M, _grid(scaled, s, accuracy)) for s in SHIFTS]


def _grid(lattice: LatticeBatch, shift: float, accuracy: float) -> list[int]:
    """Return numbers of wave vectors along the reciprocal axes: enough for the decay of G."""
    spacing = 1 / torch.linalg.inv(lattice.cells[0]).norm(dim=0)  # distances of lattice planes
    reach = -math.log(accuracy) / (DECAY * shift**0.5)
    return [max(2, math.ceil(reach / float(x))) for x in spacing]


def _mean_block(lattice: LatticeBatch, K: Tensor, M: Tensor, grid: list[int]) -> Tensor:
    k, weight = _half(grid)
    nodes, (i, j) = len(lattice.nodes), lattice.struts.unbind(1)
    total = K.new_zeros(nodes, 6, 6)
    size = max(1, _MATRICES // (6 * nodes) ** 2)
    for part, share in zip(k.split(size), weight.split(size), strict=True):
        phase = torch.exp(2j * torch.pi * (part @ lattice.shifts.to(part).mT))
        A = torch.zeros(nodes, nodes, len(part), 6, 6, dtype=torch.complex128)
        for (a, own), (b, other) in (
            ((i, 0), (i, 0)), ((j, 1), (j, 1)), ((i, 0), (j, 1)), ((j, 1), (i, 0)),
        ):  # fmt: skip
            factor = torch.ones_like(phase) if own == other else phase
            factor = factor.conj() if own > other else factor
            values = factor.mT[:, :, None, None] * K[:, None, own, :, other]
            A.index_put_((a, b), values, accumulate=True)
        matrix = A.permute(2, 0, 3, 1, 4).reshape(len(part), 6 * nodes, 6 * nodes)
        inverse = torch.linalg.inv(matrix + torch.diag(M))
        diagonal = inverse.view(-1, nodes, 6, nodes, 6).diagonal(dim1=1, dim2=3)
        total += torch.einsum("k,kabn->nab", share, diagonal.real)
    return total


def _half(grid: list[int]) -> tuple[Tensor, Tensor]:
    """Return half of the wave vectors, and their weights: -k has the same real part as k."""
    index = torch.cartesian_prod(*(torch.arange(n) for n in grid))
    size = torch.tensor(grid)
    place = torch.tensor([grid[1] * grid[2], grid[2], 1])
    own, opposite = (index * place).sum(1), ((-index % size) * place).sum(1)
    kept = own <= opposite
    weight = torch.where(own == opposite, 1.0, 2.0)[kept].double() / len(index)
    return index[kept].double() / size, weight
