"""Base of all stiffness networks: weights, a symmetric matrix M, a positive map from M to C."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Protocol, TypeVar, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.network.answer import Answer
from lattice_gnn.network.layers.positivity import POSITIVE_MAPS
from lattice_gnn.network.normaliser import Normaliser
from lattice_gnn.settings import read_settings

Config = TypeVar("Config", bound="ModelSettings")


@runtime_checkable
class NetworkConfig(Protocol):
    """Configuration of a network."""

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


LARGEST = 4096
"""Largest whole number in a configuration, so that no file can ask for all the memory."""
MOST = {"lmax": 8, "correlation": 4, "layers": 100, "relaxation": 100, "members": 100}
"""Smaller limits of some of them."""


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Base of network configurations: conversion from and to plain values."""

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
    """Check the integers and the positive map of a configuration.

    Raises:
        LatticeGnnError: If a value is not an integer, too small, or not the name of a map.
    """
    for name, smallest in least.items():
        value = getattr(config, name)
        if not isinstance(value, int) or isinstance(value, bool) or value < smallest:
            raise LatticeGnnError(
                f"model.{name}: expected a whole number >= {smallest}, got {value!r:.60}"
            )
        if value > MOST.get(name, LARGEST):
            raise LatticeGnnError(
                f"model.{name}: expected at most {MOST.get(name, LARGEST)}, got {value!r:.60}"
            )
    if config.positive_map not in POSITIVE_MAPS:
        raise LatticeGnnError(
            f"model.positive_map: expected one of {', '.join(POSITIVE_MAPS)}, "
            f"got {config.positive_map!r:.60}"
        )


class StiffnessNetwork(nn.Module):
    """Predicts C / E_s of every lattice of a batch; subclasses define M.

    Attributes:
        equivariant: Whether C is equivariant under rotation and invariant under inversion for any
            weights.
        slender_limit: Whether C tends to the beam stiffness with radius/length for any weights.
        config: Configuration of the network.
        normaliser: Standardisation of its inputs.
    """

    equivariant: ClassVar[bool] = True
    slender_limit: ClassVar[bool] = False

    def __init__(self, config: NetworkConfig, normaliser: Normaliser):
        super().__init__()
        self.config = config
        self.normaliser = normaliser

    @property
    def dtype(self) -> torch.dtype:
        """The precision of the weights."""
        return next(self.parameters()).dtype

    @property
    def num_weights(self) -> int:
        """The number of fitted numbers, by gradient descent or in closed form."""
        return sum(values.numel() for values in self.state_dict().values())

    def forward(self, batch: LatticeBatch) -> Float[Tensor, "lattices 6 6"]:
        """C / E_s, Mandel, float64, symmetric; no negative eigenvalue unless the map is "none"."""
        return self.stiffness(batch.simplified())

    def stiffness(self, batch: LatticeBatch) -> Float[Tensor, "lattices 6 6"]:
        """C / E_s of simplified lattices."""
        return POSITIVE_MAPS[self.config.positive_map](
            self.matrix(self.inputs(batch)).double(), batch
        )

    def answer(self, batch: LatticeBatch) -> Answer:
        """``stiffness`` of simplified lattices with what the model knows about it."""
        return Answer(self.stiffness(batch))

    def inputs(self, batch: LatticeBatch) -> Any:
        """Inputs of ``matrix``, computed from simplified lattices and independent of the weights.

        Training computes them once. They have ``select`` and ``to`` like a ``LatticeBatch``.
        """
        return batch

    def matrix(self, inputs: Any) -> Float[Tensor, "lattices 6 6"]:
        """The symmetric matrix M that the positive map receives."""
        raise NotImplementedError

    def member_matrices(self, inputs: Any) -> Float[Tensor, "members lattices 6 6"]:
        """M of every member of an ensemble, each trained separately; one member otherwise."""
        return self.matrix(inputs)[None]
