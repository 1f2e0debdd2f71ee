"""Strut features: dimensionless, independent of the direction in which a strut is stored."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from lattice_gnn.lattice.batch import LatticeBatch

#: Features of a directed strut, in order; l0 is the lattice's mean strut length.
STRUT_FEATURES = (
    "log L/l0",
    "log r_here/L",
    "log r_there/L",
    "log E/E_s",
    "nu",
    "bore/outer radius",
)


class DirectedStruts:
    """Every strut as two directed edges, one per receiving node.

    Attributes:
        here: Receiving node.
        there: Sending node.
        vectors: From the receiving node to the image of the sender, unit of length.
        features: ``STRUT_FEATURES``.
    """

    def __init__(self, batch: LatticeBatch):
        i, j = batch.struts.unbind(-1)
        vectors = batch.strut_vectors
        length = vectors.norm(dim=-1)
        count = batch.strut_offsets.diff().to(length.dtype)
        mean_length = batch.sum_over_struts(length) / count
        log_length = length.log()
        shared = torch.stack([batch.E.log(), batch.nu, batch.inner_radii / batch.radii], -1)
        relative = log_length - mean_length.log()[batch.strut_lattice]
        start, end = batch.radii.log() - log_length, batch.end_radii.log() - log_length
        self.here: Int[Tensor, " edges"] = torch.cat([i, j])
        self.there: Int[Tensor, " edges"] = torch.cat([j, i])
        self.vectors: Float[Tensor, "edges 3"] = torch.cat([vectors, -vectors])
        self.features: Float[Tensor, "edges features"] = torch.cat(
            [
                torch.cat([torch.stack([relative, start, end], -1), shared], -1),
                torch.cat([torch.stack([relative, end, start], -1), shared], -1),
            ]
        )


_GAUSSIANS = 6
_REACH = 2.5  #: the outer centres, in standard deviations


def num_gaussian_features() -> int:
    """Columns of ``gaussian_features``."""
    return 2 * _GAUSSIANS + len(STRUT_FEATURES) - 2


def gaussian_features(
    features: Float[Tensor, "edges features"],
) -> Float[Tensor, "edges expanded"]:
    """6 Gaussians of log L/l0 and 6 of log r_here/L; the other standardised features follow.

    The basis of the paper (Grega et al. 2024, appendix), applied to logarithms because our
    densities span decades.
    """
    centres = torch.linspace(-_REACH, _REACH, _GAUSSIANS, dtype=torch.float32).to(features)
    distance = (features[:, :2, None] - centres) / (centres[1] - centres[0])
    return torch.cat([(-distance.square()).exp().flatten(1), features[:, 2:]], -1)


class StrutNetwork(nn.Module):
    """MLP from strut features to radial weights, one per degree and channel.

    ``widths`` are the number of features and the hidden width.
    """

    def __init__(self, widths: tuple[int, int], lmax: int, channels: int):
        super().__init__()
        features, hidden = widths
        self.shape = (lmax + 1, channels)
        self.layers = nn.Sequential(
            nn.Linear(features, hidden),
            nn.SiLU(),
            nn.Linear(hidden, hidden),
            nn.SiLU(),
            nn.Linear(hidden, (lmax + 1) * channels),
        )

    def forward(
        self, features: Float[Tensor, "edges features"]
    ) -> Float[Tensor, "edges orders channels"]:
        """Radial weights R_lc."""
        return self.layers(features).view(-1, *self.shape)
