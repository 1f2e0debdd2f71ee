"""A prediction of the network, and how far it is from a reference."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from lattice_gnn.lattice.findings import Finding
from lattice_gnn.reports.document import Document
from lattice_gnn.reports.lattice import LatticeFacts
from lattice_gnn.reports.stiffness import Moduli, StiffnessFacts, moduli_facts, stiffness_facts
from lattice_gnn.tensors.metrics import METRICS
from lattice_gnn.tensors.stiffness import Stiffness

CHECK_METRICS = ("relative_frobenius", "directional_error", "log_euclidean", "softest_error")


@dataclass(frozen=True, slots=True)
class ExpectedError:
    """Relative Frobenius error of the model on held-out lattices like this one.

    Attributes:
        median: Median.
        p90: 90th percentile.
        against: The method from which the prediction differs by this error: that of the labels.
        basis: Which held-out lattices these are.
    """

    median: float
    p90: float
    against: str
    basis: str


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """The model of a prediction.

    Attributes:
        name: Name or path.
        expected_error: Its error on held-out lattices like this one; null outside the ranges of
            the training set, where it is unknown.
    """

    name: str
    expected_error: ExpectedError | None


@dataclass(frozen=True, slots=True)
class DomainFacts:
    """Position of the lattice relative to the training set.

    Attributes:
        inside: Whether it lies within the ranges of the training set.
        notes: One sentence per way in which it does not.
    """

    inside: bool
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CheckFacts:
    """A reference stiffness and the error of the prediction relative to it.

    Attributes:
        method: Method of the reference.
        relative_frobenius: |C - C_ref| / |C_ref|.
        directional_error: Mean over n of |c - c_ref| over the mean of c_ref, c = nn:C:nn.
        log_euclidean: |log C - log C_ref|; null if C is singular to rounding.
        softest_error: Relative error of the smallest eigenvalue of C.
        stiffness: Stiffness of the reference.
        moduli: Moduli of the reference; null if it is singular to rounding, and, of the frame, in
            documents of several lattices.
    """

    method: str
    relative_frobenius: float | None
    directional_error: float | None
    log_euclidean: float | None
    softest_error: float | None
    stiffness: StiffnessFacts
    moduli: Moduli | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionReport(Document):
    """Prediction of the network for one lattice.

    Attributes:
        lattice: The lattice.
        model: The model and its expected error.
        domain: Position of the lattice relative to the training set.
        stiffness: The predicted stiffness.
        moduli: Its moduli; null if it is singular to rounding.
        frame: Comparison with beam FEM alone, if the model starts from it.
        check: Comparison with a reference, if requested.
        warnings: What affects the result, most important first.
    """

    SCHEMA: ClassVar[str] = "prediction/1"

    lattice: LatticeFacts
    model: ModelFacts
    domain: DomainFacts
    stiffness: StiffnessFacts
    moduli: Moduli | None
    frame: CheckFacts | None = None
    check: CheckFacts | None = None
    warnings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class PredictionReports(Document):
    """Predictions of the network for several lattices.

    Attributes:
        predictions: One entry per lattice.
    """

    SCHEMA: ClassVar[str] = "predictions/1"

    predictions: tuple[PredictionReport, ...]


def check_facts(
    predicted: Stiffness,
    reference: Stiffness,
    E: Sequence[float],
    *,
    method: str,
    thorough: bool = True,
) -> list[CheckFacts]:
    """Compare predictions with the reference stiffness of each lattice of a batch.

    Args:
        predicted: C / E_s of the network.
        reference: C / E_s of the reference.
        E: Young's modulus of each lattice's material.
        method: Method of the reference.
        thorough: Whether to compute the moduli of the reference.
    """
    C, C_ref = predicted.mandel, reference.mandel
    errors = {name: METRICS[name](C, C_ref).tolist() for name in CHECK_METRICS}
    moduli = moduli_facts(reference) if thorough else [None] * len(reference)
    return [
        CheckFacts(
            method=method,
            **{name: _finite(values[b]) for name, values in errors.items()},
            stiffness=stiffness_facts(reference[b], E[b]),
            moduli=moduli[b],
        )
        for b in range(len(reference))
    ]


def _finite(value: float) -> float | None:
    """Return None for infinity (logarithm of a singular C), which JSON cannot express."""
    return value if math.isfinite(value) else None
