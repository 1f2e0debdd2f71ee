"""The document of a design: what was asked for, what was found, what the reference says."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from lattice_gnn.reports.document import Document
from lattice_gnn.reports.lattice import LatticeFacts
from lattice_gnn.reports.stiffness import Moduli, StiffnessFacts


@dataclass(frozen=True, slots=True)
class DesignTaskFacts:
    """What was asked for.

    Attributes:
        vary: What could change: nodes, radii, radius, cell, cell_shape, cell_volume.
        variables: Number of design variables.
        symmetry: Space group of the start that was kept; null if it was not kept.
        starts: Number of starts.
        seed: Seed of all randomness.
    """

    vary: tuple[str, ...]
    variables: int
    symmetry: str | None
    starts: int
    seed: int


@dataclass(frozen=True, slots=True)
class ObjectiveFacts:
    """The objective at the start and at the design.

    Attributes:
        name: Name of the quantity.
        aim: Whether it was maximised or minimised.
        start: Value of the start by the evaluator.
        value: Value of the design by the evaluator.
        start_reference: Value of the start by the reference; null without a reference.
        reference: Value of the design by the reference; null without a reference.
        reference_error: Change of that value by the reference's own estimated error; 0 for beams,
            null without a reference.
    """

    name: str
    aim: Literal["maximise", "minimise"]
    start: float
    value: float
    start_reference: float | None
    reference: float | None
    reference_error: float | None


@dataclass(frozen=True, slots=True)
class ConstraintFacts:
    """One constraint at the design.

    Attributes:
        name: The constraint as text.
        value: The value of its quantity by the evaluator; of several, the worst.
        violation: Violation in multiples of the constraint's scale; 0 if satisfied.
        allowed: Largest violation of a satisfied constraint.
        satisfied: Whether the evaluator's value satisfies it.
        reference: The value by the reference; null without a reference.
        reference_violation: The violation by the reference; null without a reference.
        reference_worst: The violation at its largest with the reference's own estimated error; null
            without a reference.
    """

    name: str
    value: float
    violation: float
    allowed: float
    satisfied: bool
    reference: float | None
    reference_violation: float | None
    reference_worst: float | None


@dataclass(frozen=True, slots=True)
class ReferenceFacts:
    """The stiffness of the design by an independent method.

    Attributes:
        method: Beam or solid FEM.
        error: Estimated relative error of a solid; null for beams.
        gap: Relative Frobenius distance between evaluator and reference.
        stiffness: The stiffness.
        moduli: Its moduli; null if it is singular.
    """

    method: Literal["beam", "solid"]
    error: float | None
    gap: float
    stiffness: StiffnessFacts
    moduli: Moduli | None


@dataclass(frozen=True, slots=True)
class RefinementFacts:
    """A further search with the evaluator corrected by the reference.

    Attributes:
        objective: Objective of its design by the corrected evaluator.
        reference: Objective of its design by the reference.
        violation: Worst violation of its design by the reference, in multiples of the scale.
        gap: Relative Frobenius distance between corrected evaluator and reference.
    """

    objective: float
    reference: float
    violation: float
    gap: float


@dataclass(frozen=True, slots=True)
class DesignStep:
    """A step of the search: the best design so far.

    Attributes:
        step: Number of evaluations of the start that holds it.
        phase: What the search was doing.
        objective: The objective.
        violation: Worst violation of a constraint, in multiples of its scale.
    """

    step: int
    phase: str
    objective: float
    violation: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignReport(Document):
    """A lattice designed for a purpose, verified by a reference.

    Attributes:
        start: The lattice that the search started from.
        lattice: The design; every value is that of its rounded form, as it is written.
        task: What was asked for.
        evaluator: What computed the stiffness during the search.
        status: How the search ended: converged, stalled, max_steps or interrupted, from recomputed
            constraints and first-order optimality.
        optimality: Share of the objective's gradient that no constraint or bound balances.
        verdict: What the reference says: confirmed, refuted, undecided (its own error is too large
            to tell) or unchecked.
        objective: The objective.
        constraints: Every constraint.
        stiffness: Stiffness of the design by the evaluator.
        moduli: Its moduli; null if it is singular.
        reference: Stiffness of the design by the reference; null if it was not asked.
        start_objectives: Objective reached from every start with a feasible design, best first.
        refinements: Refinements after a design that was not confirmed, in order.
        history: The search, step by step.
        notes: What a user must know of this result.
    """

    SCHEMA: ClassVar[str] = "design/1"

    start: LatticeFacts
    lattice: LatticeFacts
    task: DesignTaskFacts
    evaluator: str
    status: str
    optimality: float | None
    verdict: str
    objective: ObjectiveFacts
    constraints: tuple[ConstraintFacts, ...]
    stiffness: StiffnessFacts
    moduli: Moduli | None
    reference: ReferenceFacts | None
    start_objectives: tuple[float, ...]
    refinements: tuple[RefinementFacts, ...]
    history: tuple[DesignStep, ...]
    notes: tuple[str, ...]
