"""Response fields: displacement and rotation of every node under each macroscopic strain.

A response X holds, for every node, a displacement (polar vector, in units of the mean strut length)
and a rotation (axial vector) for each of the six unit strains and each channel: the unknowns of a
frame analysis, as features. ``deformation`` maps it to the struts; ``collect``, its transpose, maps
strut forces back to the nodes.
"""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import embedding_bag

from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.network.layers.positivity import AffinePrior
from lattice_gnn.network.layers.struts import DirectedStruts
from lattice_gnn.tensors.matrix_functions import SPECTRAL_FUNCTIONS, SpectralFunction
from lattice_gnn.tensors.notation import strain_basis
from lattice_gnn.tensors.rotations import perpendicular_pair

Response = Float[Tensor, "2 nodes 3 columns"]  #: displacement, rotation; 6 strains x channels
StrutRows = Float[Tensor, "struts 9 columns"]  #: stretch, mean rotation, difference of rotation

_SOFTEST = 0.01
"""Added to the affine stiffness over density before the root: bounds the strains of soft modes."""


def _mixing(p: Tensor) -> Tensor:
    return (p + _SOFTEST).rsqrt()


def _mixing_difference(p: Tensor, q: Tensor) -> Tensor:
    return SPECTRAL_FUNCTIONS["inv_sqrt"].divided_difference(p + _SOFTEST, q + _SOFTEST)


def _unmixing(p: Tensor) -> Tensor:
    return (1 + _SOFTEST / p).sqrt()


def _unmixing_difference(p: Tensor, q: Tensor) -> Tensor:
    return -_SOFTEST / (p * q) / (_unmixing(p) + _unmixing(q))


_MIXING = SpectralFunction("root of the affine prior", _mixing, _mixing_difference, "positive")
_UNMIXING = SpectralFunction(
    "root of the affine prior", _unmixing, _unmixing_difference, "positive"
)


class StrutFrames:
    """Geometry of the struts for response fields, in units of the mean strut length.

    Attributes:
        start: Node at the first end.
        end: Node at the second end.
        length: L / l0.
        inertia: I / (A L^2) of the mean section, I its second moment of area.
        modulus: E / E_s.
        nu: Poisson's ratio.
        share: Share of the strut in the solid volume of its lattice.
        along: t t^T, t the unit direction: entries 11, 22, 33, 23, 13, 12.
        across: I - t t^T, the same entries.
        axes: Orthonormal rows t, n, t x n; results do not depend on n.
        strain: Relative displacement L (W E)_k t of its ends under six macroscopic strains,
            combined by W = (P / rho + 0.01)^(-1/2), P the affine stiffness, so that all store about
            the same energy.
        to_prior: W^-1 (P / rho)^(-1/2) of every lattice, float64: transforms quadratic forms in
            these strains to forms relative to P.
        to_struts: ``deformation`` as a sparse matrix.
        to_nodes: Its transpose.
    """

    def __init__(
        self, batch: LatticeBatch, struts: DirectedStruts, P: AffinePrior, dtype: torch.dtype
    ):
        t = P.direction
        relative = struts.features[: len(t), 0].exp()
        bore = (batch.inner_radii / batch.radii).square()
        square = (batch.radii**2 + batch.radii * batch.end_radii + batch.end_radii**2) / 3
        square_length = struts.vectors[: len(t)].square().sum(-1)
        x, y, z = t.unbind(-1)
        along = torch.stack([x * x, y * y, z * z, y * z, x * z, x * y], -1)
        across = t.new_tensor([1, 1, 1, 0, 0, 0]) - along
        W = P.relative(_MIXING)
        WE = (W @ strain_basis(W).flatten(1)).view(-1, 6, 3, 3).transpose(1, 2)
        WE = WE.reshape(-1, 18, 3).index_select(0, batch.strut_lattice)
        strain = (WE @ (t * relative[:, None]).to(WE)[:, :, None]).view(-1, 3, 6)
        self.start: Int[Tensor, " struts"] = batch.struts[:, 0]
        self.end: Int[Tensor, " struts"] = batch.struts[:, 1]
        self.length: Float[Tensor, " struts"] = relative.to(dtype)
        self.inertia: Float[Tensor, " struts"] = square * (1 + bore) / (4 * square_length)
        self.modulus: Float[Tensor, " struts"] = batch.E
        self.nu: Float[Tensor, " struts"] = batch.nu
        self.share: Float[Tensor, " struts"] = P.share
        self.along: Float[Tensor, "struts 6"] = along.to(dtype)
        self.across: Float[Tensor, "struts 6"] = across.to(dtype)
        self.axes: Float[Tensor, "struts 3 3"] = torch.stack([t, *perpendicular_pair(t)], 1).to(
            dtype
        )
        self.strain: Float[Tensor, "struts 3 6"] = strain.to(dtype)
        self.to_prior: Float[Tensor, "lattices 6 6"] = P.relative(_UNMIXING)
        self.to_struts, self.to_nodes = _differences(batch, dtype)


@dataclass(frozen=True, slots=True)
class SparseMatrix:
    """A matrix with a few entries in every row; its product is a sum of weighted rows.

    Attributes:
        columns: Column of each entry, row by row.
        entries: Its value.
        offsets: Row ``r`` owns entries ``offsets[r]:offsets[r + 1]``.
    """

    columns: Int[Tensor, " entries"]
    entries: Float[Tensor, " entries"]
    offsets: Int[Tensor, " rows_plus_1"]

    def __matmul__(self, X: Float[Tensor, "columns width"]) -> Float[Tensor, "rows width"]:
        """The product with a dense matrix, without gradients."""
        return embedding_bag(
            self.columns,
            X.detach().contiguous(),
            self.offsets,
            mode="sum",
            per_sample_weights=self.entries.detach().to(X.dtype),
            include_last_offset=True,
        )


def _differences(batch: LatticeBatch, dtype: torch.dtype) -> tuple[SparseMatrix, SparseMatrix]:
    """``deformation`` and its transpose.

    Three rows per strut, two entries each; columns are nodal displacements, then rotations.
    """
    nodes, device = len(batch.nodes), batch.struts.device
    blocks = torch.tensor([0, 0, nodes, nodes, nodes, nodes], device=device)
    columns = (batch.struts.repeat(1, 3) + blocks).flatten()
    entries = torch.tensor([-1, 1, 0.5, 0.5, -1, 1], dtype=dtype, device=device)
    entries = entries.repeat(len(batch.struts))
    offsets = torch.arange(0, len(columns) + 1, 2, device=device)
    order = columns.argsort(stable=True)
    ends = torch.bincount(columns, minlength=2 * nodes).cumsum(0)
    return (
        SparseMatrix(columns, entries, offsets),
        SparseMatrix(order // 2, entries.index_select(0, order), torch.cat([offsets[:1], ends])),
    )


def deformation(X: Response, frames: StrutFrames) -> StrutRows:
    """u_j - u_i, (theta_i + theta_j) / 2 and theta_j - theta_i of every strut (i, j)."""
    D: Tensor = _Product.apply(X.flatten(2).flatten(0, 1), frames.to_struts, frames.to_nodes)
    return D.view(-1, 9, X.shape[-1])


def collect(P: StrutRows, frames: StrutFrames) -> Response:
    """The transpose of ``deformation``: sums over the struts at each node."""
    rows = P.reshape(3 * len(P), 3 * P.shape[-1])
    sums: Tensor = _Product.apply(rows, frames.to_nodes, frames.to_struts)
    return sums.view(2, -1, 3, P.shape[-1])


def add_strain(
    D: StrutRows,
    strain: Float[Tensor, "struts 3 columns"],
    factors: Float[Tensor, " columns"],
) -> None:
    """Add ``factors`` times macroscopic strains to the stretch, in place."""
    D.flatten(1)[:, : strain[0].numel()].addcmul_(strain.flatten(1), factors.repeat(3))


class _Product(torch.autograd.Function):
    """A sparse matrix times a dense one; the gradient is the product with its transpose."""

    @staticmethod
    def forward(ctx: Any, X: Tensor, matrix: SparseMatrix, transpose: SparseMatrix) -> Tensor:
        ctx.matrix, ctx.transpose = matrix, transpose
        return matrix @ X

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return _Product.apply(gradient, ctx.transpose, ctx.matrix), None, None
