"""A design from task to result: search, topology moves, rounding, verification, refinement."""

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float

from lattice_gnn.design.assemble import Design, Verification, assemble, evaluate
from lattice_gnn.design.optimiser import NotFiniteError, slsqp
from lattice_gnn.design.problem import Problem
from lattice_gnn.design.result import DesignResult, Refinement, Verdict
from lattice_gnn.design.rounding import round_design
from lattice_gnn.design.search import search
from lattice_gnn.design.task import Task, make_problem, with_scales
from lattice_gnn.design.topology_moves import improve_topology
from lattice_gnn.design.track import OnStep, Track
from lattice_gnn.design.verify import (
    Checked,
    better,
    check,
    corrected,
    excess,
    judge,
    reference_method,
)
from lattice_gnn.lattice.space_group import find_space_group

_REGION = 0.25  #: share of the range of each variable that the first refinement may use
_REFINE_STEPS = 60
_ZERO = 1e-9  #: a gradient below this, over its largest entry, is zero by symmetry


def run(task: Task, on_step: OnStep | None = None) -> DesignResult:
    """Carry out a design task.

    An interruption (KeyboardInterrupt) ends the search, and the best design so far is the result,
    with the status "interrupted" and without verification. One during verification or refinement
    ends these: what is known by then is the result.

    Raises:
        LatticeGnnError: For a task that cannot be carried out.
    """
    task = with_scales(task)
    problem = make_problem(task)
    track = Track(on_step=on_step)
    nudge = not task.keep_symmetry and find_space_group(task.start).order > 1
    notes = list(_start_notes(problem, nudge=nudge))
    found = search(problem, task, track, nudge=nudge)
    notes += found.notes
    z = found.z
    if task.settings.topology_rounds and not found.interrupted:
        try:
            problem, z, changes = improve_topology(task, problem, z, track)
            notes += changes
        except KeyboardInterrupt:
            found = replace(found, interrupted=True)
    design = _rounded(problem, z, task, ran_out=found.ran_out)
    verification = None
    if not found.interrupted:
        try:
            design, verification = _verified(task, design, track)
        except KeyboardInterrupt:
            notes.append("The verification was interrupted.")
    return assemble(task, design, verification, found, (tuple(notes), tuple(track.history)))


def _start_notes(problem: Problem, *, nudge: bool) -> tuple[str, ...]:
    """Say where the gradient of node positions is zero by symmetry."""
    if nudge:
        return (
            "The start is symmetric, so that its gradient vanishes for all displacements that "
            "break the symmetry; the first start was displaced at random (see seed).",
        )
    z = np.zeros((1, problem.variables.count))
    point = problem.at(z)
    gradients = np.vstack([point.cost_gradient(), point.jacobian()[0]])
    blocks = problem.variables.blocks
    first = 0
    for block in blocks:
        part = gradients[:, first : first + len(block.names)]
        first += len(block.names)
        if block.kind == "nodes" and np.abs(part).max() <= _ZERO * np.abs(gradients).max():
            return (
                "At the start the gradient is zero for every node position, so that no node moves; "
                "displace the start, for example by lattice.perturbed(0.01, seed=0).",
            )
    return ()


def _rounded(
    problem: Problem, z: Float[np.ndarray, " variables"], task: Task, *, ran_out: bool
) -> Design:
    x = round_design(problem, z, task.settings.digits)
    return Design(problem, x, problem.variables.lattice_of(x), ran_out)


def _verified(task: Task, design: Design, track: Track) -> tuple[Design, Verification | None]:
    """Verify a design by the reference, and refine it while it is refuted."""
    method = reference_method(task)
    if method is None:
        return design, None
    start = check(task, task.start, method)
    found = Verification(method, start, check(task, design.lattice, method))
    if task.refine and judge(task, start, found.design) is Verdict.REFUTED:
        return _refine(task, design, found, track)
    return design, found


def _refine(
    task: Task, design: Design, known: Verification, track: Track
) -> tuple[Design, Verification]:
    """Search with the evaluator corrected by the reference until the reference confirms.

    Each search stays in a region about the best design by the reference; the region shrinks where
    the new design is worse.
    """
    best, region = known.design, _REGION
    done: list[Refinement] = []
    for number in range(task.refine):
        track.begin(f"refine {number + 1}")
        try:
            tried, checked, told = _refined(
                task, design, replace(known, design=best), region, track
            )
        except KeyboardInterrupt:
            break
        done.append(told)
        if better(task, checked, best):
            design, best = tried, checked
        else:
            region *= 0.5
        if judge(task, known.start, best) is Verdict.CONFIRMED:
            break
    return design, replace(known, design=best, refinements=tuple(done))


def _refined(
    task: Task, design: Design, known: Verification, region: float, track: Track
) -> tuple[Design, Checked, Refinement]:
    """Search about a design with the corrected evaluator, and check what is found."""
    problem = corrected(design.problem, design.lattice, known.design)
    near = replace(problem, variables=problem.variables.near(design.x, region))
    try:
        ran_out = slsqp(near, near.z(design.x), (track,), _REFINE_STEPS)
    except NotFiniteError:
        ran_out = False
    z = near.z(design.x) if track.best is None else track.best
    tried = replace(_rounded(near, z, task, ran_out=ran_out), problem=problem)
    checked = check(task, tried.lattice, known.method)
    state = evaluate(tried)
    with torch.no_grad():
        value = float(problem.objective(state))
    apart = torch.linalg.norm(state.stiffness[0] - checked.mandel)
    gap = float(apart / torch.linalg.norm(checked.mandel))
    return tried, checked, Refinement(value, checked.objective, excess(task, checked), gap)
