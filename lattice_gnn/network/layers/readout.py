"""From node states to a symmetric 6x6 matrix in Mandel notation."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lattice_gnn.network.layers.couplings import coupling
from lattice_gnn.network.layers.sphere import Coefficients, degree_slice
from lattice_gnn.network.layers.tables import ExactTables
from lattice_gnn.tensors.notation import strain_basis


def symmetric_matrix_basis() -> Float[Tensor, "21 6 6"]:
    """Orthonormal basis 2x0e + 2x2e + 1x4e of the symmetric 6x6 Mandel matrices.

    A symmetric strain is 0e + 2e, so a symmetric matrix on strains is its symmetric square: 0e.0e
    -> 0e, 2e.2e -> 0e + 2e + 4e and 0e.2e -> 2e. Order: both 0e, both 2e (one after the other), 4e.
    """
    strain = _degrees_of_strain()
    squares = [(0, 0, 0), (2, 2, 0), (0, 2, 2), (2, 2, 2), (2, 2, 4)]
    parts = []
    for l1, l2, l in squares:
        matrix = torch.einsum("abm,ai,bj->mij", coupling(l1, l2, l), strain[l1], strain[l2])
        matrix = matrix + matrix.mT
        parts.append(matrix / matrix.flatten(1).norm(dim=1, keepdim=True)[:, :, None])
    return torch.cat(parts)


def _degrees_of_strain() -> dict[int, Float[Tensor, "components 6"]]:
    """Maps from a Mandel strain to its l = 0 and l = 2 parts; l = 1 is ordered x, y, z."""
    mandel = strain_basis(torch.zeros((), dtype=torch.float64))
    basis = {}
    for l in (0, 2):
        rows = torch.einsum("ijm,kij->mk", coupling(1, 1, l), mandel)
        basis[l] = rows / rows.norm(dim=1, keepdim=True)
    return basis


class TensorReadout(ExactTables):
    """From node states to 2x0e + 2x2e + 1x4e as a symmetric 6x6 Mandel matrix.

    The channels of each degree are gated by a non-linear function of the node's scalars, which
    preserves equivariance.
    """

    basis: Float[Tensor, "21 6 6"]

    def __init__(self, channels: int, readout_channels: int):
        super().__init__(basis=symmetric_matrix_basis())
        self.degrees = (0, 2, 4)
        self.copies = (2, 2, 1)
        self.mix = nn.ParameterList(
            torch.randn(channels, readout_channels) / channels**0.5 for _ in self.degrees
        )
        self.out = nn.ParameterList(
            0.02 * torch.randn(readout_channels, n) / readout_channels**0.5 for n in self.copies
        )
        self.gates = nn.Sequential(
            nn.Linear(channels, 2 * readout_channels),
            nn.SiLU(),
            nn.Linear(2 * readout_channels, 3 * readout_channels),
        )

    def forward(self, h: Coefficients) -> Float[Tensor, "nodes 6 6"]:
        """One symmetric matrix per node."""
        gates = self.gates(h[:, 0]).chunk(3, -1)
        components = []
        for l, mix, out, gate in zip(self.degrees, self.mix, self.out, gates, strict=True):
            gated = (h[:, degree_slice(l)] @ mix) * gate[:, None]
            components.append((gated @ out).mT.flatten(1))
        return torch.einsum("nk,kij->nij", torch.cat(components, 1), self.basis)
