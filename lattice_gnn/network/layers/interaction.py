"""Message passing from struts to joints, and from neighbouring joints through them."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from lattice_gnn.network.layers.sphere import Coefficients, DegreeLinear, SphereGrid, degree_slice
from lattice_gnn.network.layers.struts import StrutNetwork


class FirstInteraction(nn.Module):
    """A_lmc(i) = sum over struts of R_lc(strut) Y_lm(direction): the struts at node i."""

    def __init__(self, lmax: int, channels: int, widths: tuple[int, int], mean_degree: float):
        super().__init__()
        self.lmax = lmax
        self.radial = StrutNetwork(widths, lmax, channels)
        self.scale = mean_degree**-0.5

    def forward(
        self,
        features: Float[Tensor, "edges features"],
        Y: Float[Tensor, "edges degrees"],
        here: Int[Tensor, " edges"],
        num_nodes: int,
    ) -> Coefficients:
        """Sum over the struts at each node."""
        R = self.radial(features)
        parts = [Y[:, degree_slice(l), None] * R[:, l, None, :] for l in range(self.lmax + 1)]
        messages = torch.cat(parts, 1)
        total = messages.new_zeros(num_nodes, *messages.shape[1:])
        return total.index_add(0, here, messages) * self.scale


class Interaction(nn.Module):
    """A(i) = sum over struts of F_strut . h(neighbour), a product of functions on the sphere.

    F_strut,c(n) = sum_l R_lc(strut) sum_m Y_lm(direction) Y_lm(n) is zonal about the strut.
    """

    def __init__(
        self, grid: SphereGrid, channels: int, widths: tuple[int, int], mean_degree: float
    ):
        super().__init__()
        self.grid = grid
        self.radial = StrutNetwork(widths, grid.lmax, channels)
        self.linear = DegreeLinear(grid.lmax, channels, channels)
        self.scale = mean_degree**-0.5

    def forward(
        self,
        h: Coefficients,
        features: Float[Tensor, "edges features"],
        zonal: Float[Tensor, "edges points orders"],
        here: Int[Tensor, " edges"],
        there: Int[Tensor, " edges"],
    ) -> Coefficients:
        """Sum of the filtered neighbour states over the struts at each node."""
        values = self.grid.values(self.linear(h))
        messages = (zonal @ self.radial(features)) * values.index_select(0, there)
        total = torch.zeros_like(values).index_add(0, here, messages)
        return self.grid.project(total) * self.scale
