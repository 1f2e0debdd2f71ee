"""Standardisation of the inputs of a network, saved with its weights."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.network.layers.struts import STRUT_FEATURES, DirectedStruts

_WIDTH = len(STRUT_FEATURES)


@dataclass(frozen=True, slots=True)
class Normaliser:
    """Standardisation of strut features: part of the model, saved with its weights.

    Attributes:
        mean: Mean of each of ``STRUT_FEATURES`` over the training struts.
        std: Standard deviation of each (1 if constant).
        mean_degree: Mean number of struts per node.
    """

    mean: tuple[float, ...] = (0.0,) * _WIDTH
    std: tuple[float, ...] = (1.0,) * _WIDTH
    mean_degree: float = 6.0

    @classmethod
    def fit(cls, batch: LatticeBatch) -> "Normaliser":
        """Compute the statistics of a training set."""
        x = DirectedStruts(batch).features.double()
        std = x.std(0)
        return cls(
            mean=tuple(x.mean(0).tolist()),
            std=tuple(torch.where(std > 1e-6, std, 1.0).tolist()),
            mean_degree=2 * len(batch.radii) / len(batch.nodes),
        )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Normaliser":
        """Read from plain values, as in the header of a weights file."""
        return cls(tuple(values["mean"]), tuple(values["std"]), float(values["mean_degree"]))

    def __call__(
        self, features: Float[Tensor, "edges features"]
    ) -> Float[Tensor, "edges features"]:
        """Standardise strut features."""
        return (features - features.new_tensor(self.mean)) / features.new_tensor(self.std)
