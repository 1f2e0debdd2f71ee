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
        median: Half of them had less.
        p90: Nine tenths of them had less.
        basis: Which held-out lattices these were.
    """

    median: float
    p90: float
    basis: str


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """The model that predicted.

    Attributes:
        name: As it was asked for.
        expected_error: Its error on held-out lattices like this one; null outside the ranges of
            the training set, where nothing is known.
    """

    name: str
    expected_error: ExpectedError | None


@dataclass(frozen=True, slots=True)
class DomainFacts:
    """Where the lattice stands to the training set.

    Attributes:
        inside: Whether it lies in the ranges of the training set.
        notes: One sentence for every way in which it does not.
    """

    inside: bool
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CheckFacts:
    """A reference beside the prediction, and the error of the prediction.

    Attributes:
        method: How the reference was computed.
        relative_frobenius: |C - C_ref| / |C_ref|.
        directional_error: Mean over n of |c - c_ref| over the mean of c_ref, c = nn:C:nn.
        log_euclidean: |log C - log C_ref|; null where C is singular to rounding.
        softest_error: Relative error of the smallest eigenvalue of C.
        stiffness: Of the reference.
        moduli: Of the reference; null where it is singular to rounding.
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
    """The network's answer for one lattice.

    Attributes:
        lattice: The lattice.
        model: The model and its expected error.
        domain: Where the lattice stands to the training set.
        stiffness: The predicted stiffness.
        moduli: Its moduli; null where it is singular to rounding.
        check: A reference beside it, where one was asked for.
        warnings: What affects the result, the most important first.
    """

    SCHEMA: ClassVar[str] = "prediction/1"

    lattice: LatticeFacts
    model: ModelFacts
    domain: DomainFacts
    stiffness: StiffnessFacts
    moduli: Moduli | None
    check: CheckFacts | None = None
    warnings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class PredictionReports(Document):
    """The network's answers for several lattices.

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
        method: How the reference was computed.
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
