"""Baseline network whose messages contain only invariants.

    n_i  = h_i / RMS(h_i) times a gain per channel
    w_e  = W (n_i, n_j, x_e)                          a few weights per strut e = (i, j)
    a_e  = sum over struts f at i of w_f P_l(cos angle between e and f),  l = 0, ..., lmax
    h_i <- h_i + sum over struts of MLP(n_i, n_j, x_e, a_e, a_e at the other end)
    M    = mean over nodes of  alpha_i J + beta_i K + sum over struts of gamma_e (t t)(t t)^T

Sums over struts are divided by the mean degree; alpha, beta, gamma are MLPs of n and x. A message
sums over the struts at a node twice, so that with h itself in the place of n the states of nodes
with many struts grow manifold in every round, and exp(M) runs away in training.

Lengths, radii and angles cannot orient a tensor; the fixed matrices (t t)(t t)^T of the unit strut
directions t do. J and K are the isotropic projectors. C is therefore equivariant under rotation and
invariant under inversion for any weights, although the node states are scalars, and the anisotropic
part of M lies in the span of the matrices of the struts.

The sums over angles cost no more than sums over struts: by the addition theorem of spherical
harmonics, P_l(cos) = sum over m of Y_lm(e) Y_lm(f) / (2 l + 1) where Y has mean square 1.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.network.base import ModelSettings, StiffnessNetwork, check_config
from lattice_gnn.network.layers.sphere import degree_slice, spherical_harmonics
from lattice_gnn.network.layers.struts import STRUT_FEATURES, DirectedStruts
from lattice_gnn.network.layers.tables import ExactTables
from lattice_gnn.network.normaliser import Normaliser
from lattice_gnn.tensors.notation import dyad_mandel


@dataclass(frozen=True, slots=True)
class InvariantConfig(ModelSettings):
    """Configuration of the invariant network.

    Attributes:
        channels: Width of the node states.
        layers: Rounds of message passing.
        hidden: Width of the MLPs.
        lmax: Highest Legendre degree of the angles.
        angular: Number of weights per strut in the sums over angles.
        positive_map: Key of ``POSITIVE_MAPS``.
        kind: Name of the architecture.
    """

    channels: int = 48
    layers: int = 3
    hidden: int = 96
    lmax: int = 4
    angular: int = 6
    positive_map: str = "prior"
    kind: Literal["invariant"] = "invariant"

    def __post_init__(self) -> None:
        least = {"channels": 1, "layers": 1, "hidden": 1, "lmax": 1, "angular": 1}
        check_config(self, least)


@dataclass(frozen=True, slots=True)
class _Edges:
    """Directed struts in the precision of the network.

    The second half is the first half seen from the other end.
    """

    struts: DirectedStruts
    features: Float[Tensor, "edges features"]
    Y: Float[Tensor, "edges degrees"]

    def ends(self, n: Float[Tensor, "nodes channels"]) -> Float[Tensor, "edges inputs"]:
        """(n_i, n_j, x_e) per directed strut."""
        return torch.cat([n[self.struts.here], n[self.struts.there], self.features], -1)

    def sum_at_nodes(
        self, values: Float[Tensor, "edges *rest"], num_nodes: int
    ) -> Float[Tensor, "nodes *rest"]:
        """Sum over the struts at each node."""
        total = values.new_zeros(num_nodes, *values.shape[1:])
        return total.index_add(0, self.struts.here, values)


class InvariantLayer(nn.Module):
    """One round of messages from lengths, radii and angles."""

    def __init__(self, config: InvariantConfig, mean_degree: float):
        super().__init__()
        ends = 2 * config.channels + len(STRUT_FEATURES)
        self.lmax = config.lmax
        self.scale = 1 / mean_degree
        self.norm = nn.RMSNorm(config.channels)
        self.weights = nn.Linear(ends, config.angular)
        self.messages = nn.Sequential(
            nn.Linear(ends + 2 * (config.lmax + 1) * config.angular, config.hidden),
            nn.SiLU(),
            nn.Linear(config.hidden, config.channels),
        )

    def forward(
        self, h: Float[Tensor, "nodes channels"], edges: _Edges
    ) -> Float[Tensor, "nodes channels"]:
        """New node states."""
        ends = edges.ends(self.norm(h))
        angles = self._angles(self.weights(ends), edges, len(h))
        other = angles.roll(len(angles) // 2, 0)
        messages = self.messages(torch.cat([ends, angles, other], -1))
        return h + edges.sum_at_nodes(messages, len(h)) * self.scale

    def _angles(
        self, weights: Float[Tensor, "edges angular"], edges: _Edges, num_nodes: int
    ) -> Float[Tensor, "edges angles"]:
        """Sum over struts f at the node of e of w_f P_l(cos angle(e, f)), e itself included."""
        A = edges.sum_at_nodes(edges.Y[:, :, None] * weights[:, None], num_nodes) * self.scale
        there = edges.Y[:, :, None] * A[edges.struts.here]
        parts = [there[:, degree_slice(l)].sum(1) / (2 * l + 1) for l in range(self.lmax + 1)]
        return torch.cat(parts, -1)


class IsotropicProjectors(ExactTables):
    """J, which keeps the volumetric part of a strain, and K = I - J, which keeps the deviator."""

    projectors: Float[Tensor, "2 6 6"]

    def __init__(self) -> None:
        J = torch.zeros(6, 6, dtype=torch.float64)
        J[:3, :3] = 1 / 3
        super().__init__(projectors=torch.stack([J, torch.eye(6, dtype=torch.float64) - J]))


def _readout(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    last = nn.Linear(hidden, outputs)
    with torch.no_grad():  # initial M near 0
        last.weight.mul_(0.1)
        last.bias.zero_()
    return nn.Sequential(nn.Linear(inputs, hidden), nn.SiLU(), last)


class InvariantModel(StiffnessNetwork):
    """Invariant message passing with the simplest readout that can orient a tensor."""

    equivariant: ClassVar[bool] = True
    config: InvariantConfig

    def __init__(self, config: InvariantConfig, normaliser: Normaliser):
        super().__init__(config, normaliser)
        channels, hidden = config.channels, config.hidden
        self.embed = nn.Linear(1, channels)
        self.layers = nn.ModuleList(
            InvariantLayer(config, normaliser.mean_degree) for _ in range(config.layers)
        )
        self.norm = nn.RMSNorm(channels)
        self.isotropic = _readout(channels, hidden, 2)
        self.axial = _readout(2 * channels + len(STRUT_FEATURES), hidden, 1)
        self.projectors = IsotropicProjectors()

    def matrix(self, batch: LatticeBatch) -> Float[Tensor, "lattices 6 6"]:
        """The symmetric matrix M that the positive map receives; ``batch`` is simplified."""
        struts = DirectedStruts(batch)
        features = self.normaliser(struts.features).to(self.dtype)
        Y = spherical_harmonics(self.config.lmax, struts.vectors).to(self.dtype)
        edges = _Edges(struts, features, Y)
        nodes = len(batch.nodes)
        degree = torch.bincount(struts.here, minlength=nodes).to(self.dtype)
        h = self.embed(degree[:, None] / self.normaliser.mean_degree)
        for layer in self.layers:
            h = layer(h, edges)
        h = self.norm(h)
        t = nn.functional.normalize(struts.vectors, dim=-1).to(self.dtype)
        axis = dyad_mandel(t, t)
        dyads = self.axial(edges.ends(h))[:, :, None] * axis[:, :, None] * axis[:, None, :]
        per_node = torch.einsum("nk,kij->nij", self.isotropic(h), self.projectors.projectors)
        per_node = per_node + edges.sum_at_nodes(dyads, nodes) / self.normaliser.mean_degree
        total = per_node.new_zeros(len(batch), 6, 6).index_add(0, batch.node_lattice, per_node)
        return total / batch.node_offsets.diff().to(total.dtype)[:, None, None]
