"""Readout of response fields: the energy of the struts as a quadratic form in the strain."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lattice_gnn.graph import LatticeBatch
from lattice_gnn.matrix_functions import symmetric_function
from lattice_gnn.nn.relaxation import PairNetwork, Scalars
from lattice_gnn.nn.response import Response, StrutFrames, deformation

_PARTS = 4
"""Stretch, shear, twist and bending of a strut, three rows each."""
_LEAST = 1e-4
"""Floor under the eigenvalues of the energy before its logarithm is taken."""


class EnergyReadout(nn.Module):
    """M = log(sum over struts of w D^T D) + sum over struts of g D'^T D'.

    D are the deformations of one predicted response under the six strains, split into stretch,
    shear, twist and bending, with learned stiffnesses w > 0; with no response and w = 1 the sum is
    that of the affine stiffness. D' belong to other mixtures of channels, with weights g of either
    sign. D^T D holds 2x0e + 2x2e + 1x4e as a stiffness does.
    """

    def __init__(self, channels: int, features: int, scalars: int, hidden: int, extra: int = 4):
        super().__init__()
        self.extra = extra
        mix = torch.randn(2, channels, 1 + extra) / channels**0.5
        mix[:, :, 0] *= 0.1
        self.mix = nn.Parameter(mix)
        self.load = nn.Parameter(torch.cat([torch.ones(1), 0.5 * torch.randn(extra)]))
        self.weights = PairNetwork(features, scalars, hidden, _PARTS * (1 + extra), 0.05)

    def forward(
        self,
        X: Response,
        scalars: Scalars,
        features: Float[Tensor, "struts features"],
        frames: StrutFrames,
        batch: LatticeBatch,
    ) -> Float[Tensor, "lattices 6 6"]:
        """The matrix M of each lattice, float64."""
        nodes, fields = len(scalars), 1 + self.extra
        channels = self.mix.shape[1]
        mixed = (X.reshape(2, nodes * 18, channels) @ self.mix).view(2, nodes, 3, 6 * fields)
        D = deformation(mixed, frames).view(-1, 9, 6, fields)
        stretch = D[:, :3] + frames.strain[..., None] * self.load
        D = torch.cat([stretch, D[:, 3:]], 1).view(-1, 9, 6 * fields)
        rows = (_parts(frames) @ D).view(-1, 3 * _PARTS, 6, fields)
        weights = self.weights(features, scalars, frames).view(-1, _PARTS, 1, fields)
        weights = weights.repeat_interleave(3, 1)
        energy = self._energy(rows[..., 0], weights[..., 0], frames, batch)
        others = rows[..., 1:].permute(0, 2, 1, 3).flatten(2)
        weighted = others * weights[..., 1:].flatten(1)[:, None]
        signed = _mean(weighted @ others.mT, frames, batch)
        floor = _LEAST * torch.eye(6).to(energy)
        return symmetric_function(energy + floor, "log") + signed.double()

    def _energy(
        self,
        rows: Float[Tensor, "struts rows 6"],
        weights: Float[Tensor, "struts rows 1"],
        frames: StrutFrames,
        batch: LatticeBatch,
    ) -> Float[Tensor, "lattices 6 6"]:
        """Shear, twist and bending cost (r/L)^2 of what stretching costs, times learned factors."""
        stiffness = (weights / 2).exp()
        scale = frames.slenderness[:, None, None]
        stiffness = torch.cat([stiffness[:, :3], stiffness[:, 3:] * scale], 1)
        D = rows * stiffness / frames.length[:, None, None]
        return _mean(D.mT @ D, frames, batch).double()


def _parts(frames: StrutFrames) -> Float[Tensor, "struts 12 9"]:
    """Stretch t t.du, shear du - t t.du + L t x theta, twist, bending: zero for rigid motions."""
    zero = torch.zeros_like(frames.along)
    lever = frames.length[:, None, None]
    rows = [
        [frames.along, zero, zero],
        [frames.across, lever * frames.turn, zero],
        [zero, zero, lever * frames.along],
        [zero, zero, lever * frames.across],
    ]
    return torch.cat([torch.cat(row, 2) for row in rows], 1)


def _mean(
    Q: Float[Tensor, "struts 6 6"], frames: StrutFrames, batch: LatticeBatch
) -> Float[Tensor, "lattices 6 6"]:
    """Average over the solid volume of each lattice."""
    weighted = Q * frames.share[:, None, None]
    return Q.new_zeros(len(batch), 6, 6).index_add(0, batch.strut_lattice, weighted)
