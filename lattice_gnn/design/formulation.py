"""The optimisation problem that a design task states."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from lattice_gnn.design.evaluators import Evaluator, make_evaluator
from lattice_gnn.design.point import Point
from lattice_gnn.design.problem import Problem
from lattice_gnn.design.quantities import Constraint, Quantity
from lattice_gnn.design.reachable import check_reachable
from lattice_gnn.design.state import DesignState
from lattice_gnn.design.strut_rules import shortest_over
from lattice_gnn.design.task import Task
from lattice_gnn.design.variables import Variables, make_variables
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.lattice.space_group import find_space_group, trivial_group


@dataclass(frozen=True, slots=True, eq=False)
class Formulation:
    """The optimisation problem of a task.

    Attributes:
        task: The task, with one value as objective, and with the scales of constraints that compare
            quantities, which are taken at the start: a difference of two quantities has no scale
            of its own.
        problem: The problem.
        start: The start, evaluated.
    """

    task: Task
    problem: Problem
    start: Point


def formulate(task: Task) -> Formulation:
    """Set up the optimisation problem of a task; its start is evaluated once.

    Raises:
        LatticeGnnError: If nothing can vary, a target cannot be reached under the symmetry that is
            kept, the start cannot be evaluated, or constraints contradict one another.
    """
    objective = task.objective.smallest() if task.aim == "maximise" else task.objective.largest()
    task = replace(task, objective=objective)
    group = find_space_group(task.start) if task.keep_symmetry else trivial_group(task.start)
    check_reachable(task, group)
    variables = make_variables(task.start, task.vary, group, task.settings)
    problem = problem_of(task, variables, make_evaluator(task.fidelity))
    start = problem.at(np.zeros((1, variables.count)))
    if not np.isfinite(start.excess[0]):
        raise LatticeGnnError(
            f"design: the start has no finite {task.objective.name} or constraints; check for "
            "struts that are extremely short or thin, or far too thick for the network"
        )
    _check_contradictions(start)
    # A start whose objective is near zero would give a unit out of proportion to its changes.
    steepest = float(np.linalg.norm(start.objective_gradient()))
    unit = max(abs(start.objective.item()), steepest if np.isfinite(steepest) else 0.0)
    with torch.no_grad():
        problem = replace(
            problem,
            unit=unit or 1.0,
            constraints=tuple(c.scaled_at(start.state) for c in problem.constraints),
        )
    task = replace(task, constraints=problem.constraints[: len(task.constraints)])
    return Formulation(task, problem, start.of(problem))


def problem_of(task: Task, variables: Variables, evaluator: Evaluator) -> Problem:
    """Return the problem of a task with these variables and this evaluator."""
    guards: tuple[Constraint, ...] = ()
    if {block.kind for block in variables.blocks} & {"nodes", "cell"}:
        guards = (strut_guard(variables.lattice, task.settings.shortest),)
    return Problem(
        variables=variables,
        evaluator=evaluator,
        objective=task.objective,
        sign=1 if task.aim == "minimise" else -1,
        constraints=(*task.constraints, *guards),
        made=task.settings.as_manufactured,
    )


def strut_guard(lattice: Lattice, share: float) -> Constraint:
    """Return the constraint that no strut becomes shorter than a share of its present length."""
    lengths = torch.from_numpy(lattice.lengths)

    def shortest(state: DesignState) -> Tensor:
        return (state.per_strut(state.batch.lengths) / lengths).amin(1)

    rule = shortest_over(lattice.lengths)
    name = "strut length over its start"
    return Quantity(name, shortest, needs_stiffness=False, strut_rule=rule) >= share


def _check_contradictions(start: Point) -> None:
    """Refuse a lower bound above an upper bound on one quantity.

    Quantities of one name are one if they have the same values at the start: two targets, or two
    functions of the user, may share a name.
    """
    several = list(zip(start.problem.constraints, start.terms[1:], strict=True))
    for low, of_low in several:
        for high, of_high in several:
            if low is high or low.sense == "<=" or high.sense == ">=":
                continue
            same = low.quantity.name == high.quantity.name
            if not same or not np.array_equal(of_low.values, of_high.values):
                continue
            floor, ceiling = torch.as_tensor(low.bound), torch.as_tensor(high.bound)
            both = low.sense == high.sense == "=="
            if bool((floor > ceiling).any()) or (both and not torch.equal(floor, ceiling)):
                raise LatticeGnnError(
                    f"design: {low.name} and {high.name} contradict each other; leave one out"
                )
