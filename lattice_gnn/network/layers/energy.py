"""Readout of response fields: strain energy of the struts as a quadratic form in the strain."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.network.layers.relaxation import PairNetwork, Scalars, pairs_of
from lattice_gnn.network.layers.response import Response, StrutFrames, add_strain, deformation
from lattice_gnn.tensors.matrix_functions import symmetric_function

_PARTS = 4
"""Stretch, shear, twist and bending of a strut."""
_ROWS = (0, 1, 1, 2, 3, 3)
"""Part of each row of ``_parts``."""
_LEAST = 1e-6
"""Added to the energy relative to the prior before its logarithm is taken."""


class EnergyReadout(nn.Module):
    """M = log(sum over struts of w D^T D) + sum over struts of g D'^T D'.

    D is the deformation of one predicted response under the six strains, split into stretch, shear,
    twist and bending, each with the stiffness of an Euler-Bernoulli strut times a learned factor
    w > 0, relative to the affine stiffness: without response and with w = 1 the first term is zero,
    which is the prior. D' are other combinations of channels, with weights g of either sign. D^T D
    transforms as 2x0e + 2x2e + 1x4e, like a stiffness.

    Computed in float64: soft modes are small differences of stiff ones.
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
        """The matrix M of each lattice, float64; NaN if the response is not finite.

        Never computed in half precision, in which the soft modes would be lost.
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
        mixed = (X.reshape(2, nodes * 18, channels) @ self.mix).view(2, nodes, 3, 6, fields)
        D = deformation(mixed.mT.flatten(3), frames)
        add_strain(D, frames.strain.repeat(1, 1, fields), self.load.repeat_interleave(6))
        rows = (_parts(frames) @ D).view(-1, len(_ROWS), fields, 6)
        pairs = pairs_of(features, scalars, frames)
        part = torch.tensor(_ROWS, device=X.device)
        stiffness = self._stiffness(self.factors(pairs).double(), frames).index_select(1, part)
        main = rows[:, :, 0].mT.double() * stiffness[:, None]
        energy = batch.sum_over_struts(main @ main.mT)
        energy = frames.to_prior @ energy @ frames.to_prior
        weights = self.weights(pairs).view(-1, _PARTS, self.extra)
        weights = weights * frames.share[:, None, None].to(weights)
        weights = weights.index_select(1, part).flatten(1)[:, :, None]
        others = rows[:, :, 1:].flatten(1, 2)
        signed = batch.sum_over_struts(((weights * others).mT @ others).double())
        if not bool(torch.isfinite(energy).all()):
            return (energy + signed) * torch.nan  # the logarithm would raise
        floor = _LEAST * torch.eye(6).to(energy)
        return symmetric_function(energy + floor, "log") + signed

    def _stiffness(
        self, factors: Float[Tensor, "struts parts"], frames: StrutFrames
    ) -> Float[Tensor, "struts parts"]:
        """Square roots of the stiffnesses of the parts.

        A strut of length L stores E A L / 2 times (stretch / L)^2 + i (12 (shear / L)^2 + twist^2 /
        (1 + nu) + bending^2), i = I / (A L^2).
        """
        i = frames.inertia
        beam = torch.stack([torch.ones_like(i), 12 * i, i / (1 + frames.nu), i], 1)
        scale = frames.share * frames.modulus
        return (beam * scale[:, None]).sqrt() * (factors / 2).exp()


def _parts(frames: StrutFrames) -> Float[Tensor, "struts 6 9"]:
    """Stretch t.du, shear n.(du + L t x theta), twist and bending, over L; 0 for rigid motions."""
    axes, zero = frames.axes, torch.zeros_like(frames.axes)
    lever = torch.stack([zero[:, 0], -axes[:, 2], axes[:, 1]], 1)
    top = torch.cat([axes / frames.length[:, None, None], lever, zero], 2)
    return torch.cat([top, torch.cat([zero, zero, axes], 2)], 1)
