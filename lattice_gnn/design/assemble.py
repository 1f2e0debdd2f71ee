"""The result of a design from what search and verification found."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from lattice_gnn.design.optimality import at_bounds, optimality
from lattice_gnn.design.problem import Problem
from lattice_gnn.design.result import (
    ConstraintValue,
    DesignResult,
    ObjectiveValue,
    Reference,
    Refinement,
    Status,
    Step,
    Verdict,
)
from lattice_gnn.design.search import Found
from lattice_gnn.design.state import DesignState
from lattice_gnn.design.task import Task
from lattice_gnn.design.verify import Checked, Method, judge, reference_method, worst_value
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.findings import warnings
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.surrogate.surrogate import BEAM_LABELS, Surrogate
from lattice_gnn.tensors.stiffness import Stiffness
from lattice_gnn.wording import percent


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """A design and the problem that it solves.

    Attributes:
        problem: The problem.
        x: Its variables.
        lattice: The lattice.
        ran_out: Whether the limit of steps ended the search.
        rounded: Whether it is rounded; not where no rounded design can be evaluated.
        margins: How far the search kept away from the bounds of the first constraints, in multiples
            of their scales.
    """

    problem: Problem
    x: Float[np.ndarray, " variables"]
    lattice: Lattice
    ran_out: bool
    rounded: bool = True
    margins: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Verification:
    """What the reference says.

    Attributes:
        method: The reference.
        start: The start.
        design: The design.
        refinements: The refinements, in order.
    """

    method: Method
    start: Checked
    design: Checked
    refinements: tuple[Refinement, ...] = ()


def evaluate(design: Design) -> DesignState:
    """Evaluate the lattice of a design by its problem's evaluator."""
    return evaluate_lattice(design.problem, design.lattice)


def evaluate_lattice(problem: Problem, lattice: Lattice) -> DesignState:
    """Evaluate a lattice by a problem's evaluator."""
    batch = problem.made.batch(LatticeBatch.from_lattices([lattice]))
    with torch.no_grad():
        return DesignState(batch, problem.made.stiffness(problem.evaluator(batch)))


def assemble(
    task: Task,
    design: Design,
    verification: Verification | None,
    found: Found,
    told: tuple[tuple[str, ...], tuple[Step, ...]],
    *,
    interrupted: bool,
) -> DesignResult:
    """Return the result.

    Args:
        task: The task.
        design: The design, rounded.
        verification: What the reference says; None if it was not asked.
        found: What the search found.
        told: Notes so far, and the history.
        interrupted: Whether the user ended any part of the design.
    """
    notes, history = told
    problem, state = design.problem, evaluate(design)
    status, unbalanced = _status(design, task, interrupted=found.interrupted)
    constraints = _constraint_values(problem, state, verification)
    first = evaluate_lattice(problem, task.start)
    with torch.no_grad():
        before, value = (float(problem.objective(at)) for at in (first, state))
    return DesignResult(
        task=task,
        start=task.start,
        start_stiffness=Stiffness(first.stiffness[0]),
        lattice=design.lattice,
        stiffness=Stiffness(state.stiffness[0]),
        evaluator=problem.evaluator.name,
        status=status,
        optimality=unbalanced,
        objective=ObjectiveValue(
            name=task.objective.name,
            aim=task.aim,
            start=before,
            value=value,
            start_reference=None if verification is None else verification.start.objective,
            reference=None if verification is None else verification.design.objective,
            reference_error=None if verification is None else verification.design.objective_error,
        ),
        constraints=constraints,
        reference=None if verification is None else _reference(state, verification),
        verdict=Verdict.UNCHECKED
        if verification is None
        else judge(task, verification.start, verification.design),
        history=history,
        starts=found.starts,
        refinements=() if verification is None else verification.refinements,
        symmetry=repr(problem.variables.group) if task.keep_symmetry else None,
        variables=problem.variables.count,
        notes=(
            *notes,
            *_end_notes(design, task, constraints),
            *(() if verification is None else _reference_notes(task, constraints, verification)),
        ),
        interrupted=interrupted,
    )


def _status(design: Design, task: Task, *, interrupted: bool) -> tuple[Status, float]:
    """Judge the rounded design by its constraints and its first-order optimality."""
    problem = design.problem.tightened(design.margins)
    z = problem.z(design.x)
    unbalanced = optimality(problem, z, _rounding(design, task))
    if interrupted:
        return Status.INTERRUPTED, unbalanced
    feasible = problem.at(z[None], gradient=False).excess[0] <= 0
    if feasible and unbalanced <= task.settings.optimality:
        return Status.CONVERGED, unbalanced
    return (Status.MAX_STEPS if design.ran_out else Status.STALLED), unbalanced


def _rounding(design: Design, task: Task) -> Float[np.ndarray, " variables"]:
    """Return the unit to which each variable was rounded, in typical steps."""
    units = design.problem.variables.units(design.x, task.settings.digits)
    return units / design.problem.scale


def _constraint_values(
    problem: Problem, state: DesignState, verification: Verification | None
) -> tuple[ConstraintValue, ...]:
    """Return every constraint at the design; guards, which come last, have no reference."""
    rows = []
    for k, constraint in enumerate(problem.constraints):
        with torch.no_grad():
            value, violation = worst_value(constraint, state)
        checked = None if verification is None else verification.design
        known = checked is not None and k < len(checked.values)
        rows.append(
            ConstraintValue(
                name=constraint.name,
                value=value,
                violation=violation,
                allowed=constraint.allowed,
                reference=checked.values[k] if checked and known else None,
                reference_violation=checked.violations[k] if checked and known else None,
                reference_worst=checked.most[k] if checked and known else None,
            )
        )
    return tuple(rows)


def _reference(state: DesignState, verification: Verification) -> Reference:
    checked = verification.design
    apart = torch.linalg.norm(state.stiffness[0] - checked.mandel)
    return Reference(
        method=verification.method,
        stiffness=Stiffness(checked.mandel),
        error=checked.error,
        gap=float(apart / torch.linalg.norm(checked.mandel)),
    )


def _reference_notes(
    task: Task, constraints: tuple[ConstraintValue, ...], verification: Verification
) -> tuple[str, ...]:
    """Say which constraints the reference finds violated, and where its error leaves that open."""
    by, design = f"{verification.method} FEM", verification.design
    notes = []
    for row in constraints:
        allowed = max(row.allowed, task.settings.reference_tolerance)
        if (row.reference_violation or 0.0) > allowed:
            notes.append(
                f"By {by}, {row.name} is violated by {percent(row.reference_violation or 0.0)} of "
                "its scale."
            )
        elif (row.reference_worst or 0.0) > allowed:
            notes.append(
                f"The error of {by}, {percent(design.error or 0.0)} of C, leaves open whether "
                f"{row.name} holds: it may be violated by {percent(row.reference_worst or 0.0)} of "
                "its scale."
            )
    return tuple(notes)


def _end_notes(
    design: Design, task: Task, constraints: tuple[ConstraintValue, ...]
) -> tuple[str, ...]:
    """Say which constraints are violated, what limits the result, and where it leaves a domain."""
    notes = [
        f"No design that satisfies {row.name} was found: its value is {row.value:.4g}, violated by "
        f"{percent(row.violation)} of its scale."
        for row in constraints
        if not row.satisfied
    ]
    if not design.rounded:
        notes.append("No rounded design can be evaluated, so that this one is not rounded.")
    problem, made = design.problem, design.problem.made
    printed = made.lattice(design.lattice)
    if str(made):
        notes.append(f"All values are those of the lattice as it is manufactured: {made}.")
    notes += [x.text for x in warnings(printed) if x.kind != "slenderness" or _is_frame(task)]
    notes += [
        f"The design lies outside the training set of the network: {text}."
        for text in problem.evaluator.notes(printed)
    ]
    lower, upper = at_bounds(problem, problem.z(design.x), _rounding(design, task))
    if at_bound := int((lower | upper).sum()):
        notes.append(
            f"{at_bound} of {problem.variables.count} variables are at their bounds (see settings: "
            "move, radius_bounds, strain)."
        )
    return tuple(notes)


def _is_frame(task: Task) -> bool:
    """Whether beam theory, which struts may be too thick for, evaluates or verifies the design."""
    fidelity = task.fidelity
    learned = isinstance(fidelity, Surrogate) and fidelity.reference == BEAM_LABELS
    return learned or fidelity == "beam" or reference_method(task) == "beam"
