"""Lattices with reference stiffness, for training and evaluation."""

import hashlib
from dataclasses import dataclass, fields

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from lattice_gnn.lattice.batch import LatticeBatch


@dataclass(frozen=True, slots=True)
class LabelledLattices:
    """Simplified lattices and their reference stiffness C / E_s, Mandel, float64.

    Attributes:
        batch: The lattices.
        stiffness: The labels.
    """

    batch: LatticeBatch
    stiffness: Float[Tensor, "lattices 6 6"]

    def __len__(self) -> int:
        """Number of lattices."""
        return len(self.batch)

    def select(self, chosen: np.ndarray) -> "LabelledLattices":
        """The given lattices."""
        index = torch.from_numpy(chosen)
        return LabelledLattices(self.batch.select(chosen), self.stiffness[index])

    def fingerprint(self) -> str:
        """SHA-256 of geometry and labels."""
        digest = hashlib.sha256()
        for field in fields(self.batch):
            digest.update(getattr(self.batch, field.name).numpy().tobytes())
        digest.update(self.stiffness.numpy().tobytes())
        return digest.hexdigest()
