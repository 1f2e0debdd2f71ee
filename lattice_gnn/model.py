"""The stiffness network: a periodic strut graph in, a positive definite stiffness tensor out.

    A^1 = sum over struts of R(strut) Y(direction)             what meets at a joint
    nn/interaction.py h^1 = product(A^1)                                         pairs and triples
    of struts nn/product.py A^2 = sum over struts of F(strut) . h^1(neighbour)         what the
    neighbours know    nn/interaction.py h^2 = product(A^2) + W h^1
    M   = mean over nodes of sum over layers of readout(h)     2x0e + 2x2e + 1x4e
    nn/readout.py C   = positive map(M)                                      energy >= 0
        nn/positivity.py

The output is equivariant under rotations and invariant under inversion, node order, strut
direction, choice of cell, tiling and uniform scale, for any weights.

Reference:
    Grega, Batatia, Csanyi, Karlapati, Deshpande, *Energy-conserving equivariant GNN for elasticity
    of lattice architected metamaterials*, ICLR 2024.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.graph import LatticeBatch
from lattice_gnn.nn.interaction import FirstInteraction, Interaction
from lattice_gnn.nn.positivity import POSITIVE_MAPS
from lattice_gnn.nn.product import HigherOrderProduct
from lattice_gnn.nn.readout import TensorReadout
from lattice_gnn.nn.sphere import DegreeLinear, SphereGrid, spherical_harmonics
from lattice_gnn.nn.struts import STRUT_FEATURES, DirectedStruts
from lattice_gnn.settings import read_settings

_WIDTH = len(STRUT_FEATURES)


@dataclass(frozen=True, slots=True)
class Normaliser:
    """How strut features are standardised: part of the model, saved with its weights.

    Attributes:
        mean: Mean of each of ``STRUT_FEATURES`` over the training struts.
        std: Standard deviation of each (1 where it does not vary).
        mean_degree: Mean number of struts at a node.
    """

    mean: tuple[float, ...] = (0.0,) * _WIDTH
    std: tuple[float, ...] = (1.0,) * _WIDTH
    mean_degree: float = 6.0

    @classmethod
    def fit(cls, batch: LatticeBatch) -> "Normaliser":
        """The statistics of a training set."""
        x = DirectedStruts(batch).features.double()
        std = x.std(0)
        return cls(
            mean=tuple(x.mean(0).tolist()),
            std=tuple(torch.where(std > 1e-6, std, 1.0).tolist()),
            mean_degree=2 * len(batch.radii) / len(batch.nodes),
        )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Normaliser":
        """From plain values, as in the header of a weights file."""
        return cls(tuple(values["mean"]), tuple(values["std"]), float(values["mean_degree"]))

    def __call__(
        self, features: Float[Tensor, "edges features"]
    ) -> Float[Tensor, "edges features"]:
        """Standardise strut features."""
        return (features - features.new_tensor(self.mean)) / features.new_tensor(self.std)


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """The shape of the network.

    Attributes:
        lmax: Highest degree of the node states (at least 4, the highest in a stiffness tensor).
        channels: Channels of each degree.
        correlation: Order of the product: how many struts are seen at once.
        layers: Rounds of message passing.
        hidden: Width of the strut MLPs.
        readout_channels: Channels of the gated readout.
        positive_map: "square" (the paper), "exp", or "prior" (on the affine stiffness).
    """

    lmax: int = 4
    channels: int = 32
    correlation: int = 3
    layers: int = 2
    hidden: int = 64
    readout_channels: int = 16
    positive_map: str = "prior"

    def __post_init__(self) -> None:
        for name, least in {
            "lmax": 4,
            "channels": 1,
            "correlation": 1,
            "layers": 1,
            "hidden": 1,
            "readout_channels": 1,
        }.items():
            value = getattr(self, name)
            if not isinstance(value, int) or value < least:
                raise LatticeGnnError(
                    f"model.{name}: expected a whole number >= {least}, got {value!r}"
                )
        if self.positive_map not in POSITIVE_MAPS:
            raise LatticeGnnError(
                f"model.positive_map: expected one of {', '.join(POSITIVE_MAPS)}, "
                f"got {self.positive_map!r}"
            )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ModelConfig":
        """Build from a mapping; unknown keys are refused."""
        return read_settings(cls, values, "model")

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


class StiffnessModel(nn.Module):
    """Predicts C / E_s of every lattice of a batch."""

    def __init__(self, config: ModelConfig, normaliser: Normaliser | None = None):
        super().__init__()
        self.config = config
        self.normaliser = normaliser = Normaliser() if normaliser is None else normaliser
        lmax, channels = config.lmax, config.channels
        self.grid = SphereGrid(lmax)
        degree = normaliser.mean_degree
        self.first = FirstInteraction(lmax, channels, config.hidden, degree)
        later = range(1, config.layers)
        self.interactions = nn.ModuleList(
            Interaction(self.grid, channels, config.hidden, degree) for _ in later
        )
        self.skips = nn.ModuleList(DegreeLinear(lmax, channels, channels) for _ in later)
        self.products = nn.ModuleList(
            HigherOrderProduct(self.grid, channels, config.correlation)
            for _ in range(config.layers)
        )
        self.readouts = nn.ModuleList(
            TensorReadout(channels, config.readout_channels) for _ in range(config.layers)
        )

    @property
    def dtype(self) -> torch.dtype:
        """The precision of the weights."""
        return next(self.parameters()).dtype

    def forward(self, batch: LatticeBatch) -> Float[Tensor, "lattices 6 6"]:
        """C / E_s in Mandel notation, float64, symmetric positive (semi-)definite."""
        batch = batch.simplified()
        return POSITIVE_MAPS[self.config.positive_map](self.matrix(batch).double(), batch)

    def matrix(self, batch: LatticeBatch) -> Float[Tensor, "lattices 6 6"]:
        """The symmetric matrix M that the positive map receives; ``batch`` is simplified."""
        struts = DirectedStruts(batch)
        features = self.normaliser(struts.features).to(self.dtype)
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
        return total / batch.node_offsets.diff().to(total.dtype)[:, None, None]
