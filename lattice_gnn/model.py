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
from typing import Any, Literal

from jaxtyping import Float
from torch import Tensor, nn

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.graph import LatticeBatch
from lattice_gnn.network import StiffnessNetwork
from lattice_gnn.nn.interaction import FirstInteraction, Interaction
from lattice_gnn.nn.positivity import POSITIVE_MAPS
from lattice_gnn.nn.product import HigherOrderProduct
from lattice_gnn.nn.readout import TensorReadout
from lattice_gnn.nn.sphere import DegreeLinear, SphereGrid, spherical_harmonics
from lattice_gnn.nn.struts import DirectedStruts
from lattice_gnn.normaliser import Normaliser
from lattice_gnn.settings import read_settings


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
        kind: Name of the architecture.
        positive_map: "square" (the paper), "exp", or "prior" (on the affine stiffness).
    """

    lmax: int = 4
    channels: int = 32
    correlation: int = 3
    layers: int = 2
    hidden: int = 64
    readout_channels: int = 16
    positive_map: str = "prior"
    kind: Literal["equivariant"] = "equivariant"

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


class StiffnessModel(StiffnessNetwork):
    """Predicts C / E_s of every lattice of a batch."""

    config: ModelConfig

    def __init__(self, config: ModelConfig, normaliser: Normaliser):
        super().__init__(config, normaliser)
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
