"""Verification of a design, and refinement until the reference confirms it."""

import json
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from lattice_gnn.design.assemble import Design, Verification, evaluate
from lattice_gnn.design.checkpoint import Checkpoint, Section
from lattice_gnn.design.optimiser import NotFiniteError, slsqp
from lattice_gnn.design.problem import Problem
from lattice_gnn.design.result import Refinement, Verdict
from lattice_gnn.design.rounding import round_design
from lattice_gnn.design.task import Task
from lattice_gnn.design.track import Track
from lattice_gnn.design.verify import (
    Checked,
    better,
    check,
    corrected,
    excess,
    fulfils,
    judge,
    reference_method,
)
from lattice_gnn.errors import LatticeGnnError

_REGION = 0.25  #: share of the range of each variable that the first refinement may use
_STEPS = 60
_STAGE = "verification"


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """What the reference has said so far.

    Attributes:
        design: The best design by the reference.
        found: What the reference says of it and of the start.
        region: Share of the range of each variable that the next refinement may use.
    """

    design: Design
    found: Verification
    region: float = _REGION


def rounded(
    problem: Problem, z: Float[np.ndarray, " variables"], task: Task, *, ran_out: bool
) -> Design:
    """Return a design after rounding."""
    x, done = round_design(problem, z, task.settings.digits)
    return Design(problem, x, problem.variables.lattice_of(x), ran_out, done)


@dataclass(frozen=True)
class Verified:
    """A design after verification and refinement.

    Attributes:
        design: The design.
        verification: What the reference says of it; None if it was not asked, or refused.
        interrupted: Whether the user interrupted.
        note: What the reference refused, one sentence; empty if nothing.
    """

    design: Design
    verification: Verification | None = None
    interrupted: bool = False
    note: str = ""


def verified(task: Task, design: Design, track: Track, store: Checkpoint) -> Verified:
    """Verify a design by the reference, and refine it until the reference confirms it.

    A reference that refuses a lattice, such as one whose grid needs too much memory, ends this;
    the design is kept.
    """
    method = reference_method(task)
    if method is None:
        return Verified(design)
    saved = store.get(_STAGE)
    if saved is not None:
        known = _resumed(task, design, saved)
    else:
        try:
            start = check(task, task.start, method)
            found = Verification(method, start, check(task, design.lattice, method))
        except KeyboardInterrupt:
            return Verified(design, interrupted=True)
        except LatticeGnnError as error:
            return Verified(design, note=f"The design could not be verified: {error}")
        known = _Known(design, found)
    interrupted, note = False, ""
    try:
        store.put(_STAGE, _section(known))
        while len(known.found.refinements) < task.refine and _open(task, known):
            known = _refined(task, known, track)
            store.put(_STAGE, _section(known))
    except KeyboardInterrupt:
        interrupted = True
    except LatticeGnnError as error:
        note = f"Refinement ended: {error}"
    return Verified(known.design, known.found, interrupted, note)


def _open(task: Task, known: _Known) -> bool:
    """Whether refinement goes on: until the reference confirms the design.

    What fulfils the task by its value is left as undecided once a refinement brings no more.
    """
    start, design = known.found.start, known.found.design
    if judge(task, start, design) is Verdict.CONFIRMED:
        return False
    return known.region == _REGION or not fulfils(task, start, design)


def _refined(task: Task, known: _Known, track: Track) -> _Known:
    """Search about the best design with the evaluator corrected by the reference.

    The search stays in a region that shrinks where the new design is worse, and keeps away from the
    bounds of the constraints by what the reference's own error makes of them.
    """
    track.begin(f"refine {len(known.found.refinements) + 1}")
    design, best = known.design, known.found.design
    problem = corrected(design.problem, design.lattice, best)
    near = replace(
        problem.tightened(best.margins),
        variables=problem.variables.near(design.x, known.region),
    )
    try:
        ran_out = slsqp(near, near.z(design.x), (track,), _STEPS)
    except NotFiniteError:
        ran_out = False
    z = near.z(design.x) if track.best is None else track.best
    tried = replace(rounded(near, z, task, ran_out=ran_out), problem=problem, margins=best.margins)
    checked = check(task, tried.lattice, known.found.method)
    told = _told(task, tried, checked)
    found = replace(known.found, refinements=(*known.found.refinements, told))
    if better(task, checked, best):
        return _Known(tried, replace(found, design=checked), known.region)
    return _Known(design, found, 0.5 * known.region)


def _told(task: Task, tried: Design, checked: Checked) -> Refinement:
    state = evaluate(tried)
    with torch.no_grad():
        value = float(tried.problem.objective(state))
    apart = torch.linalg.norm(state.stiffness[0] - checked.mandel)
    gap = float(apart / torch.linalg.norm(checked.mandel))
    return Refinement(value, checked.objective, excess(task, checked.violations), gap)


def _section(known: _Known) -> Section:
    """Return what is known as arrays, for a checkpoint."""
    design, found = known.design, known.found
    correction = design.problem.evaluator.correction
    return {
        "x": design.x,
        "flags": np.array([design.ran_out, design.rounded]),
        "margins": np.array(design.margins),
        "correction": np.zeros((0, 6)) if correction is None else correction.numpy(),
        "region": np.array(known.region),
        "refinements": np.array(json.dumps([asdict(one) for one in found.refinements])),
        "checked": np.array(json.dumps([_plain(found.start), _plain(found.design)])),
    }


def _plain(checked: Checked) -> dict[str, Any]:
    values = {item.name: getattr(checked, item.name) for item in fields(checked)}
    return {**values, "mandel": checked.mandel.tolist()}


def _resumed(task: Task, design: Design, saved: Section) -> _Known:
    """Return what a checkpoint says of the design of the search and its refinements."""
    start, best = (_checked(one) for one in json.loads(str(saved["checked"])))
    problem = design.problem
    if len(saved["correction"]):
        evaluator = replace(problem.evaluator, correction=torch.from_numpy(saved["correction"]))
        problem = replace(problem, evaluator=evaluator)
    x, (ran_out, done) = saved["x"], saved["flags"].tolist()
    told = tuple(Refinement(**one) for one in json.loads(str(saved["refinements"])))
    method = reference_method(task)
    found = Verification(method or "beam", start, best, told)
    lattice = problem.variables.lattice_of(x)
    margins = tuple(saved["margins"].tolist())
    best_design = Design(problem, x, lattice, ran_out, done, margins)
    return _Known(best_design, found, float(saved["region"]))


def _checked(plain: dict[str, Any]) -> Checked:
    values: dict[str, Any] = {
        key: tuple(x) if isinstance(x, list) else x for key, x in plain.items()
    }
    return Checked(**{**values, "mandel": torch.tensor(plain["mandel"], dtype=torch.float64)})
