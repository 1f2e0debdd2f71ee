"""Errors of a model against reference stiffnesses."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.network.base import StiffnessNetwork
from lattice_gnn.network.checkpoint import load_model, resolve_model
from lattice_gnn.network.normaliser import Normaliser
from lattice_gnn.network.registry import build_model, read_model_config
from lattice_gnn.tensors.matrix_functions import ROUNDING
from lattice_gnn.tensors.metrics import (
    METRICS,
    directional_error,
    relative_frobenius,
    summarise,
)
from lattice_gnn.tensors.notation import rotation_mandel
from lattice_gnn.tensors.rotations import random_rotations
from lattice_gnn.tensors.symmetry_screen import symmetry_names
from lattice_gnn.training.labelled import LabelledLattices

DENSITY_EDGES = (0.0, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, math.inf)
"""Relative densities between which errors are broken down; above 1 where struts overlap."""
EDGE_SLACK = 1e-6
"""Relative distance within which a density counts as one on the edge above it: round densities lie
on edges, and rounding must not split the lattices of one density over two rows."""
TURNED = 256
"""Maximum number of lattices on which the equivariance is measured."""
WORST = 10
AFFINE = "affine"
"""Name of the model that predicts the stiffness under affine nodal motion, an upper bound."""

OnProgress = Callable[[int, int], None]


def between(
    density: Float[Tensor, " lattices"], low: float, high: float
) -> Bool[Tensor, " lattices"]:
    """Whether densities lie from ``low`` to below ``high``, on an edge to ``EDGE_SLACK``."""
    return (density >= low * (1 - EDGE_SLACK)) & (density < high * (1 - EDGE_SLACK))


def load_judged(name_or_path: str | Path) -> tuple[StiffnessNetwork, dict[str, Any]]:
    """Load a model and its header by name or path; "affine" is the affine bound, without weights.

    Raises:
        LatticeGnnError: As for ``load_model``.
    """
    if str(name_or_path) == AFFINE:
        return build_model(read_model_config({"kind": AFFINE}), Normaliser()).eval(), {}
    return load_model(resolve_model(name_or_path))


def evaluate(
    model: StiffnessNetwork, labelled: LabelledLattices, batch_size: int = 128
) -> dict[str, dict[str, float]]:
    """Median, mean, p90, p99 and max of every metric of ``METRICS``.

    The errors of a prediction that is not finite are infinite.
    """
    reference = labelled.stiffness
    predicted = predict_in_batches(model, labelled.batch, batch_size)
    finite = torch.isfinite(predicted).flatten(1).all(1)
    safe = torch.where(finite[:, None, None], predicted, reference)
    return {
        name: summarise(torch.where(finite, metric(safe, reference), math.inf))
        for name, metric in METRICS.items()
    }


def predict_in_batches(
    model: StiffnessNetwork,
    batch: LatticeBatch,
    batch_size: int = 128,
    on_progress: OnProgress | None = None,
) -> Float[Tensor, "lattices 6 6"]:
    """C / E_s of many lattices, without gradients and in evaluation mode.

    Args:
        model: The model, on any device.
        batch: The lattices.
        batch_size: Lattices per batch.
        on_progress: Called with the number done and the total.
    """
    here = batch.cells.device
    there = next(chain(model.parameters(), model.buffers(), [batch.cells])).device
    was_training = model.training
    model.eval()
    parts = []
    try:
        with torch.no_grad():
            for part in batch.split(batch_size):
                parts.append(model(part.to(device=there)).to(here))
                if on_progress is not None:
                    on_progress(sum(map(len, parts)), len(batch))
    finally:
        model.train(was_training)
    return torch.cat(parts)


def equivariance_errors(
    model: StiffnessNetwork, batch: LatticeBatch, seed: int = 0
) -> dict[str, Float[Tensor, " lattices"]]:
    """Equivariance error |Q^T f(Q x) Q - f(x)|_F / |f(x)|_F of every lattice x.

    ``rotation``: Q uniform over the rotations, drawn per lattice. ``inversion``: Q = -1, under
    which the stiffness is invariant. For an equivariant model only rounding error remains.
    """
    Q = random_rotations(len(batch), seed).to(batch.cells)
    plain = predict_in_batches(model, batch)
    turned = predict_in_batches(model, batch.replace(cells=batch.cells @ Q.mT))
    R = rotation_mandel(Q.to(plain))
    inverted = predict_in_batches(model, batch.replace(cells=-batch.cells))
    return {
        "rotation": relative_frobenius(R.mT @ turned @ R, plain),
        "inversion": relative_frobenius(inverted, plain),
    }


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """Predictions and references per lattice.

    Attributes:
        names: Names of the lattices.
        predicted: Predicted C / E_s, Mandel.
        reference: Reference C / E_s, Mandel.
        relative_density: Sum of strut volumes over cell volume.
        nodes: Number of nodes of the simplified cell.
        symmetry: Elastic symmetry class of the reference, within 1 %.
        equivariance: ``equivariance_errors`` of some of the lattices.
        seconds: Wall time of all predictions.
    """

    names: tuple[str, ...]
    predicted: Float[Tensor, "lattices 6 6"]
    reference: Float[Tensor, "lattices 6 6"]
    relative_density: Float[Tensor, " lattices"]
    nodes: Int[Tensor, " lattices"]
    symmetry: tuple[str, ...]
    equivariance: dict[str, Float[Tensor, " some"]]
    seconds: float

    def worst(self, count: int = WORST) -> list[int]:
        """Indices of the lattices with the largest directional error, worst first."""
        error = directional_error(self.predicted, self.reference)
        return torch.argsort(error, descending=True, stable=True)[:count].tolist()


def judge(
    model: StiffnessNetwork,
    labelled: LabelledLattices,
    *,
    names: Sequence[str] | None = None,
    seed: int = 0,
    on_progress: OnProgress | None = None,
) -> Judgement:
    """Evaluate a model on labelled lattices.

    Args:
        model: The model.
        labelled: Simplified lattices with positive definite references.
        names: Names of the lattices; default: their indices.
        seed: Random seed of the lattices and rotations on which the equivariance is measured.
        on_progress: Called with the number of lattices done and the total.

    Raises:
        LatticeGnnError: If there are no lattices, the number of names differs, a reference is not
            finite or not positive definite, or a prediction is not finite.
    """
    if len(labelled) == 0:
        raise LatticeGnnError("evaluation: there are no labelled lattices.")
    known = (
        tuple(names) if names is not None else tuple(f"lattice {k}" for k in range(len(labelled)))
    )
    if len(known) != len(labelled):
        raise LatticeGnnError(
            f"evaluation: expected a name for each of {len(labelled)} lattices, got {len(known)}."
        )
    reference = labelled.stiffness.detach().double().cpu()
    _require_definite(reference, known)
    start = time.perf_counter()
    predicted = predict_in_batches(model, labelled.batch, on_progress=on_progress).double().cpu()
    seconds = time.perf_counter() - start
    strange = torch.nonzero(~torch.isfinite(predicted).flatten(1).all(1))[:, 0].tolist()
    if strange:
        raise LatticeGnnError(
            f"evaluation: the model's prediction for {known[strange[0]]} is not finite; "
            "check the weights and that lattice."
        )
    rng = np.random.default_rng(seed)
    turned = np.sort(rng.permutation(len(labelled))[:TURNED])
    errors = equivariance_errors(model, labelled.batch.select(turned), seed)
    return Judgement(
        names=known,
        predicted=predicted,
        reference=reference,
        relative_density=labelled.batch.relative_density.double().cpu(),
        nodes=labelled.batch.node_offsets.diff().cpu(),
        symmetry=symmetry_names(reference),
        equivariance={name: error.cpu() for name, error in errors.items()},
        seconds=seconds,
    )


def _require_definite(reference: Float[Tensor, "lattices 6 6"], names: Sequence[str]) -> None:
    """Check that relative errors with respect to the references are defined."""
    finite = torch.isfinite(reference).flatten(1).all(1)
    if not bool(finite.all()):
        first = int(torch.nonzero(~finite)[0])
        raise LatticeGnnError(f"{names[first]}: its reference stiffness contains NaN or infinity.")
    values = torch.linalg.eigvalsh(reference)
    poor = torch.nonzero(values[:, 0] <= ROUNDING * values[:, -1].abs())[:, 0].tolist()
    if poor:
        raise LatticeGnnError(
            f"{names[poor[0]]}: its reference stiffness is not positive definite (smallest "
            f"eigenvalue {float(values[poor[0], 0]):.3g} of {float(values[poor[0], -1]):.3g}); "
            "leave out lattices whose net does not span space."
        )
