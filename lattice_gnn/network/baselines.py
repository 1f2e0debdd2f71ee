"""Baseline networks that use the components of strut directions as ordinary inputs.

    e_ij = (standardised strut features, unit direction from i to j)     both directions of a strut
    h_i  = W (degree of i / mean degree) + b
    h    = layers(h, e)                              CGConv, CGConv with edge updates, or NNConv
    M    = MLP(mean over nodes of h), 21 numbers as a symmetric 6x6
    C    = positive map(M)                                          layers/positivity.py

C is invariant under node order, strut direction, choice of cell, tiling, translation and uniform
scale, but not equivariant under rotation and not invariant under inversion. With ``group_average``,
M is averaged over the 24 rotations of the cube, M = mean_g Q_g^T M(g lattice) Q_g, which makes the
model equivariant under these 24 rotations and no others, at 24 times the cost.

References:
    Xie, Grossman, *Crystal graph convolutional neural networks*, Phys. Rev. Lett. 120 (2018)
    145301. Gilmer et al., *Neural message passing for quantum chemistry*, ICML 2017. The comparison
    is that of Grega et al., ICLR 2024, section 5.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch_geometric.nn import CGConv, NNConv

from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.network.base import ModelSettings, StiffnessNetwork, check_config
from lattice_gnn.network.layers.struts import STRUT_FEATURES, DirectedStruts
from lattice_gnn.network.layers.tables import ExactTables
from lattice_gnn.network.normaliser import Normaliser
from lattice_gnn.tensors.notation import rotation_mandel, symmetric_from_upper
from lattice_gnn.tensors.rotations import cube_rotations

_INPUTS = len(STRUT_FEATURES) + 3
_EDGES_AT_ONCE = 200_000
"""Rotated copies of a batch are evaluated together up to about this many edges."""
_SYMMETRIC = symmetric_from_upper(np.arange(21.0)).astype(int).ravel().tolist()
"""Index into the 21 numbers (upper triangle, row by row) of each entry of the 6x6 matrix."""


@dataclass(frozen=True, slots=True)
class ConvolutionSettings(ModelSettings):
    """Settings that the three networks share.

    Attributes:
        channels: Width of the node states (and of the edge states, where there are some).
        layers: Rounds of message passing.
        head: Width of the MLP after pooling.
        aggregation: How the messages of the struts at a node are aggregated.
        group_average: Average M over the 24 rotations of the cube, at 24 times the cost.
        positive_map: Key of ``POSITIVE_MAPS``.
        kind: Name of the architecture.
    """

    channels: int = 64
    layers: int = 4
    head: int = 64
    aggregation: Literal["add", "mean"] = "add"
    group_average: bool = False
    positive_map: str = "prior"
    kind: str = ""

    sizes: ClassVar[tuple[str, ...]] = ("channels", "layers", "head")

    def __post_init__(self) -> None:
        check_config(self, dict.fromkeys(self.sizes, 1))


@dataclass(frozen=True, slots=True)
class CgcnnConfig(ConvolutionSettings):
    """Configuration of the crystal graph network."""

    kind: Literal["cgcnn"] = "cgcnn"


@dataclass(frozen=True, slots=True)
class McgcnnConfig(ConvolutionSettings):
    """Configuration of the modified crystal graph network, with embedded and updated edge states.

    Attributes:
        edge_updates: Whether edge states change from layer to layer.
    """

    channels: int = 48
    layers: int = 3
    edge_updates: bool = True
    kind: Literal["mcgcnn"] = "mcgcnn"


@dataclass(frozen=True, slots=True)
class NnconvConfig(ConvolutionSettings):
    """Configuration of the network of edge-conditioned convolutions.

    Attributes:
        hidden: Width of the MLP that gives the matrix of an edge.
        gru: Use one convolution for all rounds, with a gated recurrent unit.
    """

    channels: int = 32
    layers: int = 3
    hidden: int = 20
    gru: bool = False
    kind: Literal["nnconv"] = "nnconv"

    sizes: ClassVar[tuple[str, ...]] = ("channels", "layers", "head", "hidden")


class CubeGroup(ExactTables):
    """The 24 rotations of the cube, acting on vectors and on Mandel vectors."""

    vectors: Float[Tensor, "24 3 3"]
    mandel: Float[Tensor, "24 6 6"]

    def __init__(self) -> None:
        Q = cube_rotations()
        super().__init__(vectors=Q, mandel=rotation_mandel(Q).round())


class DirectionNetwork(StiffnessNetwork):
    """Message passing on directed struts whose features include the components of the direction."""

    equivariant: ClassVar[bool] = False
    config: ConvolutionSettings

    def __init__(self, config: ConvolutionSettings, normaliser: Normaliser):
        super().__init__(config, normaliser)
        channels, head = config.channels, config.head
        self.group = CubeGroup() if config.group_average else None
        self.embed = nn.Linear(1, channels)
        last = nn.Linear(head, 21)
        with torch.no_grad():  # initial M near 0
            last.weight.mul_(0.1)
            last.bias.zero_()
        self.head = nn.Sequential(
            nn.Linear(channels, head), nn.SiLU(), nn.Linear(head, head), nn.SiLU(), last
        )

    def states(
        self,
        h: Float[Tensor, "nodes channels"],
        edge_index: Int[Tensor, "2 edges"],
        edges: Float[Tensor, "edges inputs"],
    ) -> Float[Tensor, "nodes channels"]:
        """Node states after message passing; ``edge_index`` is (sender, receiver)."""
        raise NotImplementedError

    def matrix(self, batch: LatticeBatch) -> Float[Tensor, "lattices 6 6"]:
        """The symmetric matrix M that the positive map receives; ``batch`` is simplified."""
        struts = DirectedStruts(batch)
        features = self.normaliser(struts.features).to(self.dtype)
        directions = nn.functional.normalize(struts.vectors, dim=-1).to(self.dtype)
        if self.group is None:
            return self._oriented(batch, struts, features, directions[None])[0]
        at_once = max(1, _EDGES_AT_ONCE // len(features))
        total = features.new_zeros(len(batch), 6, 6)
        for Q, R in zip(
            self.group.vectors.split(at_once), self.group.mandel.split(at_once), strict=True
        ):
            M = self._oriented(batch, struts, features, directions @ Q.mT)
            total = total + (R.mT[:, None] @ M @ R[:, None]).sum(0)
        M = total / len(self.group.vectors)
        return (M + M.mT) / 2

    def _oriented(
        self,
        batch: LatticeBatch,
        struts: DirectedStruts,
        features: Float[Tensor, "edges features"],
        directions: Float[Tensor, "copies edges 3"],
    ) -> Float[Tensor, "copies lattices 6 6"]:
        """M of copies of the batch that differ only in the strut directions."""
        copies, nodes = len(directions), len(batch.nodes)
        here, there = struts.here, struts.there
        edges = torch.cat([features.expand(copies, -1, -1), directions], -1).flatten(0, 1)
        first = nodes * torch.arange(copies, device=here.device)[:, None, None]
        edge_index = (torch.stack([there, here]) + first).movedim(0, 1).flatten(1)
        degree = torch.bincount(here, minlength=nodes).to(edges) / self.normaliser.mean_degree
        h = self.states(self.embed(degree.repeat(copies)[:, None]), edge_index, edges)
        h = h.unflatten(0, (copies, nodes))
        total = h.new_zeros(copies, len(batch), h.shape[-1]).index_add(1, batch.node_lattice, h)
        mean = total / batch.node_offsets.diff().to(h.dtype)[:, None]
        return self.head(mean)[..., _SYMMETRIC].unflatten(-1, (6, 6))


class CgcnnModel(DirectionNetwork):
    """h_i <- h_i + sum_j sigmoid(F z) softplus(S z), z = (h_i, h_j, e_ij)."""

    config: CgcnnConfig

    def __init__(self, config: CgcnnConfig, normaliser: Normaliser):
        super().__init__(config, normaliser)
        self.convolutions = nn.ModuleList(
            CGConv(config.channels, _INPUTS, aggr=config.aggregation) for _ in range(config.layers)
        )

    def states(
        self,
        h: Float[Tensor, "nodes channels"],
        edge_index: Int[Tensor, "2 edges"],
        edges: Float[Tensor, "edges inputs"],
    ) -> Float[Tensor, "nodes channels"]:
        """Node states after message passing."""
        for convolution in self.convolutions:
            h = convolution(h, edge_index, edges)
        return h


class EdgeUpdate(nn.Module):
    """e_ij <- e_ij + sigmoid(F z) softplus(S z), z = (h_i, h_j, e_ij)."""

    def __init__(self, channels: int):
        super().__init__()
        self.both = nn.Linear(3 * channels, 2 * channels)

    def forward(
        self,
        h: Float[Tensor, "nodes channels"],
        edge_index: Int[Tensor, "2 edges"],
        edges: Float[Tensor, "edges channels"],
    ) -> Float[Tensor, "edges channels"]:
        """New edge states."""
        there, here = edge_index
        gate, value = self.both(torch.cat([h[here], h[there], edges], -1)).chunk(2, -1)
        return edges + gate.sigmoid() * nn.functional.softplus(value)


class McgcnnModel(DirectionNetwork):
    """CGConv on embedded edges, which are updated between rounds."""

    config: McgcnnConfig

    def __init__(self, config: McgcnnConfig, normaliser: Normaliser):
        super().__init__(config, normaliser)
        channels = config.channels
        self.embed_edges = nn.Linear(_INPUTS, channels)
        self.convolutions = nn.ModuleList(
            CGConv(channels, channels, aggr=config.aggregation) for _ in range(config.layers)
        )
        self.updates = nn.ModuleList(
            EdgeUpdate(channels) for _ in range(config.layers - 1) if config.edge_updates
        )

    def states(
        self,
        h: Float[Tensor, "nodes channels"],
        edge_index: Int[Tensor, "2 edges"],
        edges: Float[Tensor, "edges inputs"],
    ) -> Float[Tensor, "nodes channels"]:
        """Node states after message passing."""
        e = self.embed_edges(edges)
        for number, convolution in enumerate(self.convolutions):
            h = convolution(h, edge_index, e)
            if number < len(self.updates):
                e = self.updates[number](h, edge_index, e)
        return h


class NnconvModel(DirectionNetwork):
    """h_i <- h_i + relu(sum_j W(e_ij) h_j), the matrix W by an MLP; or by a GRU on the same."""

    config: NnconvConfig

    def __init__(self, config: NnconvConfig, normaliser: Normaliser):
        super().__init__(config, normaliser)
        channels, hidden = config.channels, config.hidden
        self.convolutions = nn.ModuleList(
            NNConv(
                channels,
                channels,
                nn.Sequential(
                    nn.Linear(_INPUTS, hidden),
                    nn.ReLU(),
                    nn.Linear(hidden, hidden),
                    nn.ReLU(),
                    nn.Linear(hidden, channels * channels),
                ),
                aggr=config.aggregation,
                root_weight=False,
            )
            for _ in range(1 if config.gru else config.layers)
        )
        self.gru = nn.GRUCell(channels, channels) if config.gru else None

    def states(
        self,
        h: Float[Tensor, "nodes channels"],
        edge_index: Int[Tensor, "2 edges"],
        edges: Float[Tensor, "edges inputs"],
    ) -> Float[Tensor, "nodes channels"]:
        """Node states after message passing."""
        for number in range(self.config.layers):
            convolution = self.convolutions[number % len(self.convolutions)]
            message = convolution(h, edge_index, edges).relu()
            h = h + message if self.gru is None else self.gru(message, h)
        return h
