"""A design task: what is asked for, checked before anything is computed."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from lattice_gnn.design.evaluators import Evaluator, make_evaluator
from lattice_gnn.design.problem import Problem
from lattice_gnn.design.quantities import Constraint, Quantity
from lattice_gnn.design.settings import Aim, DesignSettings
from lattice_gnn.design.state import DesignState
from lattice_gnn.design.strut_rules import shortest_over
from lattice_gnn.design.variables import Variables, make_variables
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.lattice.space_group import SpaceGroup, find_space_group, trivial_group
from lattice_gnn.tensors.notation import rotation_mandel
from lattice_gnn.wording import percent

REACHABLE = 1e-3
"""Distance up to which a target counts as reachable under a symmetry, relative."""


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """What is asked for.

    Attributes:
        start: The lattice to start from.
        objective: What is maximised or minimised.
        aim: Which of the two.
        constraints: What must hold.
        vary: What may change, see ``make_variables``.
        keep_symmetry: Whether the space group of the start is kept exactly.
        fidelity: What computes the stiffness, see ``make_evaluator``.
        starts: Number of starts.
        refine: Largest number of refinements.
        seed: Seed of all randomness.
        settings: How to search.
    """

    start: Lattice
    objective: Quantity
    aim: Aim
    constraints: tuple[Constraint, ...] = ()
    vary: tuple[str, ...] = ("nodes", "radii")
    keep_symmetry: bool = True
    fidelity: object = "beam"
    starts: int = 1
    refine: int = 0
    seed: int = 0
    settings: DesignSettings = field(default_factory=DesignSettings)

    def __post_init__(self) -> None:
        """Check numbers, the net and the constraints."""
        for name, least in (("starts", 1), ("refine", 0), ("seed", 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise LatticeGnnError(
                    f"design: {name}: expected a whole number >= {least}, got {value!r:.60}"
                )
        _check_spanning(self.start)
        _check_contradictions(self.constraints)


def make_problem(task: Task) -> Problem:
    """Set up the optimisation problem of a task.

    Raises:
        LatticeGnnError: If nothing can vary, a target cannot be reached under the symmetry that is
            kept, or the start cannot be evaluated.
    """
    group = find_space_group(task.start) if task.keep_symmetry else trivial_group(task.start)
    for quantity in (task.objective, *(c.quantity for c in task.constraints)):
        if quantity.target is not None:
            check_reachable(quantity.target, task.start, group)
    variables = make_variables(task.start, task.vary, group, task.settings)
    problem = problem_of(task, variables, make_evaluator(task.fidelity))
    point = problem.at(np.zeros((1, variables.count)))
    if not np.isfinite(point.excess[0]):
        raise LatticeGnnError(
            f"design: the start has no finite {task.objective.name} or constraints; check for "
            "struts that are extremely short or thin, or far too thick for the network"
        )
    # A start whose objective is near zero would give a unit out of proportion to its changes.
    steepest = float(np.linalg.norm(point.objective_gradient()))
    unit = max(abs(point.objective.item()), steepest if np.isfinite(steepest) else 0.0)
    return replace(problem, unit=unit or 1.0)


def with_scales(task: Task) -> Task:
    """Return the task with the scales of constraints that compare quantities, taken at the start.

    A difference of two quantities has no scale of its own.
    """
    compared = [c for c in task.constraints if c.against is not None and c.scale is None]
    if not compared:
        return task
    made, mandel = task.settings.as_manufactured, None
    batch = made.batch(LatticeBatch.from_lattices([task.start]))
    with torch.no_grad():
        if any(c.quantity.needs_stiffness for c in compared):
            mandel = made.stiffness(make_evaluator(task.fidelity)(batch))
        state = DesignState(batch, mandel)
        constraints = tuple(c.scaled_at(state) for c in task.constraints)
    return replace(task, constraints=constraints)


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


def check_reachable(target: Tensor, lattice: Lattice, group: SpaceGroup) -> None:
    """Refuse a target tensor that no lattice of a symmetry can have.

    A lattice that keeps the point group G has a stiffness invariant under G, so that every C is at
    least as far from the target as the projection of the target, its average over G.

    Raises:
        LatticeGnnError: With the distance between target and projection.
    """
    distance = distance_to_group(target, lattice, group)
    if distance > REACHABLE:
        raise LatticeGnnError(
            f"design: the target cannot be reached with the symmetry {group!r} kept: it is "
            f"{percent(distance, 3)} from its projection onto that symmetry; aim for a target of "
            "that symmetry or set keep_symmetry=False"
        )


def distance_to_group(target: Tensor, lattice: Lattice, group: SpaceGroup) -> float:
    """Return the relative Frobenius distance of a target from its average over a point group.

    Components that are NaN are free: they are taken from the projection.
    """
    Q = rotation_mandel(torch.from_numpy(group.cartesian(lattice.cell)))
    projector = torch.einsum("gij,gkl->ikjl", Q, Q).reshape(36, 36) / len(Q)
    flat = target.detach().reshape(36)
    free = flat.isnan()
    size = float(flat[~free].norm())
    if not free.any():
        return float((flat - projector @ flat).norm()) / size
    # The nearest invariant tensor in the given components, by least squares.
    given = projector[~free]
    found = torch.linalg.lstsq(given, flat[~free, None], driver="gelsd").solution
    return float((given @ found - flat[~free, None]).norm()) / size


def _check_spanning(lattice: Lattice) -> None:
    net = lattice.connectivity()
    if not net.spans_space:
        raise LatticeGnnError(f"design: start {lattice.name!r}: {net.describe()} Add struts first.")


def _check_contradictions(constraints: Sequence[Constraint]) -> None:
    """Refuse a lower bound above an upper bound on one quantity."""
    for low in constraints:
        for high in constraints:
            if low.quantity.name != high.quantity.name or high is low:
                continue
            if low.sense == "<=" or high.sense == ">=":
                continue
            floor, ceiling = torch.as_tensor(low.bound), torch.as_tensor(high.bound)
            both = low.sense == high.sense == "=="
            if bool((floor > ceiling).any()) or (both and not torch.equal(floor, ceiling)):
                raise LatticeGnnError(
                    f"design: {low.name} and {high.name} contradict each other; leave one out"
                )
