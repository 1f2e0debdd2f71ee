"""The document of a design result."""

from lattice_gnn.design.result import DesignResult
from lattice_gnn.reports.design import (
    ConstraintFacts,
    DesignReport,
    DesignStep,
    DesignTaskFacts,
    ObjectiveFacts,
    ReferenceFacts,
    RefinementFacts,
)
from lattice_gnn.reports.errors import finite
from lattice_gnn.reports.lattice import MEMORY, Origin, lattice_facts
from lattice_gnn.reports.stiffness import moduli_facts, stiffness_facts


def design_report(
    result: DesignResult, origins: tuple[Origin, Origin] = (MEMORY, MEMORY)
) -> DesignReport:
    """Return the document of a design.

    Args:
        result: What was found.
        origins: Files of the start and of the design.
    """
    E, task = result.lattice.material.E, result.task
    (moduli,) = moduli_facts(result.stiffness[None])
    return DesignReport(
        start=lattice_facts(result.start, origins[0]),
        lattice=lattice_facts(result.lattice, origins[1]),
        task=DesignTaskFacts(
            vary=task.vary,
            variables=result.variables,
            symmetry=result.symmetry,
            starts=task.starts,
            seed=task.seed,
        ),
        evaluator=result.evaluator,
        status=result.status.value,
        optimality=finite(result.optimality),
        verdict=result.verdict.value,
        objective=_objective(result),
        constraints=_constraints(result),
        stiffness=stiffness_facts(result.stiffness, E),
        moduli=moduli,
        reference=_reference(result, E),
        start_objectives=result.starts,
        refinements=tuple(
            RefinementFacts(x.objective, x.reference, x.violation, x.gap)
            for x in result.refinements
        ),
        history=tuple(
            DesignStep(x.step, x.phase, x.objective, x.violation) for x in result.history
        ),
        notes=result.notes,
    )


def _objective(result: DesignResult) -> ObjectiveFacts:
    found = result.objective
    return ObjectiveFacts(
        name=found.name,
        aim=found.aim,
        start=found.start,
        value=found.value,
        start_reference=found.start_reference,
        reference=found.reference,
        reference_error=found.reference_error,
    )


def _constraints(result: DesignResult) -> tuple[ConstraintFacts, ...]:
    return tuple(
        ConstraintFacts(
            name=row.name,
            value=row.value,
            violation=row.violation,
            allowed=row.allowed,
            satisfied=row.satisfied,
            reference=row.reference,
            reference_violation=row.reference_violation,
            reference_worst=row.reference_worst,
        )
        for row in result.constraints
    )


def _reference(result: DesignResult, E: float) -> ReferenceFacts | None:
    found = result.reference
    if found is None:
        return None
    (moduli,) = moduli_facts(found.stiffness[None])
    return ReferenceFacts(
        method=found.method,
        error=found.error,
        gap=found.gap,
        stiffness=stiffness_facts(found.stiffness, E),
        moduli=moduli,
    )
