"""Lattices with reference stiffness, for training and evaluation."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from fem_reference.beam.homogenise import homogenise_beam
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.lattice import Lattice


@dataclass(frozen=True, slots=True)
class LabelledLattices:
    """Simplified lattices and their reference stiffness C / E_s, Mandel, float64.

    Attributes:
        batch: The lattices.
        stiffness: The labels.
    """

    batch: LatticeBatch
    stiffness: Float[Tensor, "lattices 6 6"]

    @classmethod
    def by_beams(cls, lattices: Sequence[Lattice]) -> "LabelledLattices":
        """Label lattices with their Euler-Bernoulli stiffness."""
        batch = LatticeBatch.from_lattices(lattices).simplified()
        return cls(batch, homogenise_beam(batch).stiffness.mandel)

    def __len__(self) -> int:
        """Number of lattices."""
        return len(self.batch)

    def select(self, chosen: np.ndarray) -> "LabelledLattices":
        """The given lattices."""
        index = torch.from_numpy(chosen)
        return LabelledLattices(self.batch.select(chosen), self.stiffness[index])

    def split(self, size: int) -> Iterator["LabelledLattices"]:
        """Yield ``size`` lattices at a time as views."""
        for batch, stiffness in zip(
            self.batch.split(size), self.stiffness.split(size), strict=True
        ):
            yield LabelledLattices(batch, stiffness)

    def fingerprint(self) -> str:
        """SHA-256 of geometry and labels."""
        digest = hashlib.sha256()
        for field in fields(self.batch):
            digest.update(getattr(self.batch, field.name).numpy().tobytes())
        digest.update(self.stiffness.numpy().tobytes())
        return digest.hexdigest()
