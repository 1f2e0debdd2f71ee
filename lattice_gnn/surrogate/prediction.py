"""Predictions of the network, also as documents."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch

from lattice_gnn.lattice.findings import Finding, warnings
from lattice_gnn.reports.lattice import MEMORY, Origin, lattice_facts
from lattice_gnn.reports.prediction import (
    CheckFacts,
    DomainFacts,
    ExpectedError,
    ModelFacts,
    PredictionReport,
    check_facts,
)
from lattice_gnn.reports.result import Result, Value
from lattice_gnn.reports.stiffness import moduli_facts, stiffness_facts
from lattice_gnn.surrogate.fields import Response, respond
from lattice_gnn.tensors.arrays import ArrayLike
from lattice_gnn.tensors.stiffness import Stiffness
from lattice_gnn.wording import percent

FRAME = "beam FEM, euler-bernoulli"
"""Method whose result the joint models correct."""


@dataclass(frozen=True, slots=True, repr=False)
class Prediction(Result):
    """Effective stiffness of one lattice by the network, with its expected error.

    Attributes:
        lattice: The lattice as given.
        stiffness: C / E_s, Mandel (6, 6).
        expected_error: The model's error on similar held-out lattices, and what it is the error of;
            None if the lattice lies outside the ranges of the training set, where it is unknown.
        domain_notes: In which ways the lattice lies outside the training set, or is of a kind that
            is rare there (struts that touch); empty if inside.
        model: Name of the model.
        frame: C / E_s of the frame by beam FEM, where the model starts from it.
    """

    expected_error: ExpectedError | None
    domain_notes: tuple[str, ...]
    model: str
    frame: Stiffness | None = None

    @property
    def method(self) -> Literal["network"]:
        """How the stiffness was computed: by the network."""
        return "network"

    @property
    def in_domain(self) -> bool:
        """Whether the lattice lies inside the training set and is of no kind that is rare there."""
        return not self.domain_notes

    def report(self) -> PredictionReport:
        """Return the result as a typed document."""
        (report,) = prediction_reports([self])
        return report

    def response(self, strain: ArrayLike) -> Response:
        """Return stress and energy of C under a macroscopic strain, and the fields of the frame.

        Args:
            strain: Symmetric (3, 3).
        """
        return respond(self.lattice, self.stiffness, strain)

    def columns(self) -> dict[str, Value]:
        """Return model, expected error and training domain, for a table of many."""
        expected = self.expected_error
        return {
            "model": self.model,
            "expected_error": None if expected is None else expected.median,
            "expected_error_p90": None if expected is None else expected.p90,
            "expected_error_from": None if expected is None else expected.against,
            "in_domain": self.in_domain,
            "domain_notes": "; ".join(self.domain_notes),
        }

    def _find_warnings(self) -> tuple[Finding, ...]:
        outside = "outside the model's training domain: " + "; ".join(self.domain_notes)
        domain = () if self.in_domain else (Finding("domain", f"{outside}."),)
        return (*domain, *_warnings(self))

    def _facts(self) -> tuple[tuple[str, str], ...]:
        expected = self.expected_error
        error = (
            "unknown"
            if expected is None
            else f"{percent(expected.median)} (median) from {expected.against}"
        )
        return (
            ("model", self.model),
            ("expected error", error),
            ("training domain", "inside" if self.in_domain else "outside"),
        )


def prediction_reports(
    predictions: Sequence[Prediction],
    origins: Sequence[Origin] | None = None,
    *,
    reference: Stiffness | None = None,
    reference_method: str = FRAME,
    thorough: bool = True,
) -> list[PredictionReport]:
    """Return the documents of a batch of predictions.

    Args:
        predictions: The predictions.
        origins: Where the lattices come from.
        reference: C / E_s of the same lattices by another method, for comparison.
        reference_method: How that was computed.
        thorough: Also sample the union of the struts, look for findings, and compute the moduli of
            the reference.
    """
    stiffness = Stiffness(torch.stack([prediction.stiffness.mandel for prediction in predictions]))
    moduli = moduli_facts(stiffness)
    checks: Sequence[CheckFacts | None] = [None] * len(predictions)
    if reference is not None:
        E = [prediction.lattice.material.E for prediction in predictions]
        checks = check_facts(stiffness, reference, E, method=reference_method, thorough=thorough)
    frames: Sequence[CheckFacts | None] = [None] * len(predictions)
    known = [prediction.frame.mandel for prediction in predictions if prediction.frame is not None]
    if len(known) == len(predictions):
        E = [prediction.lattice.material.E for prediction in predictions]
        beams = Stiffness(torch.stack(known))
        alone = thorough and len(predictions) == 1  # for many lattices it would take too long
        frames = check_facts(stiffness, beams, E, method=FRAME, thorough=alone)
    return [
        PredictionReport(
            lattice=lattice_facts(
                prediction.lattice, MEMORY if origins is None else origins[b], thorough=thorough
            ),
            model=ModelFacts(prediction.model, prediction.expected_error),
            domain=DomainFacts(prediction.in_domain, prediction.domain_notes),
            stiffness=stiffness_facts(prediction.stiffness, prediction.lattice.material.E),
            moduli=moduli[b],
            frame=frames[b],
            check=checks[b],
            warnings=_warnings(prediction) if thorough else (),
        )
        for b, prediction in enumerate(predictions)
    ]


def _warnings(prediction: Prediction) -> tuple[Finding, ...]:
    """Return the findings on the lattice, without slenderness if the model corrects the frame."""
    corrected = prediction.frame is not None
    found = warnings(prediction.lattice)
    return tuple(x for x in found if not (corrected and x.kind == "slenderness"))
