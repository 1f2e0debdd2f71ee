"""A model against reference stiffnesses."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from lattice_gnn.graph import LatticeBatch
from lattice_gnn.labelled import LabelledLattices
from lattice_gnn.metrics import METRICS, summarise
from lattice_gnn.network import StiffnessNetwork


def evaluate(
    model: StiffnessNetwork, labelled: LabelledLattices, batch_size: int = 128
) -> dict[str, dict[str, float]]:
    """Median, mean, p90, p99 and max of every metric."""
    predicted = predict_in_batches(model, labelled.batch, batch_size)
    return {name: summarise(m(predicted, labelled.stiffness)) for name, m in METRICS.items()}


def predict_in_batches(
    model: StiffnessNetwork, batch: LatticeBatch, batch_size: int = 128
) -> Float[Tensor, "lattices 6 6"]:
    """C / E_s of many lattices without gradients."""
    with torch.no_grad():
        parts = [
            model(batch.select(np.arange(start, min(start + batch_size, len(batch)))))
            for start in range(0, len(batch), batch_size)
        ]
    return torch.cat(parts)
