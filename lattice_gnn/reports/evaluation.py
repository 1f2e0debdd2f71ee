"""Documents of evaluations: errors against reference stiffnesses, broken down, worst lattices."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from lattice_gnn.reports.document import Document
from lattice_gnn.reports.errors import Summary, finite, summary
from lattice_gnn.tensors.metrics import (
    Numbers,
    component_error,
    directional_error,
    has_negative_energy,
    log_euclidean,
    moduli_errors,
    relative_frobenius,
    softest_error,
)
from lattice_gnn.tensors.symmetry import SYMMETRIES
from lattice_gnn.training.evaluation import DENSITY_EDGES, Judgement, between

SIZES = ((1, 5), (6, 10), (11, 20), (21, 40), (41, None))
"""Smallest and largest number of nodes of each row of ``by_size``."""


@dataclass(frozen=True, slots=True)
class TensorError:
    """Statistics of |C - C_ref| / |C_ref|, with shares of the lattices.

    Attributes:
        median: Median.
        mean: Mean.
        p90: 90th percentile.
        p99: 99th percentile.
        max: Maximum.
        within_5_percent: Share of the lattices with at most 5 %.
        within_25_percent: Share of the lattices with at most 25 %.
    """

    median: float | None
    mean: float | None
    p90: float | None
    p99: float | None
    max: float | None
    within_5_percent: float
    within_25_percent: float


@dataclass(frozen=True, slots=True)
class ModuliErrors:
    """Errors of moduli.

    Attributes:
        E: Relative error of the Hill average of Young's modulus.
        G: Relative error of the Hill average of the shear modulus.
        nu: Absolute error of Poisson's ratio of the Hill averages, which may be 0.
        K: Relative error of the bulk modulus under pressure, 1/(1:S:1) (Reuss).
    """

    E: Summary
    G: Summary
    nu: Summary
    K: Summary


@dataclass(frozen=True, slots=True)
class EquivarianceError:
    """|Q^T f(Qx) Q - f(x)| / |f(x)|.

    Attributes:
        count: Number of lattices it was measured on.
        rotation: Error with a random rotation Q per lattice.
        inversion: Error with Q = -1.
    """

    count: int
    rotation: Summary
    inversion: Summary


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakdown:
    """Errors over a subset of the lattices.

    Attributes:
        label: Name of the subset.
        range: Ends of the range of density or number of nodes, null if open; absent for symmetry
            classes.
        count: Number of lattices.
        directional_error: Summary.
        relative_frobenius: Summary.
    """

    label: str
    range: tuple[float | int, float | int | None] | None = None
    count: int
    directional_error: Summary
    relative_frobenius: Summary


@dataclass(frozen=True, slots=True)
class WorstLattice:
    """A lattice with a large error.

    Attributes:
        index: Number among the evaluated lattices.
        name: Name of the lattice.
        relative_density: Sum of strut volumes over the cell volume.
        directional_error: Directional error.
        relative_frobenius: Relative Frobenius error.
        row: Number in the dataset or catalogue, from 0.
    """

    index: int
    name: str
    relative_density: float
    directional_error: float
    relative_frobenius: float
    row: int | None = None


@dataclass(frozen=True, kw_only=True)
class EvaluationFacts:
    """Errors of a model over lattices with references; fractions, not per cent.

    c(n) = nn:C:nn is the stiffness along n, in 250 fixed directions; the mean of c_ref over n is
    the lattice's mean directional stiffness.

    Attributes:
        count: Number of lattices.
        seconds: Wall time of the predictions alone, in seconds.
        seconds_per_lattice: Wall time per lattice, in seconds.
        directional_error: Mean over n of |c - c_ref|, over the mean directional stiffness.
        component_error: Mean of |C_ij - C_ref,ij| over the 21 components, over the mean directional
            stiffness.
        relative_frobenius: |C - C_ref| / |C_ref|.
        log_euclidean: |log C - log C_ref|; infinite where C is not positive definite.
        softest_error: Relative error of the smallest eigenvalue.
        moduli: Errors of moduli.
        negative_eigenvalue_share: Share of lattices whose C has a negative eigenvalue.
        equivariance_error: Equivariance error of the predictions.
        by_density: Errors by relative density.
        by_symmetry: Errors by elastic symmetry class of the reference (within 1 %).
        by_size: Errors by number of nodes of the simplified cell.
        worst: Lattices with the largest directional errors.
    """

    count: int
    seconds: float
    seconds_per_lattice: float
    directional_error: Summary
    component_error: Summary
    relative_frobenius: TensorError
    log_euclidean: Summary
    softest_error: Summary
    moduli: ModuliErrors
    negative_eigenvalue_share: float
    equivariance_error: EquivarianceError
    by_density: tuple[Breakdown, ...]
    by_symmetry: tuple[Breakdown, ...]
    by_size: tuple[Breakdown, ...]
    worst: tuple[WorstLattice, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionFacts:
    """Options that select the lattices.

    Attributes:
        label: Kind of label of a dataset.
        part: Part of a dataset, if one was selected.
        shares: Shares of the base lattices in the parts, if a part was selected.
        split_seed: Random seed of the split, if a part was selected.
        lowest: Number of lowest densities of each entry of a catalogue; null for all.
        limit: Maximum number of lattices, drawn at random; null for all.
        seed: Random seed of that draw.
    """

    label: str | None = None
    part: str | None = None
    shares: dict[str, float] | None = None
    split_seed: int | None = None
    lowest: int | None
    limit: int | None
    seed: int


@dataclass(frozen=True, kw_only=True)
class _Question(Document):
    """Inputs of an evaluation, its first keys."""

    model: str
    data: str
    selection: SelectionFacts


@dataclass(frozen=True, kw_only=True)
class EvaluationReport(EvaluationFacts, _Question):
    """A model against reference stiffnesses.

    Attributes:
        model: The model, as given.
        data: The data, as given.
        selection: Options that select the lattices.
    """

    SCHEMA: ClassVar[str] = "evaluation/1"


def evaluation_facts(judgement: Judgement, rows: Sequence[int] | None = None) -> EvaluationFacts:
    """Summarise a model's predictions against the references.

    Args:
        judgement: The predictions and references.
        rows: Number of each lattice in its file.
    """
    C, C_ref = judgement.predicted, judgement.reference
    directional, frobenius = directional_error(C, C_ref), relative_frobenius(C, C_ref)
    turned = judgement.equivariance
    return EvaluationFacts(
        count=len(judgement.names),
        seconds=judgement.seconds,
        seconds_per_lattice=judgement.seconds / len(judgement.names),
        directional_error=summary(directional),
        component_error=summary(component_error(C, C_ref)),
        relative_frobenius=_tensor_error(frobenius),
        log_euclidean=summary(log_euclidean(C, C_ref)),
        softest_error=summary(softest_error(C, C_ref)),
        moduli=ModuliErrors(**{name: summary(e) for name, e in moduli_errors(C, C_ref).items()}),
        negative_eigenvalue_share=_share(has_negative_energy(C)),
        equivariance_error=EquivarianceError(
            count=len(turned["rotation"]),
            rotation=summary(turned["rotation"]),
            inversion=summary(turned["inversion"]),
        ),
        by_density=_by_density(judgement, directional, frobenius),
        by_symmetry=_by_symmetry(judgement, directional, frobenius),
        by_size=_by_size(judgement, directional, frobenius),
        worst=tuple(
            WorstLattice(
                index=k,
                name=judgement.names[k],
                relative_density=float(judgement.relative_density[k]),
                directional_error=float(directional[k]),
                relative_frobenius=float(frobenius[k]),
                row=None if rows is None else rows[k],
            )
            for k in judgement.worst()
        ),
    )


def _tensor_error(frobenius: Numbers) -> TensorError:
    of = summary(frobenius)
    return TensorError(
        median=of.median,
        mean=of.mean,
        p90=of.p90,
        p99=of.p99,
        max=of.max,
        within_5_percent=_share(frobenius <= 0.05),
        within_25_percent=_share(frobenius <= 0.25),
    )


def _share(applies: Bool[Tensor, " lattices"]) -> float:
    return float(applies.double().mean())


def _by_density(
    judgement: Judgement, directional: Numbers, frobenius: Numbers
) -> tuple[Breakdown, ...]:
    density, found = judgement.relative_density, []
    for low, high in pairwise(DENSITY_EDGES):
        label = f"above {low:g}" if math.isinf(high) else f"{low:g} to {high:g}"
        inside = between(density, low, high)
        found += _row(label, (low, finite(high)), inside, directional, frobenius)
    return tuple(found)


def _by_symmetry(
    judgement: Judgement, directional: Numbers, frobenius: Numbers
) -> tuple[Breakdown, ...]:
    found = []
    for name in SYMMETRIES:
        inside = torch.tensor([symmetry == name for symmetry in judgement.symmetry])
        found += _row(name, None, inside, directional, frobenius)
    return tuple(found)


def _by_size(
    judgement: Judgement, directional: Numbers, frobenius: Numbers
) -> tuple[Breakdown, ...]:
    nodes, found = judgement.nodes, []
    for least, most in SIZES:
        label = f"above {least - 1}" if most is None else f"{least} to {most}"
        inside = (nodes >= least) & (nodes <= (math.inf if most is None else most))
        found += _row(label, (least, most), inside, directional, frobenius)
    return tuple(found)


def _row(
    label: str,
    limits: tuple[float | int, float | int | None] | None,
    inside: Bool[Tensor, " lattices"],
    directional: Float[Tensor, " lattices"],
    frobenius: Float[Tensor, " lattices"],
) -> list[Breakdown]:
    """Summarise both main errors over the selected lattices; empty if there are none."""
    if not bool(inside.any()):
        return []
    return [
        Breakdown(
            label=label,
            range=limits,
            count=int(inside.sum()),
            directional_error=summary(directional[inside]),
            relative_frobenius=summary(frobenius[inside]),
        )
    ]
