"""Verification of a design by a reference, and refinement until the reference confirms it."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from fem_reference.beam.homogenise import homogenise_beam
from fem_reference.solid.homogenise import homogenise_solid
from lattice_gnn.design.problem import Problem
from lattice_gnn.design.quantities import Constraint
from lattice_gnn.design.result import Verdict
from lattice_gnn.design.state import DesignState
from lattice_gnn.design.task import Task
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.surrogate.surrogate import BEAM_LABELS, Surrogate

Method = Literal["beam", "solid"]

SAME = 1e-3
"""Relative loss of the objective that is attributed to rounding."""


@dataclass(frozen=True, slots=True, eq=False)
class Checked:
    """A lattice by the reference.

    Attributes:
        mandel: C / E_s.
        error: Estimated relative error of a solid; None for beams.
        objective: The objective.
        values: The value of every constraint's quantity (of several, the worst).
        violations: The violation of every constraint, in multiples of its scale.
        objective_error: Change of the objective by the estimated error of C; 0 for beams.
        least: The violations at their smallest, with that error.
        most: The violations at their largest.
        margins: How far each bound must be away for that error not to matter, in multiples of the
            scale of its constraint; 0 for beams and for required values.
    """

    mandel: Float[Tensor, "6 6"]
    error: float | None
    objective: float
    values: tuple[float, ...]
    violations: tuple[float, ...]
    objective_error: float = 0.0
    least: tuple[float, ...] = ()
    most: tuple[float, ...] = ()
    margins: tuple[float, ...] = ()


def reference_method(task: Task) -> Method | None:
    """Return the reference of a task: that of the settings, or that of the fidelity.

    A surrogate is verified by the method that its labels were computed by.
    """
    if task.settings.reference == "none":
        return None
    if task.settings.reference != "auto":
        return task.settings.reference
    fidelity = task.fidelity
    if isinstance(fidelity, Surrogate):
        return "beam" if fidelity.reference == BEAM_LABELS else "solid"
    if fidelity == "beam":
        return "beam"
    return "solid" if fidelity == "solid" else None


def check(task: Task, lattice: Lattice, method: Method) -> Checked:
    """Evaluate objective and constraints of a lattice, as it is manufactured, by the reference.

    The error of a solid is estimated by the step of its extrapolation, C - C_fine. Objective and
    constraints are evaluated for C and for this step to either side of it.
    """
    made = task.settings.as_manufactured
    lattice = made.lattice(lattice)
    if method == "beam":
        mandel, error = homogenise_beam(lattice).stiffness.mandel[0], None
        tensors = [mandel]
    else:
        solid = homogenise_solid(lattice, voxels_per_diameter=task.settings.voxels_per_diameter)
        mandel, error = solid.stiffness.mandel, solid.error
        step = solid.fine.stiffness.mandel - mandel
        step = step * (error * mandel.norm() / step.norm().clamp_min(1e-300))
        tensors = [mandel, mandel + step, mandel - step]
    batch = LatticeBatch.from_lattices([lattice])
    states = [DesignState(batch, made.stiffness(C)[None]) for C in tensors]
    with torch.no_grad():
        objectives = [float(task.objective(state)) for state in states]
        found = [[worst_value(constraint, at) for constraint in task.constraints] for at in states]
    violations = [[violation for _, violation in one] for one in found]
    return Checked(
        mandel=made.stiffness(mandel),
        error=error,
        objective=objectives[0],
        values=tuple(value for value, _ in found[0]),
        violations=tuple(violations[0]),
        objective_error=max(abs(x - objectives[0]) for x in objectives),
        least=tuple(map(min, zip(*violations, strict=True))),
        most=tuple(map(max, zip(*violations, strict=True))),
        margins=tuple(_margin(constraint, states) for constraint in task.constraints),
    )


def _margin(constraint: Constraint, states: list[DesignState]) -> float:
    """Return by how much the first state satisfies a bound better than the worst of all."""
    if constraint.sense == "==":
        return 0.0
    with torch.no_grad():
        slack = [float(constraint.residual(state).min()) for state in states]
    return slack[0] - min(slack)


def worst_value(constraint: Constraint, state: DesignState) -> tuple[float, float]:
    """Return the value of a constraint's quantity and its violation; of several, the worst."""
    return float(constraint.worst(state)[0]), float(constraint.violation(state)[0])


def judge(task: Task, start: Checked, design: Checked) -> Verdict:
    """Say whether the reference confirms a design, as far as its own error allows."""
    error = start.objective_error + design.objective_error
    if excess(task, design.least) > 0 or _loss(task, start, design) > error:
        return Verdict.REFUTED
    if excess(task, design.most) > 0 or _loss(task, start, design) > -error:
        return Verdict.UNDECIDED
    return Verdict.CONFIRMED


def fulfils(task: Task, start: Checked, design: Checked) -> bool:
    """Whether a design does what is asked for by the reference, whatever its error."""
    return excess(task, design.violations) <= 0 and _loss(task, start, design) <= 0


def _loss(task: Task, start: Checked, design: Checked) -> float:
    """Return by how much more than rounding the objective is worse than the start's.

    A start that violates the constraints is no measure of the objective.
    """
    if excess(task, start.violations) > 0:
        return -np.inf
    loss = start.objective - design.objective
    return (loss if task.aim == "maximise" else -loss) - SAME * abs(start.objective)


def excess(task: Task, violations: tuple[float, ...]) -> float:
    """Return the worst violation beyond what a confirmed design may have."""
    least = task.settings.reference_tolerance
    allowed = [max(c.allowed, least) for c in task.constraints]
    return float((np.array(violations) - np.array(allowed)).max(initial=0.0))


def better(task: Task, one: Checked, other: Checked) -> bool:
    """Whether one design is better than another by the reference.

    Smaller violations count first, then those that the error of the reference leaves possible, then
    the objective.
    """
    first, second = (
        (excess(task, design.violations), excess(task, design.most)) for design in (one, other)
    )
    if first != second:
        return first < second
    if task.aim == "maximise":
        return one.objective > other.objective
    return one.objective < other.objective


def corrected(problem: Problem, lattice: Lattice, checked: Checked) -> Problem:
    """Return the problem with its evaluator corrected so that it gives the reference here."""
    plain = replace(problem.evaluator, correction=None)
    with torch.no_grad():
        (value,) = plain(problem.made.batch(LatticeBatch.from_lattices([lattice])))
    known = checked.mandel / problem.made.modulus_factor
    return replace(problem, evaluator=plain.corrected(value, known))
