"""The equivariant network: from a periodic strut graph to a positive definite stiffness tensor.

Encoder (the paper), in layers/interaction.py, layers/product.py and layers/readout.py:

    A^1 = sum over struts of R(strut) Y(direction)                struts at a joint
    h^1 = product(A^1)                                            pairs and triples of struts
    A^2 = sum over struts of F(strut) . h^1(neighbour)            states of the neighbours
    h^2 = product(A^2) + W h^1                                    and so on, ``layers`` times
    M   = mean over nodes of sum over layers of readout(h)        2x0e + 2x2e + 1x4e

Relaxation (ours), in layers/response.py, layers/relaxation.py and layers/energy.py:

    X   = 0, then ``relaxation`` times                            how nodes move under each strain
    X  <- W X + gate . H^-1 sum over struts of K (deformation(X) + strain)
    M  += log(sum over struts of w D^T D) + sum over struts of g D'^T D'        D of the last X

    C   = positive map(M)                                         energy >= 0, layers/positivity.py

With relaxation C = P^(1/2) exp(min(M, 0)) P^(1/2), which no response can raise above the affine
stiffness P.

The output is equivariant under rotations and invariant under inversion, node order, strut
direction, choice of cell, tiling and uniform scale, for any weights.

Reference:
    Grega, Batatia, Csanyi, Karlapati, Deshpande, *Energy-conserving equivariant GNN for elasticity
    of lattice architected metamaterials*, ICLR 2024.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from jaxtyping import Float
from torch import Tensor, nn

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.network.base import ModelSettings, StiffnessNetwork, check_config
from lattice_gnn.network.layers.energy import EnergyReadout
from lattice_gnn.network.layers.interaction import FirstInteraction, Interaction
from lattice_gnn.network.layers.positivity import AffinePrior, below
from lattice_gnn.network.layers.product import HigherOrderProduct
from lattice_gnn.network.layers.readout import TensorReadout
from lattice_gnn.network.layers.relaxation import Problem, RelaxationStep, State
from lattice_gnn.network.layers.response import StrutFrames
from lattice_gnn.network.layers.sphere import (
    Coefficients,
    DegreeLinear,
    SphereGrid,
    spherical_harmonics,
)
from lattice_gnn.network.layers.struts import (
    STRUT_FEATURES,
    DirectedStruts,
    gaussian_features,
    num_gaussian_features,
)
from lattice_gnn.network.normaliser import Normaliser
from lattice_gnn.settings import read_settings

_LEAST = {
    "lmax": 4,
    "channels": 1,
    "correlation": 1,
    "layers": 1,
    "hidden": 1,
    "readout_channels": 1,
    "relaxation": 0,
    "response_channels": 1,
    "scalars": 1,
}

_LIGHT = {"channels": 8, "correlation": 2, "layers": 1, "hidden": 32, "scalars": 16}
SIZES: Mapping[str, Mapping[str, Any]] = {
    "paper": {"channels": 32, "layers": 2, "positive_map": "square", "features": "gaussian"},
    "tiny": {**_LIGHT, "relaxation": 1, "response_channels": 4},
    "small": {**_LIGHT, "relaxation": 3, "response_channels": 4},
    "base": {"channels": 16, "layers": 1, "relaxation": 8, "response_channels": 16},
    "large": {"channels": 24, "layers": 1, "relaxation": 12, "response_channels": 24},
}
"""Model sizes: ``size: base`` in a recipe sets these values, which other keys may override."""


@dataclass(frozen=True, slots=True)
class ModelConfig(ModelSettings):
    """Configuration of the equivariant network.

    Attributes:
        lmax: Highest degree of the node states (at least 4, the highest in a stiffness tensor).
        channels: Channels of each degree.
        correlation: Correlation order of the product: number of struts per product.
        layers: Rounds of message passing in the encoder.
        hidden: Width of the MLPs.
        readout_channels: Channels of the gated readout.
        relaxation: Number of relaxation steps; 0 is the encoder alone, as published.
        response_channels: Channels of the response fields.
        scalars: Number of invariant features per node in the relaxation.
        features: How a strut's length and radius enter: "continuous" (standardised logarithms) or
            "gaussian" (6 Gaussians of each).
        positive_map: Key of ``POSITIVE_MAPS``: "square" is the paper's, "prior" is
            relative to the affine stiffness.
        kind: Name of the architecture.
    """

    lmax: int = 4
    channels: int = 32
    correlation: int = 3
    layers: int = 2
    hidden: int = 64
    readout_channels: int = 16
    relaxation: int = 0
    response_channels: int = 16
    scalars: int = 32
    features: Literal["continuous", "gaussian"] = "continuous"
    positive_map: str = "prior"
    kind: Literal["equivariant"] = "equivariant"

    def __post_init__(self) -> None:
        check_config(self, _LEAST)
        if self.relaxation and self.positive_map != "prior":
            raise LatticeGnnError(
                "model.positive_map: relaxation gives a logarithm relative to the affine stiffness "
                f"and needs 'prior', got {self.positive_map!r}; or set relaxation to 0"
            )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ModelConfig":
        """Build from a mapping, in which ``size`` may stand for many values.

        Raises:
            LatticeGnnError: For an unknown key or size, or a value of the wrong type or range.
        """
        given = dict(values)
        size = given.pop("size", None)
        if size is not None and (not isinstance(size, str) or size not in SIZES):
            raise LatticeGnnError(
                f"model.size: expected one of {', '.join(SIZES)}, got {size!r:.60}"
            )
        return read_settings(cls, {**(SIZES[size] if size else {}), **given}, "model")


class StiffnessModel(StiffnessNetwork):
    """Predicts C / E_s of every lattice of a batch."""

    config: ModelConfig

    def __init__(self, config: ModelConfig, normaliser: Normaliser):
        super().__init__(config, normaliser)
        lmax, channels, hidden = config.lmax, config.channels, config.hidden
        gaussian = config.features == "gaussian"
        width = num_gaussian_features() if gaussian else len(STRUT_FEATURES)
        degree = normaliser.mean_degree
        self.grid = SphereGrid(lmax)
        self.first = FirstInteraction(lmax, channels, (width, hidden), degree)
        later = range(1, config.layers)
        self.interactions = nn.ModuleList(
            Interaction(self.grid, channels, (width, hidden), degree) for _ in later
        )
        self.skips = nn.ModuleList(DegreeLinear(lmax, channels, channels) for _ in later)
        self.products = nn.ModuleList(
            HigherOrderProduct(self.grid, channels, config.correlation)
            for _ in range(config.layers)
        )
        self.readouts = nn.ModuleList(
            TensorReadout(channels, config.readout_channels) for _ in range(config.layers)
        )
        self.relaxation = Relaxation(config, width, degree) if config.relaxation else None

    def stiffness(self, batch: LatticeBatch) -> Float[Tensor, "lattices 6 6"]:
        """C / E_s of lattices that are simplified already; with relaxation at most the prior."""
        if self.relaxation is None:
            return super().stiffness(batch)
        P = AffinePrior(batch)
        return below(self._matrix(batch, P), P.root())

    def matrix(self, batch: LatticeBatch) -> Float[Tensor, "lattices 6 6"]:
        """The symmetric matrix M that the positive map receives; ``batch`` is simplified."""
        return self._matrix(batch, AffinePrior(batch) if self.relaxation else None)

    def _matrix(self, batch: LatticeBatch, P: AffinePrior | None) -> Float[Tensor, "lattices 6 6"]:
        struts = DirectedStruts(batch)
        features = self.normaliser(struts.features).to(self.dtype)
        if self.config.features == "gaussian":
            features = gaussian_features(features)
        Y = spherical_harmonics(self.config.lmax, struts.vectors).to(self.dtype)
        h = self.products[0](self.first(features, Y, struts.here, len(batch.nodes)))
        per_node = self.readouts[0](h)
        zonal = self.grid.zonal(Y) if self.interactions else None
        for interaction, skip, product, readout in zip(
            self.interactions, self.skips, self.products[1:], self.readouts[1:], strict=True
        ):
            A = interaction(h, features, zonal, struts.here, struts.there)
            h = product(A) + skip(h)
            per_node = per_node + readout(h)
        total = per_node.new_zeros(len(batch), 6, 6).index_add(0, batch.node_lattice, per_node)
        M = total / batch.node_offsets.diff().to(total.dtype)[:, None, None]
        if self.relaxation is None or P is None:
            return M
        count = len(batch.radii)
        shared = (features[:count] + features[count:]) / 2
        frames = StrutFrames(batch, struts, P, self.dtype)
        return M.double() + self.relaxation(h, shared, frames, batch)


class Relaxation(nn.Module):
    """From node states to response fields, relaxed step by step, to a symmetric matrix."""

    def __init__(self, config: ModelConfig, features: int, degree: float):
        super().__init__()
        channels, scalars, hidden = config.response_channels, config.scalars, config.hidden
        self.channels = channels
        self.scalars = nn.Linear(config.channels, scalars)
        self.steps = nn.ModuleList(
            RelaxationStep(channels, features, scalars, hidden, degree)
            for _ in range(config.relaxation)
        )
        self.readout = EnergyReadout(channels, features, scalars, hidden)

    def forward(
        self,
        h: Coefficients,
        features: Float[Tensor, "struts features"],
        frames: StrutFrames,
        batch: LatticeBatch,
    ) -> Float[Tensor, "lattices 6 6"]:
        """The matrix added to the readout of the encoder, float64."""
        nodes = len(h)
        X = h.new_zeros(2, nodes, 3, 6 * self.channels)
        state = State(X, h.new_zeros(2, nodes, self.channels), self.scalars(h[:, 0]))
        problem = Problem(batch, features, frames, self.channels)
        for step in self.steps:
            state = step(state, problem)
        return self.readout(state.X, state.scalars, features, frames, batch)
