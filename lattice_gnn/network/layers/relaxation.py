"""Relaxation: response fields refined by learned, local equilibrium iterations.

Frame analysis solves K X = f for the response X. A relaxation step has the form of one step of an
iterative solver, with learned coefficients: struts respond to their deformation with forces, nodes
sum these and multiply by the inverse of a 3x3 matrix, channels are mixed. Each step reaches the
neighbours of a node and, through the mean square of the fields, by which they are bounded, the
whole cell. It is equivariant for any weights.
"""

import math
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import layer_norm, one_hot, softplus

from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.network.layers.response import (
    Response,
    SparseMatrix,
    StrutFrames,
    add_strain,
    collect,
    deformation,
)
from lattice_gnn.network.layers.tables import ExactTables
from lattice_gnn.tensors.notation import COMPONENT_OF_PAIR

Scalars = Float[Tensor, "nodes scalars"]
MeanSquares = Float[Tensor, "2 nodes channels"]
Pairs = Float[Tensor, "struts inputs"]

GATES = (
    (0, 0, "along"), (0, 0, "across"), (0, 1, "turn"),
    (1, 0, "turn"), (1, 1, "along"), (1, 1, "across"),
    (2, 2, "along"), (2, 2, "across"),
)  # fmt: skip
"""Block row, block column and tensor of each coefficient in the constitutive law of a strut."""
_WEIGHTS = 4
_FLOOR = 0.01
"""Added to the nodal matrices before inversion."""


@dataclass(frozen=True, slots=True)
class State:
    """State that a step updates.

    Attributes:
        X: Response of the nodes.
        size: Mean square of X per node.
        scalars: Invariant features of the nodes.
    """

    X: Response
    size: MeanSquares
    scalars: Scalars


class Problem:
    """Quantities that are the same in all steps.

    Attributes:
        batch: The lattices.
        features: Standardised features of the struts, the same from either end.
        frames: Their geometry.
        strain: Their macroscopic strains, repeated per channel.
        tensors: Entries of the tensor of each of ``GATES``.
    """

    def __init__(
        self,
        batch: LatticeBatch,
        features: Float[Tensor, "struts features"],
        frames: StrutFrames,
        channels: int,
    ):
        self.batch = batch
        self.features = features
        self.frames = frames
        self.strain: Float[Tensor, "struts 3 columns"] = frames.strain.repeat_interleave(
            channels, 2
        )
        parts = {"along": frames.along, "across": frames.across, "turn": frames.axes[:, 0]}
        self.tensors: Float[Tensor, "struts entries"] = torch.cat(
            [parts[name] for _, _, name in GATES], 1
        )


class PairNetwork(nn.Module):
    """MLP from a strut's features and the scalars of its two nodes, the same from either end."""

    def __init__(self, features: int, scalars: int, hidden: int, out: int, scale: float = 1.0):
        super().__init__()
        last = nn.Linear(hidden, out)
        with torch.no_grad():
            last.weight.mul_(scale)
            last.bias.mul_(scale)
        self.layers = nn.Sequential(nn.Linear(features + 2 * scalars, hidden), nn.SiLU(), last)

    def forward(self, pairs: Pairs) -> Float[Tensor, "struts out"]:
        """One row per strut, from its ``pairs``."""
        return self.layers(pairs)


def pairs_of(
    features: Float[Tensor, "struts features"], scalars: Scalars, frames: StrutFrames
) -> Pairs:
    """Inputs of a ``PairNetwork``."""
    a, b = scalars.index_select(0, frames.start), scalars.index_select(0, frames.end)
    return torch.cat([features, a + b, a * b], -1)


class StrutMatrix(ExactTables):
    """Constitutive law of a strut: 9x9, transversely isotropic about its axis.

    Each of ``GATES`` multiplies t t^T, I - t t^T or the matrix of t x in one of the 3x3 blocks.
    """

    spread: Float[Tensor, "gates entries"]
    place: Float[Tensor, "entries 81"]

    def __init__(self) -> None:
        symmetric = one_hot(torch.tensor(COMPONENT_OF_PAIR)).movedim(-1, 0)
        axes = torch.eye(3, dtype=torch.int64)
        turn = torch.linalg.cross(axes[:, :, None], axes[None], dim=1)
        numbers, places = [], []
        for number, (row, column, tensor) in enumerate(GATES):
            units = turn if tensor == "turn" else symmetric
            K = torch.zeros(len(units), 3, 3, 3, 3, dtype=torch.float64)
            K[:, row, :, column] = units.double()
            places.append(K.view(-1, 81))
            numbers += [number] * len(units)
        spread = one_hot(torch.tensor(numbers)).T.double()
        super().__init__(spread=spread, place=torch.cat(places))

    def forward(
        self, gates: Float[Tensor, "struts gates"], problem: Problem
    ) -> Float[Tensor, "struts 9 9"]:
        """K of every strut."""
        return ((gates @ self.spread * problem.tensors) @ self.place).view(-1, 9, 9)


class RelaxationStep(nn.Module):
    """X <- X W + gate . H^-1 collect(K (deformation(X) + macroscopic strain)) V."""

    def __init__(self, channels: int, features: int, scalars: int, hidden: int, degree: float):
        super().__init__()
        self.strut_matrix = StrutMatrix()
        self.law = PairNetwork(features, scalars, hidden, len(GATES) + _WEIGHTS)
        self.load = nn.Parameter(0.5 * torch.randn(channels))
        self.keep = nn.Parameter(
            torch.eye(channels) + 0.3 * torch.randn(2, channels, channels) / channels**0.5
        )
        self.change = nn.Parameter(0.3 * torch.randn(2, channels, channels) / channels**0.5)
        last = nn.Linear(hidden, scalars + 2 * channels)
        with torch.no_grad():
            last.weight.mul_(0.3)
        self.update = nn.Sequential(nn.Linear(scalars + 4 * channels, hidden), nn.SiLU(), last)
        self.degree = degree

    def forward(self, state: State, problem: Problem) -> State:
        """One step."""
        channels, nodes, frames = len(self.load), len(state.scalars), problem.frames
        law = self.law(pairs_of(problem.features, state.scalars, frames))
        gates, weights = law.split([len(GATES), _WEIGHTS], 1)
        K = self.strut_matrix(gates, problem)
        D = deformation(state.X, frames)
        add_strain(D, problem.strain, self.load.repeat(6))
        weights = softplus(weights.contiguous()) / self.degree
        inverse = _inverse(_node_matrix(weights, frames, nodes)) / math.sqrt(self.degree)
        F = _NodeProduct.apply(inverse, collect(K @ D, frames)).view(2, nodes, 18, channels)
        sizes = torch.cat([*F.square().mean(2), *state.size], -1).log1p()
        update = self.update(torch.cat([state.scalars, sizes], -1))
        scalars, gate = update.split([state.scalars.shape[1], 2 * channels], -1)
        F = F * (1 + gate.view(nodes, 2, 1, channels).transpose(0, 1))
        flat = (2, nodes * 18, channels)
        X = torch.baddbmm(state.X.reshape(flat) @ self.keep, F.reshape(flat), self.change)
        X, size = _bounded(X.view(2, nodes, 18, channels), problem.batch)
        scalars = layer_norm(state.scalars + scalars, scalars.shape[1:])
        return State(X.view(2, nodes, 3, 6 * channels), size, scalars)


def _node_matrix(
    weights: Float[Tensor, "struts weights"], frames: StrutFrames, nodes: int
) -> Float[Tensor, "2 nodes 3 3"]:
    """Sum of positive matrices over the struts at each node, for displacements and rotations."""
    along, across = weights.view(-1, 2, 2, 1).unbind(2)
    h = (along * frames.along[:, None] + across * frames.across[:, None]).flatten(1)
    H = _FLOOR * h.new_tensor([1, 1, 1, 0, 0, 0]).repeat(nodes, 2)
    H = H.index_add(0, frames.start, h).index_add(0, frames.end, h).view(nodes, 2, 6)
    entries = torch.tensor(COMPONENT_OF_PAIR, device=H.device).flatten()
    return H.transpose(0, 1).index_select(2, entries).view(2, nodes, 3, 3)


class _NodeProduct(torch.autograd.Function):
    """Product of 3x3 matrices with three rows each.

    As one sparse matrix: torch's batched product takes five times as long for such small matrices.
    """

    @staticmethod
    def forward(ctx: Any, A: Tensor, X: Tensor) -> Tensor:
        ctx.save_for_backward(A, X)
        rows = X.numel() // X.shape[-1]
        columns = torch.arange(rows, device=X.device).view(-1, 1, 3).expand(-1, 3, 3).flatten()
        offsets = torch.arange(0, 3 * rows + 1, 3, device=X.device)
        return (SparseMatrix(columns, A.flatten(), offsets) @ X.flatten(0, -2)).view_as(X)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        A, X = ctx.saved_tensors
        return gradient @ X.mT, _NodeProduct.apply(A.mT, gradient)


def _inverse(H: Float[Tensor, "*items 3 3"]) -> Float[Tensor, "*items 3 3"]:
    """Inverse by cofactors."""
    cofactors = torch.linalg.cross(H.roll(-1, -2), H.roll(-2, -2))
    determinant = (H[..., 0, :] * cofactors[..., 0, :]).sum(-1)
    return cofactors.mT / determinant[..., None, None]


def _bounded(
    X: Float[Tensor, "2 nodes 18 channels"], batch: LatticeBatch
) -> tuple[Float[Tensor, "2 nodes 18 channels"], MeanSquares]:
    """Divide each channel by sqrt(1 + its mean square over the lattice); also return the sizes."""
    size = X.square().mean(2)
    total = size.new_zeros(2, len(batch), size.shape[-1]).index_add(1, batch.node_lattice, size)
    mean = total / batch.node_offsets.diff().to(total)[:, None]
    factor = (1 / (1 + mean)).index_select(1, batch.node_lattice)
    return X * factor.sqrt()[:, :, None], size * factor
