"""Relaxation: response fields improved step by step by learned, local equilibrium iterations.

Frame analysis solves K X = f for the response X. A step of relaxation looks like one step of an
iterative solver, with everything learned: struts answer to their deformation, nodes sum the answers
and divide by a 3x3 matrix of their own, channels mix. A step reaches the neighbours of a node, and
through the mean size of the fields, which bounds them, all of the cell. It is equivariant for any
weights.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import layer_norm, softplus

from lattice_gnn.graph import LatticeBatch
from lattice_gnn.nn.response import Response, StrutFrames, collect, deformation

Scalars = Float[Tensor, "nodes scalars"]
MeanSquares = Float[Tensor, "2 nodes channels"]

_GATES, _WEIGHTS = 8, 4
_FLOOR = 0.01
"""Added to the node matrices before they are inverted."""


@dataclass(frozen=True, slots=True)
class State:
    """What a step receives and returns.

    Attributes:
        X: Response of the nodes.
        size: Mean square of X, node by node.
        scalars: Invariant features of the nodes.
    """

    X: Response
    size: MeanSquares
    scalars: Scalars


class PairNetwork(nn.Module):
    """MLP from a strut's features and the scalars of its two nodes, the same from either end."""

    def __init__(self, features: int, scalars: int, hidden: int, out: int, scale: float = 1.0):
        super().__init__()
        last = nn.Linear(hidden, out)
        with torch.no_grad():
            last.weight.mul_(scale)
            last.bias.mul_(scale)
        self.layers = nn.Sequential(nn.Linear(features + 2 * scalars, hidden), nn.SiLU(), last)

    def forward(
        self, features: Float[Tensor, "struts features"], scalars: Scalars, frames: StrutFrames
    ) -> Float[Tensor, "struts out"]:
        """One row for each strut."""
        a, b = scalars.index_select(0, frames.start), scalars.index_select(0, frames.end)
        return self.layers(torch.cat([features, a + b, a * b], -1))


class RelaxationStep(nn.Module):
    """X <- X W + gate . H^-1 collect(K (deformation(X) + macroscopic strain)) V."""

    def __init__(self, channels: int, features: int, scalars: int, hidden: int, degree: float):
        super().__init__()
        self.law = PairNetwork(features, scalars, hidden, _GATES + _WEIGHTS)
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

    def forward(
        self,
        state: State,
        features: Float[Tensor, "struts features"],
        frames: StrutFrames,
        batch: LatticeBatch,
    ) -> State:
        """One step."""
        channels, nodes = len(self.load), len(state.scalars)
        law = self.law(features, state.scalars, frames)
        K = _strut_matrix(law[:, :_GATES], frames)
        answer = collect(K @ deformation(state.X, frames), frames, nodes)
        loaded = collect(K[:, :, :3] @ frames.strain, frames, nodes)
        answer = torch.addcmul(answer.view(2, nodes, 3, 6, channels), loaded[..., None], self.load)
        H = _node_matrix(softplus(law[:, _GATES:]), frames, nodes) / self.degree
        inverse = _inverse(H + _FLOOR * torch.eye(3).to(H)) / math.sqrt(self.degree)
        F = (inverse @ answer.view(2, nodes, 3, 6 * channels)).view(2, nodes, 18, channels)
        sizes = torch.cat([*F.square().mean(2), *state.size], -1).log1p()
        update = self.update(torch.cat([state.scalars, sizes], -1))
        scalars, gate = update.split([state.scalars.shape[1], 2 * channels], -1)
        F = F * (1 + gate.view(nodes, 2, 1, channels).transpose(0, 1))
        flat = (2, nodes * 18, channels)
        X = torch.baddbmm(state.X.reshape(flat) @ self.keep, F.reshape(flat), self.change)
        X, size = _bounded(X.view(2, nodes, 18, channels), batch)
        scalars = layer_norm(state.scalars + scalars, scalars.shape[1:])
        return State(X.view(2, nodes, 3, 6 * channels), size, scalars)


def _strut_matrix(
    gates: Float[Tensor, "struts gates"], frames: StrutFrames
) -> Float[Tensor, "struts 9 9"]:
    """What a strut answers to its deformation: transversely isotropic about its axis."""
    k = gates[:, :, None, None].unbind(1)
    zero = torch.zeros_like(frames.along)
    rows = [
        [k[0] * frames.along + k[1] * frames.across, k[2] * frames.turn, zero],
        [k[3] * frames.turn, k[4] * frames.along + k[5] * frames.across, zero],
        [zero, zero, k[6] * frames.along + k[7] * frames.across],
    ]
    return torch.cat([torch.cat(row, 2) for row in rows], 1)


def _node_matrix(
    weights: Float[Tensor, "struts weights"], frames: StrutFrames, nodes: int
) -> Float[Tensor, "2 nodes 3 3"]:
    """Positive matrices of the struts at each node, for displacements and for rotations."""
    w = weights[:, :, None, None].unbind(1)
    pairs = [(w[0], w[1]), (w[2], w[3])]
    H = torch.stack([a * frames.along + b * frames.across for a, b in pairs])
    zero = H.new_zeros(2, nodes, 3, 3)
    return zero.index_add(1, frames.start, H).index_add(1, frames.end, H)


def _inverse(H: Float[Tensor, "*items 3 3"]) -> Float[Tensor, "*items 3 3"]:
    """By cofactors."""
    a, b, c = H.unbind(-2)
    columns = [torch.linalg.cross(b, c), torch.linalg.cross(c, a), torch.linalg.cross(a, b)]
    determinant = (a * columns[0]).sum(-1)[..., None, None]
    return torch.stack(columns, -1) / determinant


def _bounded(
    X: Float[Tensor, "2 nodes 18 channels"], batch: LatticeBatch
) -> tuple[Float[Tensor, "2 nodes 18 channels"], MeanSquares]:
    """Divide each channel by sqrt(1 + its mean square over the lattice); also the new sizes."""
    size = X.square().mean(2)
    total = size.new_zeros(2, len(batch), size.shape[-1]).index_add(1, batch.node_lattice, size)
    mean = total / batch.node_offsets.diff().to(total)[:, None]
    factor = (1 / (1 + mean)).index_select(1, batch.node_lattice)
    return X * factor.sqrt()[:, :, None], size * factor
