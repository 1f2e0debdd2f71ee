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
from lattice_gnn.surrogate.surrogate import Surrogate

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
    """

    mandel: Float[Tensor, "6 6"]
    error: float | None
    objective: float
    values: tuple[float, ...]
    violations: tuple[float, ...]


def reference_method(task: Task) -> Method | None:
    """Return the reference of a task: that of the settings, or that of the fidelity."""
    if task.settings.reference == "none":
        return None
    if task.settings.reference != "auto":
        return task.settings.reference
    if task.fidelity == "beam":
        return "beam"
    if task.fidelity == "solid" or isinstance(task.fidelity, Surrogate):
        return "solid"
    return None


def check(task: Task, lattice: Lattice, method: Method) -> Checked:
    """Evaluate objective and constraints of a lattice, as it is manufactured, by the reference."""
    made = task.settings.as_manufactured
    lattice = made.lattice(lattice)
    if method == "beam":
        mandel, error = homogenise_beam(lattice).stiffness.mandel[0], None
    else:
        solid = homogenise_solid(lattice, voxels_per_diameter=task.settings.voxels_per_diameter)
        mandel, error = solid.stiffness.mandel, solid.error
    mandel = made.stiffness(mandel)
    state = DesignState(LatticeBatch.from_lattices([lattice]), mandel[None])
    with torch.no_grad():
        found = [worst_value(constraint, state) for constraint in task.constraints]
        return Checked(
            mandel=mandel,
            error=error,
            objective=float(task.objective(state)),
            values=tuple(value for value, _ in found),
            violations=tuple(violation for _, violation in found),
        )


def worst_value(constraint: Constraint, state: DesignState) -> tuple[float, float]:
    """Return the value of a constraint's quantity and its violation; of several, the worst."""
    return float(constraint.worst(state)[0]), float(constraint.violation(state)[0])


def judge(task: Task, start: Checked, design: Checked) -> Verdict:
    """Say whether the reference confirms a design."""
    confirmed = excess(task, design) <= 0 and _gains(task, start, design)
    return Verdict.CONFIRMED if confirmed else Verdict.REFUTED


def excess(task: Task, checked: Checked) -> float:
    """Return the worst violation beyond what a confirmed design may have."""
    allowed = [max(c.allowed, task.settings.reference_tolerance) for c in task.constraints]
    beyond = np.array(checked.violations) - np.array(allowed)
    return float(beyond.max(initial=0.0))


def _gains(task: Task, start: Checked, design: Checked) -> bool:
    """Whether the objective is no worse than the start's, which may violate the constraints."""
    if excess(task, start) > 0:
        return True
    loss = start.objective - design.objective
    if task.aim == "minimise":
        loss = -loss
    return loss <= SAME * abs(start.objective)


def better(task: Task, one: Checked, other: Checked) -> bool:
    """Whether one design is better than another by the reference."""
    first, second = excess(task, one), excess(task, other)
    if first > 0 or second > 0:
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
