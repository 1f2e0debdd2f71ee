"""Predictions as documents."""

from collections.abc import Sequence

import torch

from lattice_gnn.lattice.findings import warnings
from lattice_gnn.reports.lattice import MEMORY, Origin, lattice_facts
from lattice_gnn.reports.prediction import (
    CheckFacts,
    DomainFacts,
    ModelFacts,
    PredictionReport,
    check_facts,
)
from lattice_gnn.reports.stiffness import moduli_facts, stiffness_facts
from lattice_gnn.surrogate.surrogate import Prediction
from lattice_gnn.tensors.stiffness import Stiffness


def prediction_reports(
    predictions: Sequence[Prediction],
    origins: Sequence[Origin] | None = None,
    *,
    reference: Stiffness | None = None,
    reference_method: str = "beam FEM, euler-bernoulli",
    thorough: bool = True,
) -> list[PredictionReport]:
    """Documents of a batch of predictions.

    Args:
        predictions: The predictions.
        origins: Where the lattices come from.
        reference: C / E_s of the same lattices by another method, to set beside them.
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
    return [
        PredictionReport(
            lattice=lattice_facts(
                prediction.lattice, MEMORY if origins is None else origins[b], thorough=thorough
            ),
            model=ModelFacts(prediction.model, prediction.expected_error),
            domain=DomainFacts(prediction.in_domain, prediction.domain_notes),
            stiffness=stiffness_facts(prediction.stiffness, prediction.lattice.material.E),
            moduli=moduli[b],
            check=checks[b],
            warnings=warnings(prediction.lattice) if thorough else (),
        )
        for b, prediction in enumerate(predictions)
    ]
