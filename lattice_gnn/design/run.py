"""A design from task to result: search, topology moves, rounding, verification, refinement."""

from dataclasses import replace

import numpy as np

from lattice_gnn.design.assemble import assemble
from lattice_gnn.design.checkpoint import Checkpoint
from lattice_gnn.design.formulation import formulate
from lattice_gnn.design.interruption import completed
from lattice_gnn.design.point import Point
from lattice_gnn.design.refine import rounded, verified
from lattice_gnn.design.result import DesignResult
from lattice_gnn.design.search import search
from lattice_gnn.design.task import Task
from lattice_gnn.design.topology_moves import Moved, improve_topology
from lattice_gnn.design.track import OnStep, Track
from lattice_gnn.lattice.space_group import find_space_group

_ZERO = 1e-9  #: a gradient below this, over its largest entry, is zero by symmetry


def run(task: Task, on_step: OnStep | None = None) -> DesignResult:
    """Carry out a design task.

    An interruption (KeyboardInterrupt) ends the search, and the best design so far is the result,
    with the status "interrupted" and without verification. One during verification or refinement
    ends these: what is known by then is the result. With a checkpoint, the same task goes on there.

    Raises:
        LatticeGnnError: For a task that cannot be carried out.
        KeyboardInterrupt: If the user interrupts before any design has been evaluated, or a second
            time while the result is put together.
    """
    stated = formulate(task)
    task, problem = stated.task, stated.problem
    track = Track(on_step=on_step)
    store = Checkpoint(task, stated.start)
    nudge = not task.keep_symmetry and find_space_group(task.start).order > 1
    notes = list(_start_notes(stated.start, nudge=nudge))
    found = search(problem, task, track, store, nudge=nudge)
    notes += found.notes
    moved = Moved(problem, found.z)
    if task.settings.topology_rounds and not found.interrupted:
        moved = improve_topology(task, problem, found.z, track, store)
        notes += moved.notes
        found = replace(found, interrupted=moved.interrupted)
    design, late = completed(lambda: rounded(moved.problem, moved.z, task, ran_out=found.ran_out))
    verification, interrupted = None, found.interrupted or late
    if not interrupted:
        end = verified(task, design, track, store)
        design, verification, interrupted = end.design, end.verification, end.interrupted
        if interrupted and verification is None:
            notes.append("The verification was interrupted.")
        if end.note:
            notes.append(end.note)
    told = (tuple(notes), tuple(track.history))
    result, late = completed(
        lambda: assemble(task, design, verification, found, told, interrupted=interrupted)
    )
    return replace(result, interrupted=interrupted or late)


def _start_notes(start: Point, *, nudge: bool) -> tuple[str, ...]:
    """Say where the gradient of node positions is zero by symmetry."""
    if nudge:
        return (
            "The start is symmetric, so that its gradient vanishes for all displacements that "
            "break the symmetry; the first start was displaced at random (see seed).",
        )
    gradients = np.vstack([start.cost_gradient(), start.jacobian()[0]])
    first = 0
    for block in start.problem.variables.blocks:
        part = gradients[:, first : first + len(block.names)]
        first += len(block.names)
        if block.kind == "nodes" and np.abs(part).max() <= _ZERO * np.abs(gradients).max():
            return (
                "At the start the gradient is zero for every node position, so that no node moves; "
                "displace the start, for example by lattice.perturbed(0.01, seed=0).",
            )
    return ()
