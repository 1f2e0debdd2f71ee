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
_LEAST = 1e-6
"""Added to the energy relative to the prior before its logarithm is taken."""


class EnergyReadout(nn.Module):
    """M = log(sum over struts of w D^T D) + sum over struts of g D'^T D'.

    D are the deformations of one predicted response under the six strains, split into stretch,
    shear, twist and bending, each with the stiffness of an Euler-Bernoulli strut times a learned
    factor w > 0, relative to the affine stiffness: with no response and w = 1 the first term is
    zero, which is the prior. D' belong to other mixtures of channels, with weights g of either
    sign. D^T D holds 2x0e + 2x2e + 1x4e as a stiffness does.

    Works in float64: soft modes are small differences of stiff ones.
    """

    def __init__(self, channels: int, features: int, scalars: int, hidden: int, extra: int = 4):
        super().__init__()
        self.extra = extra
        mix = torch.randn(2, channels, 1 + extra) / channels**0.5
        mix[:, :, 0] *= 0.1
        self.mix = nn.Parameter(mix)
        self.load = nn.Parameter(torch.cat([torch.ones(1), 0.5 * torch.randn(extra)]))
        self.factors = PairNetwork(features, scalars, hidden, _PARTS, 0.05)
        self.weights = PairNetwork(features, scalars, hidden, _PARTS * extra, 0.0)

    def forward(
        self,
        X: Response,
        scalars: Scalars,
        features: Float[Tensor, "struts features"],
        frames: StrutFrames,
        batch: LatticeBatch,
    ) -> Float[Tensor, "lattices 6 6"]:
        """The matrix M of each lattice, float64; NaN where the response is not finite.

        Never in half precision, which would leave nothing of the soft modes.
        """
        with torch.autocast(X.device.type, enabled=False):
            return self._matrix(
                X.to(self.mix.dtype), scalars.to(self.mix.dtype), features, frames, batch
            )

    def _matrix(
        self,
        X: Response,
        scalars: Scalars,
        features: Float[Tensor, "struts features"],
        frames: StrutFrames,
        batch: LatticeBatch,
    ) -> Float[Tensor, "lattices 6 6"]:
        nodes, fields = len(scalars), 1 + self.extra
        channels = self.mix.shape[1]
        mixed = (X.reshape(2, nodes * 18, channels) @ self.mix).view(2, nodes, 3, 6 * fields)
        D = deformation(mixed, frames).view(-1, 9, 6, fields)
        stretch = D[:, :3] + frames.strain[..., None] * self.load
        D = torch.cat([stretch, D[:, 3:]], 1).view(-1, 9, 6 * fields)
        rows = (_parts(frames) @ D).view(-1, 3 * _PARTS, 6, fields)
        rows = rows / frames.length[:, None, None, None]
        factors = self.factors(features, scalars, frames)
        energy = self._energy(rows[..., 0].double(), factors.double(), frames, batch)
        weights = self.weights(features, scalars, frames).view(-1, _PARTS, self.extra)
        weights = weights.repeat_interleave(3, 1).flatten(1)[:, None]
        others = rows[..., 1:].permute(0, 2, 1, 3).flatten(2)
        signed = _mean(((weights * others) @ others.mT).double(), frames, batch)
        if not bool(torch.isfinite(energy).all()):
            return (energy + signed) * torch.nan  # its logarithm would refuse
        floor = _LEAST * torch.eye(6).to(energy)
        return symmetric_function(energy + floor, "log") + signed

    def _energy(
        self,
        rows: Float[Tensor, "struts rows 6"],
        factors: Float[Tensor, "struts parts"],
        frames: StrutFrames,
        batch: LatticeBatch,
    ) -> Float[Tensor, "lattices 6 6"]:
        """Energy of the struts relative to the affine stiffness.

        A strut of length L stores E A L / 2 times (stretch / L)^2 + i (12 (shear / L)^2 + twist^2 /
        (1 + nu) + bending^2), i = I / (A L^2).
        """
        i = frames.inertia
        beam = torch.stack([torch.ones_like(i), 12 * i, i / (1 + frames.nu), i], 1)
        stiffness = (beam * frames.modulus[:, None]).sqrt() * (factors / 2).exp()
        D = rows * stiffness.repeat_interleave(3, 1)[..., None]
        energy = _mean(D.mT @ D, frames, batch)
        return frames.to_prior.mT @ energy @ frames.to_prior


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
    return batch.sum_over_struts(Q * frames.share[:, None, None])
