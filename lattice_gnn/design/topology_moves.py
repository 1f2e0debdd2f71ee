"""Topology moves between searches: struts are removed, joints are merged, struts are added.

All moves act on whole orbits of the symmetry that is kept, and the net stays connected in space.
After each move the search continues on the new net; the move is kept if the design is better, or,
where a strut or a joint disappears, no worse to ``EQUAL``.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from lattice_gnn.design.checkpoint import Checkpoint, Section
from lattice_gnn.design.formulation import problem_of
from lattice_gnn.design.net_changes import merge_joints, new_orbits, with_struts, without_struts
from lattice_gnn.design.optimality import reduced_cost
from lattice_gnn.design.optimiser import NotFiniteError, slsqp
from lattice_gnn.design.problem import Problem
from lattice_gnn.design.settings import DesignSettings
from lattice_gnn.design.task import Task
from lattice_gnn.design.track import Track
from lattice_gnn.design.variables import make_variables
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.json_file import lattice_from_dict, lattice_to_dict
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.lattice.space_group import SpaceGroup, group_of_changed
from lattice_gnn.wording import counted

EQUAL = 2e-3
"""Relative loss of the objective that is accepted where a move simplifies the net."""
_THIN = 1.05  #: radius, in smallest admissible radii, up to which a strut is removed
_CLOSE = 1.5  #: length, in shortest admissible lengths, up to which a strut is contracted
_REACH = 1.6  #: longest strut that is added, in mean strut lengths
_SCREENED = 12  #: orbits of new struts, shortest first, whose reduced cost is computed
_TRIED = 2  #: orbits of new struts that are tried in a round


@dataclass(frozen=True, slots=True, eq=False)
class _Standing:
    """A design on its own net.

    Attributes:
        problem: The problem.
        z: Its scaled variables.
        cost: Its cost.
        excess: Its violation beyond what is allowed.
    """

    problem: Problem
    z: Float[np.ndarray, " variables"]
    cost: float
    excess: float

    @property
    def lattice(self) -> Lattice:
        """The lattice of the design."""
        return self.problem.variables.lattice_of(self.problem.x(self.z))


@dataclass(frozen=True, slots=True, eq=False)
class Moved:
    """What topology moves have led to.

    Attributes:
        problem: The problem on the final net.
        z: Scaled variables of the design.
        notes: What was changed.
        interrupted: Whether the user ended the moves.
    """

    problem: Problem
    z: Float[np.ndarray, " variables"]
    notes: tuple[str, ...] = ()
    interrupted: bool = False


def improve_topology(
    task: Task,
    problem: Problem,
    z: Float[np.ndarray, " variables"],
    track: Track,
    store: Checkpoint,
) -> Moved:
    """Make rounds of topology moves until none helps; rounds in the checkpoint are not repeated.

    An interruption ends the moves; the rounds that were finished count.
    """
    try:
        now, notes, done = _resumed(task, _standing(problem, z), store.get("topology"))
    except KeyboardInterrupt:
        return Moved(problem, z, interrupted=True)
    try:
        for number in range(done, task.settings.topology_rounds):
            track.begin(f"topology {number + 1}")
            kept = None
            for text, lattice in _moves(task, now):
                tried = _continued(task, now, lattice, track)
                if tried is not None and _accepts(now, tried):
                    now, kept = tried, text
                    break
            if kept is not None:
                notes.append(f"Topology: {kept}.")
            done = task.settings.topology_rounds if kept is None else number + 1
            store.put("topology", _section(now, notes, done))
            if kept is None:
                break
    except KeyboardInterrupt:
        return Moved(now.problem, now.z, tuple(notes), interrupted=True)
    return Moved(now.problem, now.z, tuple(notes))


def _section(now: _Standing, notes: list[str], done: int) -> Section:
    """Return the state after some rounds as arrays, for a checkpoint."""
    net = lattice_to_dict(now.problem.variables.lattice)
    return {
        "net": np.array(json.dumps(net)),
        "z": now.z,
        "notes": np.array(notes, dtype=np.str_),
        "done": np.array(done),
    }


def _resumed(
    task: Task, first: _Standing, saved: Section | None
) -> tuple[_Standing, list[str], int]:
    """Return the state after the rounds of a checkpoint, their notes and their number."""
    if saved is None:
        return first, [], 0
    notes, lattice = saved["notes"].tolist(), lattice_from_dict(json.loads(str(saved["net"])))
    problem = _problem_on(task, first, lattice) if notes else first.problem
    return _standing(problem, saved["z"]), notes, int(saved["done"])


def _standing(problem: Problem, z: Float[np.ndarray, " variables"]) -> _Standing:
    point = problem.at(z[None], gradient=False)
    return _Standing(problem, z, point.cost.item(), float(point.excess[0]))


def _accepts(now: _Standing, tried: _Standing) -> bool:
    if tried.excess > 0 or now.excess > 0:
        return tried.excess < now.excess
    fewer = tried.lattice.num_struts < now.lattice.num_struts
    loss = EQUAL * abs(now.cost)
    return tried.cost < (now.cost + loss if fewer else now.cost - loss)


def _continued(task: Task, now: _Standing, lattice: Lattice, track: Track) -> _Standing | None:
    """Search again from a lattice with another net; None if it cannot be searched."""
    try:
        problem = _problem_on(task, now, lattice)
        own = Track()
        z = np.zeros(problem.variables.count)
        slsqp(problem, z, (own, track), task.settings.max_steps)
    except (LatticeGnnError, NotFiniteError):
        return None  # the move leads to no lattice that can be searched, so it is not made
    return None if own.best is None else _standing(problem, own.best)


def _problem_on(task: Task, now: _Standing, lattice: Lattice) -> Problem:
    """Return the problem on another net, with the symmetry and the unit of the present one."""
    group = group_of_changed(lattice, now.problem.variables.group)
    variables = make_variables(lattice, task.vary, group, _fixed_bounds(task, now))
    problem = problem_of(task, variables, now.problem.evaluator)
    return replace(problem, unit=now.problem.unit)


def _fixed_bounds(task: Task, now: _Standing) -> DesignSettings:
    """Return the settings with the radius bounds of the first net."""
    for block in now.problem.variables.blocks:
        if block.kind == "radii" and task.settings.radius_bounds is None:
            return replace(task.settings, radius_bounds=block.extremes)
    return task.settings


def _moves(task: Task, now: _Standing) -> Iterator[tuple[str, Lattice]]:
    """Propose lattices: simpler ones first, then ones with more struts."""
    lattice, group = now.lattice, now.problem.variables.group
    thin = _thin_struts(now, lattice)
    if thin.any():
        simpler = without_struts(lattice, thin)
        if simpler is not None:
            yield f"{counted(int(thin.sum()), 'thin strut')} removed", simpler
    mean = float(task.start.lengths.mean())
    short = lattice.lengths < _CLOSE * task.settings.shortest * mean
    if short.any():
        merged = merge_joints(lattice, _whole_orbits(short, group))
        if merged is not None:
            yield f"joints merged along {counted(int(short.sum()), 'short strut')}", merged
    yield from _additions(task, now, lattice, group)


def _thin_struts(now: _Standing, lattice: Lattice) -> Bool[np.ndarray, " struts"]:
    for block in now.problem.variables.blocks:
        if block.kind == "radii":
            return lattice.radii <= _THIN * block.extremes[0]
    return np.zeros(lattice.num_struts, dtype=bool)


def _whole_orbits(
    chosen: Bool[np.ndarray, " struts"], group: SpaceGroup
) -> Bool[np.ndarray, " struts"]:
    images: Bool[np.ndarray, " struts"] = chosen[group.strut_images].any(0)
    return images


def _additions(
    task: Task, now: _Standing, lattice: Lattice, group: SpaceGroup
) -> Iterator[tuple[str, Lattice]]:
    """Propose the orbits of new struts that promise most by their reduced cost.

    Their own radii are what the cost is reduced by, so that there are none without such variables.
    """
    settings = _fixed_bounds(task, now)
    if "radii" not in task.vary or settings.radius_bounds is None:
        return
    ranked: list[tuple[float, int, Lattice]] = []
    for orbit in new_orbits(lattice, group, _REACH * float(lattice.lengths.mean()))[:_SCREENED]:
        fuller = with_struts(lattice, orbit, settings.radius_bounds[0])
        if fuller is None:
            continue
        problem = _problem_on(task, now, fuller)
        variables = problem.variables
        names = {f"radius of strut {s}" for s in range(lattice.num_struts, fuller.num_struts)}
        new = np.array([name in names for name in variables.names])
        gain = reduced_cost(problem, np.zeros(variables.count), new)
        if gain < 0:
            ranked.append((gain, len(orbit), fuller))
    for _, count, fuller in sorted(ranked, key=lambda item: item[:2])[:_TRIED]:
        yield f"{counted(count, 'strut')} added", fuller
