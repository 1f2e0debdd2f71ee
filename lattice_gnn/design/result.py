"""The result of a design: the lattice, its values, what the reference says about it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from lattice_gnn.design.settings import Aim
from lattice_gnn.design.task import Task
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.reports.design import DesignReport
from lattice_gnn.tensors.stiffness import Stiffness


class Status(StrEnum):
    """How a search ended, judged from recomputed constraints and first-order optimality."""

    CONVERGED = "converged"
    """All constraints are satisfied, and no direction improves the objective to first order."""
    STALLED = "stalled"
    """The search stopped although a constraint is violated or the objective could improve."""
    MAX_STEPS = "max_steps"
    """The limit of steps was reached before convergence."""
    INTERRUPTED = "interrupted"
    """The user interrupted the search; the best design so far is reported."""


class Verdict(StrEnum):
    """What the reference says about the design."""

    CONFIRMED = "confirmed"
    """Every constraint is satisfied, and the objective is no worse than the start's, whatever the
    reference's own error."""
    REFUTED = "refuted"
    """A constraint is violated or the objective is worse than the start's, whatever that error."""
    UNDECIDED = "undecided"
    """The error of the reference is too large to tell."""
    UNCHECKED = "unchecked"
    """No reference was computed."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the history: the best design of all starts so far.

    Attributes:
        step: Number of evaluations in this phase so far, of the start that is searched.
        phase: What the search is doing, such as "search", "polish" or "refine 1".
        objective: The objective as stated by the user; for a target, the misfit.
        violation: Worst violation of a constraint beyond its tolerance, in multiples of its scale;
            0 if all are satisfied.
        stiffness: C / E_s of that design by the evaluator; None where nothing needs it.
    """

    step: int
    phase: str
    objective: float
    violation: float
    stiffness: Stiffness | None = None


@dataclass(frozen=True, slots=True)
class ObjectiveValue:
    """The objective at the start and at the design, by evaluator and reference.

    Attributes:
        name: Name of the quantity.
        aim: "maximise" or "minimise".
        start: Value of the start by the evaluator.
        value: Value of the design by the evaluator.
        start_reference: Value of the start by the reference.
        reference: Value of the design by the reference.
        reference_error: How much the reference's own error changes it; 0 for beams.
    """

    name: str
    aim: Aim
    start: float
    value: float
    start_reference: float | None = None
    reference: float | None = None
    reference_error: float | None = None


@dataclass(frozen=True, slots=True)
class ConstraintValue:
    """One constraint at the design, by evaluator and reference.

    Attributes:
        name: The constraint as text.
        value: The value of the quantity (of several, the worst).
        violation: Violation in multiples of the scale; 0 if none.
        allowed: Largest violation of a satisfied constraint.
        reference: The value by the reference.
        reference_violation: The violation by the reference.
        reference_worst: The violation at its largest with the reference's own error.
    """

    name: str
    value: float
    violation: float
    allowed: float
    reference: float | None = None
    reference_violation: float | None = None
    reference_worst: float | None = None

    @property
    def satisfied(self) -> bool:
        """Whether the evaluator's value satisfies the constraint."""
        return self.violation <= self.allowed


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """The stiffness of the design by an independent method.

    Attributes:
        method: "beam" or "solid".
        stiffness: C / E_s of the design.
        error: Estimated relative error of a solid; None for beams.
        gap: Relative Frobenius distance between evaluator and reference.
    """

    method: Literal["beam", "solid"]
    stiffness: Stiffness
    error: float | None
    gap: float


@dataclass(frozen=True, slots=True)
class Refinement:
    """One refinement: a search with the evaluator corrected by the reference.

    Attributes:
        objective: The objective of its design by the corrected evaluator.
        reference: The objective of its design by the reference.
        violation: Worst violation of its design by the reference, in multiples of the scale.
        gap: Relative Frobenius distance between corrected evaluator and reference.
    """

    objective: float
    reference: float
    violation: float
    gap: float


@dataclass(frozen=True, slots=True, eq=False)
class DesignResult:
    """What a design search found, rounded, re-evaluated and verified.

    Attributes:
        task: What was asked for.
        start: The lattice that the search started from.
        start_stiffness: C / E_s of the start by the evaluator.
        lattice: The design, with its variables rounded; everything here is about this lattice.
        stiffness: C / E_s by the evaluator.
        evaluator: Name of the evaluator, such as "beam" or "network".
        status: How the search ended.
        optimality: Part of the objective's gradient that no active constraint or bound balances,
            as a share of the gradient; 0 at an exact optimum.
        objective: The objective at the start and at the design.
        constraints: Every constraint at the design.
        reference: What the reference computed; None if it was not asked.
        verdict: What the reference says.
        history: Best design of every step.
        starts: Objective of every start of a multi-start search, best first; infeasible ones are
            left out.
        refinements: The refinements, in order.
        symmetry: The space group that was kept, such as "Pm-3m (221), 48 operations".
        variables: Number of design variables.
        notes: Sentences about what a user must know of this result.
        interrupted: Whether the user ended the search, the verification or the refinement.
    """

    task: Task
    start: Lattice
    start_stiffness: Stiffness
    lattice: Lattice
    stiffness: Stiffness
    evaluator: str
    status: Status
    optimality: float
    objective: ObjectiveValue
    constraints: tuple[ConstraintValue, ...]
    reference: Reference | None
    verdict: Verdict
    history: tuple[Step, ...]
    starts: tuple[float, ...] = ()
    refinements: tuple[Refinement, ...] = ()
    symmetry: str | None = None
    variables: int = 0
    notes: tuple[str, ...] = ()
    interrupted: bool = False

    def report(self) -> DesignReport:
        """Return the result as a typed document."""
        from lattice_gnn.design.document import design_report

        return design_report(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the document as plain values: the JSON that the command line writes."""
        return self.report().to_dict()

    def _repr_html_(self) -> str:
        """Return start, design, values and the course of the search as HTML, for notebooks."""
        from lattice_gnn.design.picture import design_html

        return design_html(self)

    def __repr__(self) -> str:
        """Return one line: objective before and after, status, verdict."""
        found = self.objective
        method = "" if self.reference is None else f" by {self.reference.method}"
        return (
            f"DesignResult({found.name} {found.start:.4g} -> {found.value:.4g}, {self.status}, "
            f"{self.verdict}{method})"
        )
