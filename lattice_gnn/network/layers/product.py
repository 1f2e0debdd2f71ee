"""Higher-order products: functions of several struts at one joint."""

from jaxtyping import Float
from torch import Tensor, nn

from lattice_gnn.network.layers.sphere import Coefficients, DegreeLinear, SphereGrid


class HigherOrderProduct(nn.Module):
    """B_1 = A, B_k = projection of (W_k B_(k-1)) . (V_k A), up to k = ``correlation``.

    A is a sum over struts, so B_k sums over all k-tuples of struts at the joint: k = 2 describes
    the angles of pairs, k = 3 the shape of triples. The projection between two products gives every
    intermediate degree its own weight, which a single pointwise cube would not.

    Reference:
        Batatia, Kovacs, Simm, Ortner, Csanyi, *MACE*, NeurIPS 2022, eq. 8-11 (there with
        generalised Clebsch-Gordan coefficients in place of the pointwise product).
    """

    def __init__(self, grid: SphereGrid, channels: int, correlation: int):
        super().__init__()
        self.grid = grid
        lmax = grid.lmax
        orders = range(2, correlation + 1)
        self.left = nn.ModuleList(DegreeLinear(lmax, channels, channels) for _ in orders)
        self.right = nn.ModuleList(DegreeLinear(lmax, channels, channels) for _ in orders)
        self.out = nn.ModuleList(DegreeLinear(lmax, channels, channels) for _ in range(correlation))

    def forward(self, A: Coefficients) -> Coefficients:
        """Sum over the orders; A is first scaled to unit mean square per node."""
        A = A * (A.square().mean((1, 2), keepdim=True) + 1e-6).rsqrt()
        B = A
        total: Float[Tensor, "items degrees channels"] = self.out[0](A)
        for left, right, out in zip(self.left, self.right, self.out[1:], strict=True):
            product = self.grid.values(left(B)) * self.grid.values(right(A))
            B = self.grid.project(product) / (self.grid.lmax + 1)  # keeps coefficients near 1
            total = total + out(B)
        return total
