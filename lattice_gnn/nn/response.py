"""Response fields: how every node moves and turns under each macroscopic strain.

A response X holds, for every node, a displacement (polar vector, in units of the mean strut length)
and a rotation (axial vector) for each of the six unit strains and each channel: what the unknowns
of a frame analysis are, as features. ``deformation`` takes it to the struts, ``collect``, its
transpose, takes what the struts answer back to the nodes.
"""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from fem_reference.affine import affine_stiffness, strain_basis
from lattice_gnn.graph import LatticeBatch
from lattice_gnn.matrix_functions import symmetric_function
from lattice_gnn.nn.struts import DirectedStruts

Response = Float[Tensor, "2 nodes 3 columns"]  #: displacement, rotation; 6 strains x channels
StrutRows = Float[Tensor, "struts 9 columns"]  #: stretch, mean rotation, difference of rotation

_SOFTEST = 0.01
"""Added to the affine stiffness over density before the root: bounds the strains of soft modes."""


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
        along: t t^T, t the unit direction.
        across: I - t t^T.
        turn: The matrix of t x.
        strain: Relative displacement L (W E)_k t of its ends under six macroscopic strains, mixed
            by W = (P / rho + 0.01)^(-1/2), P the affine stiffness, so that all cost about the same
            energy.
        to_prior: W^-1 (P / rho)^(-1/2) of every lattice, float64: takes quadratic forms in these
            strains to forms relative to P.
    """

    def __init__(self, batch: LatticeBatch, struts: DirectedStruts, dtype: torch.dtype):
        count = len(batch.radii)
        vectors = struts.vectors[:count]
        length = vectors.norm(dim=-1)
        t = vectors / length[:, None]
        relative = struts.features[:count, 0].exp()
        bore = (batch.inner_radii / batch.radii).square()
        square = (batch.radii**2 + batch.radii * batch.end_radii + batch.end_radii**2) / 3
        volume = square * (1 - bore) * length
        total = batch.sum_over_struts(volume).index_select(0, batch.strut_lattice)
        self.start: Int[Tensor, " struts"] = batch.struts[:, 0]
        self.end: Int[Tensor, " struts"] = batch.struts[:, 1]
        self.length: Float[Tensor, " struts"] = relative.to(dtype)
        self.inertia: Float[Tensor, " struts"] = square * (1 + bore) / (4 * length.square())
        self.modulus: Float[Tensor, " struts"] = batch.E
        self.nu: Float[Tensor, " struts"] = batch.nu
        self.share: Float[Tensor, " struts"] = volume / total
        along = t[:, :, None] * t[:, None, :]
        self.along: Float[Tensor, "struts 3 3"] = along.to(dtype)
        self.across: Float[Tensor, "struts 3 3"] = (torch.eye(3).to(along) - along).to(dtype)
        self.turn: Float[Tensor, "struts 3 3"] = _cross_matrix(t).to(dtype)
        P = affine_stiffness(batch) / batch.relative_density()[:, None, None]
        W = symmetric_function(P + _SOFTEST * torch.eye(6).to(P), "inv_sqrt")
        self.to_prior: Float[Tensor, "lattices 6 6"] = torch.linalg.solve(
            W, symmetric_function(P, "inv_sqrt")
        )
        strain = torch.einsum("kab,sb->sak", strain_basis(t), t * relative[:, None])
        self.strain: Float[Tensor, "struts 3 6"] = (
            strain @ W.index_select(0, batch.strut_lattice)
        ).to(dtype)


def _cross_matrix(t: Float[Tensor, "struts 3"]) -> Float[Tensor, "struts 3 3"]:
    x, y, z = t.unbind(-1)
    zero = torch.zeros_like(x)
    return torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).view(-1, 3, 3)


def deformation(X: Response, frames: StrutFrames) -> StrutRows:
    """u_j - u_i, (theta_i + theta_j) / 2 and theta_j - theta_i of every strut (i, j)."""
    rows: StrutRows = _Deformation.apply(X, frames.start, frames.end)
    return rows


def collect(P: StrutRows, frames: StrutFrames, num_nodes: int) -> Response:
    """The transpose of ``deformation``: sums over the struts at each node."""
    sums: Response = _Collection.apply(P, frames.start, frames.end, num_nodes)
    return sums


def _deform(X: Tensor, start: Tensor, end: Tensor) -> Tensor:
    (u_i, theta_i), (u_j, theta_j) = X.index_select(1, start), X.index_select(1, end)
    D = X.new_empty(len(start), 9, X.shape[-1])
    torch.sub(u_j, u_i, out=D[:, :3])
    torch.add(theta_j, theta_i, out=D[:, 3:6]).mul_(0.5)
    torch.sub(theta_j, theta_i, out=D[:, 6:])
    return D


def _collect(P: Tensor, start: Tensor, end: Tensor, num_nodes: int) -> Tensor:
    force, moment, couple = P.split(3, 1)
    half = moment / 2
    sums = P.new_zeros(2, num_nodes, 3, P.shape[-1])
    sums[0].index_add_(0, end, force).index_add_(0, start, force, alpha=-1)
    sums[1].index_add_(0, end, half + couple).index_add_(0, start, half - couple)
    return sums


class _Deformation(torch.autograd.Function):
    """A linear map and its transpose: each is the other's gradient."""

    @staticmethod
    def forward(ctx: Any, X: Tensor, start: Tensor, end: Tensor) -> Tensor:
        ctx.save_for_backward(start, end)
        ctx.num_nodes = X.shape[1]
        return _deform(X, start, end)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return _Collection.apply(gradient, *ctx.saved_tensors, ctx.num_nodes), None, None


class _Collection(torch.autograd.Function):
    """The transpose of ``_Deformation``."""

    @staticmethod
    def forward(ctx: Any, P: Tensor, start: Tensor, end: Tensor, num_nodes: int) -> Tensor:
        ctx.save_for_backward(start, end)
        return _collect(P, start, end, num_nodes)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        return _Deformation.apply(gradient, *ctx.saved_tensors), None, None, None
