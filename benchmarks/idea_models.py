"""Networks with one idea of the family each: fusion diagrams, features from matrix functions."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from idea_green import PER_SHIFT, SHIFTS, node_features
from torch import Tensor, nn

from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.network.equivariant import ModelConfig, StiffnessModel
from lattice_gnn.network.joints import JointConfig, JointModel
from lattice_gnn.network.layers.couplings import coupling
from lattice_gnn.network.layers.interaction import FirstInteraction
from lattice_gnn.network.layers.joint_cases import JointCases
from lattice_gnn.network.layers.joint_pairs import JointPairs
from lattice_gnn.network.layers.positivity import beam_root, prior_root, relative_to
from lattice_gnn.network.layers.sphere import (
    Coefficients,
    DegreeLinear,
    degree_slice,
    spherical_harmonics,
)
from lattice_gnn.network.layers.struts import DirectedStruts
from lattice_gnn.network.normaliser import Normaliser

WIDTH = PER_SHIFT * len(SHIFTS)
ACCURACY = 1e-2  #: of the features in training; their standard deviations are near 1
_CENTRE, _SCALE = (0.0, 0.0, 0.3, 0.3, 0.1), (1.5, 2.0, 0.3, 0.3, 0.1)  #: of the features, about


class FusionProduct(nn.Module):
    """Higher-order product by fusion diagrams: every path (l1, l2, l3) has its own weights.

    B_k = sum over paths of w . (B_(k-1),l1 x A_l2)_l3 with Clebsch-Gordan coefficients, k up to
    ``correlation``. Unlike the pointwise product of functions on the sphere, intermediate results
    include those of unnatural parity (l1 + l2 + l3 odd).

    Reference:
        Li et al., *Unifying O(3) equivariant neural networks design with tensor-network formalism*,
        Mach. Learn.: Sci. Technol. 5 (2024) 025044.
    """

    def __init__(self, lmax: int, channels: int, correlation: int):
        super().__init__()
        self.lmax, self.orders = lmax, correlation - 1
        self.left = nn.ModuleList(
            DegreeLinear(lmax, channels, channels) for _ in range(self.orders)
        )
        self.out = nn.ModuleList(DegreeLinear(lmax, channels, channels) for _ in range(correlation))
        self.pairs = [(a, b) for a in range(lmax + 1) for b in range(lmax + 1)]
        paths = 0
        for n, (a, b) in enumerate(self.pairs):
            thirds = list(range(abs(a - b), min(lmax, a + b) + 1))
            table = torch.cat(
                [coupling(a, b, c).flatten(0, 1) * (2 * c + 1) ** 0.5 for c in thirds], 1
            )
            self.register_buffer(f"table_{n}", table.float(), persistent=False)
            paths += len(thirds)
        self.weights = nn.Parameter(torch.randn(self.orders, 2, paths, channels) / (lmax + 1))

    def forward(self, A: Coefficients) -> Coefficients:
        """Sum over the orders; A is first scaled to unit mean square per node."""
        A = A * (A.square().mean((1, 2), keepdim=True) + 1e-6).rsqrt()
        natural, unnatural = A, None
        total = self.out[0](A)
        for order in range(self.orders):
            natural, unnatural = self._fused(natural, unnatural, self.left[order](A), order)
            total = total + self.out[order + 1](natural)
        return total

    def _fused(
        self, natural: Tensor, unnatural: Tensor | None, A: Tensor, order: int
    ) -> tuple[Tensor, Tensor]:
        """Products of both parities with A, which is natural."""
        sources = [natural] if unnatural is None else [natural, unnatural]
        results = [torch.zeros_like(natural), torch.zeros_like(natural)]
        path = 0
        for n, (a, b) in enumerate(self.pairs):
            outer = [
                (x[:, degree_slice(a), None] * A[:, None, degree_slice(b)]).flatten(1, 2)
                for x in sources
            ]
            fused = [getattr(self, f"table_{n}").T @ x for x in outer]
            start = 0
            for c in range(abs(a - b), min(self.lmax, a + b) + 1):
                rows = slice(start, start + 2 * c + 1)
                for parity, x in enumerate(fused):
                    target = (parity + a + b + c) % 2
                    weight = self.weights[order, parity, path]
                    results[target][:, degree_slice(c)] += x[:, rows] * weight
                start += 2 * c + 1
                path += 1
        return results[0], results[1]


class FusionModel(StiffnessModel):
    """The encoder with fusion diagrams in place of pointwise products."""

    def __init__(self, config: ModelConfig, normaliser: Normaliser):
        super().__init__(config, normaliser)
        self.products = nn.ModuleList(
            FusionProduct(config.lmax, config.channels, config.correlation) for _ in self.products
        )


@dataclass(frozen=True)
class WithNodes:
    """Lattices, or joint cases, with features of their nodes."""

    inputs: Any
    nodes: Tensor
    offsets: Tensor

    def select(self, lattices: np.ndarray) -> "WithNodes":
        """The given lattices."""
        parts = [torch.arange(self.offsets[k], self.offsets[k + 1]) for k in lattices.tolist()]
        counts = torch.tensor([0, *(len(part) for part in parts)]).cumsum(0)
        return WithNodes(self.inputs.select(lattices), self.nodes[torch.cat(parts)], counts)


def standardised(batch: LatticeBatch) -> Tensor:
    """Features of the nodes from the Green's function, about standardised."""
    rows = node_features(batch, ACCURACY)
    centre, scale = (rows.new_tensor(x * len(SHIFTS)) for x in (_CENTRE, _SCALE))
    return ((rows - centre) / scale).float()


class GreenEncoder(StiffnessModel):
    """The encoder whose struts also see the features of both of their nodes."""

    def __init__(self, config: ModelConfig, normaliser: Normaliser):
        super().__init__(config, normaliser)
        width = len(normaliser.mean) + 2 * WIDTH
        sizes = (width, config.hidden)
        degree = normaliser.mean_degree
        self.first = FirstInteraction(config.lmax, config.channels, sizes, degree)
        self.interactions = nn.ModuleList(
            type(layer)(self.grid, config.channels, sizes, degree) for layer in self.interactions
        )

    def inputs(self, batch: LatticeBatch) -> WithNodes:
        """Lattices with the features of their nodes."""
        return WithNodes(batch, standardised(batch), batch.node_offsets)

    def matrix(self, inputs: WithNodes) -> Tensor:
        """M of the positive map."""
        batch: LatticeBatch = inputs.inputs
        struts = DirectedStruts(batch)
        own = self.normaliser(struts.features).to(self.dtype)
        features = torch.cat([own, inputs.nodes[struts.here], inputs.nodes[struts.there]], 1)
        Y = spherical_harmonics(self.config.lmax, struts.vectors).to(self.dtype)
        h = self.products[0](self.first(features, Y, struts.here, len(batch.nodes)))
        per_node = self.readouts[0](h)
        zonal = self.grid.zonal(Y)
        layers = zip(
            self.interactions, self.skips, self.products[1:], self.readouts[1:], strict=True
        )
        for interaction, skip, product, readout in layers:
            h = product(interaction(h, features, zonal, struts.here, struts.there)) + skip(h)
            per_node = per_node + readout(h)
        total = per_node.new_zeros(len(batch), 6, 6).index_add(0, batch.node_lattice, per_node)
        return total / batch.node_offsets.diff().to(total.dtype)[:, None, None]

    def stiffness(self, batch: LatticeBatch) -> Tensor:
        """C / E_s of simplified lattices."""
        root = (beam_root if self.config.positive_map == "beam" else prior_root)(batch)
        return relative_to(self.matrix(self.inputs(batch)).double(), root)


class GreenJoints(JointModel):
    """The joint network whose pairs also see the features of their node."""

    def __init__(self, config: JointConfig, normaliser: Normaliser):
        super().__init__(config, normaliser)
        for member in self.members:
            for perceptron in (member.message, member.coefficients):
                old = perceptron[0]
                perceptron[0] = nn.Linear(old.in_features + WIDTH, old.out_features)

    def inputs(self, batch: LatticeBatch) -> JointCases:
        """Frames, forces and invariants, with the features of the node of each pair."""
        cases = super().inputs(batch)
        pairs = JointPairs.of(batch)
        node = pairs.node[pairs.ends[0]]
        extra = standardised(batch)[node].expand(2, -1, -1)
        return replace(cases, features=torch.cat([cases.features, extra], 2))

    def stiffness(self, batch: LatticeBatch) -> Tensor:
        """C / E_s of simplified lattices."""
        cases = self.inputs(batch)
        return relative_to(self.matrix(cases).double(), cases.root)
