"""What every model of stiffness is: weights, a symmetric matrix M, a map from M to C."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Protocol, TypeVar, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.network.layers.positivity import POSITIVE_MAPS
from lattice_gnn.network.normaliser import Normaliser
from lattice_gnn.settings import read_settings

Config = TypeVar("Config", bound="ModelSettings")


@runtime_checkable
class NetworkConfig(Protocol):
    """The shape of a network."""

    @property
    def kind(self) -> str:
        """Name of the architecture in ``lattice_gnn.network.registry``."""
        ...

    @property
    def positive_map(self) -> str:
        """Key of ``POSITIVE_MAPS``."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        ...


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """What configurations of networks inherit: from plain values and back."""

    @classmethod
    def from_dict(cls: type[Config], values: Mapping[str, Any]) -> Config:
        """Build from a mapping.

        Raises:
            LatticeGnnError: For an unknown key, or a value of the wrong type or range.
        """
        return read_settings(cls, values, "model")

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def check_config(config: NetworkConfig, least: Mapping[str, int]) -> None:
    """Check the whole numbers and the positive map of a configuration.

    Raises:
        LatticeGnnError: Where a value is no whole number, too small, or no map's name.
    """
    for name, smallest in least.items():
        value = getattr(config, name)
        if not isinstance(value, int) or isinstance(value, bool) or value < smallest:
            raise LatticeGnnError(
                f"model.{name}: expected a whole number >= {smallest}, got {value!r}"
            )
    if config.positive_map not in POSITIVE_MAPS:
        raise LatticeGnnError(
            f"model.positive_map: expected one of {', '.join(POSITIVE_MAPS)}, "
            f"got {config.positive_map!r}"
        )


class StiffnessNetwork(nn.Module):
    """Predicts C / E_s of every lattice of a batch; a subclass says how M is made.

    Attributes:
        equivariant: Whether C turns with the lattice, and ignores inversion, for any weights.
        config: Shape of the network.
        normaliser: Scales of its inputs.
    """

    equivariant: ClassVar[bool] = True

    def __init__(self, config: NetworkConfig, normaliser: Normaliser):
        super().__init__()
        self.config = config
        self.normaliser = normaliser

    @property
    def dtype(self) -> torch.dtype:
        """The precision of the weights."""
        return next(self.parameters()).dtype

    def forward(self, batch: LatticeBatch) -> Float[Tensor, "lattices 6 6"]:
        """C / E_s in Mandel notation, float64, symmetric; its definiteness is the map's."""
        return self.stiffness(batch.simplified())

    def stiffness(self, batch: LatticeBatch) -> Float[Tensor, "lattices 6 6"]:
        """C / E_s of lattices that are simplified already."""
        return POSITIVE_MAPS[self.config.positive_map](
            self.matrix(self.inputs(batch)).double(), batch
        )

    def inputs(self, batch: LatticeBatch, grid: Float[Tensor, " lattices"] | None = None) -> Any:
        """What ``matrix`` takes, made of simplified lattices; no weight changes it.

        Training computes it once. It has ``select`` and ``to`` as a ``LatticeBatch`` has.

        Args:
            batch: The lattices.
            grid: Voxels per strut diameter behind the labels that are to be met; None for the
                stiffness itself. Networks may ignore it.
        """
        return batch

    def matrix(self, inputs: Any) -> Float[Tensor, "lattices 6 6"]:
        """The symmetric matrix M that the positive map receives."""
        raise NotImplementedError

    def member_matrices(self, inputs: Any) -> Float[Tensor, "members lattices 6 6"]:
        """M of every member of an ensemble, each of which is trained on its own; else of one."""
        return self.matrix(inputs)[None]
