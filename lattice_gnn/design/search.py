"""One search: the starts, the optimisers, the best design."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from lattice_gnn.design.checkpoint import Checkpoint, Section
from lattice_gnn.design.interruption import completed
from lattice_gnn.design.multistart import Population, batched_search, draw_starts
from lattice_gnn.design.optimiser import NotFiniteError, slsqp
from lattice_gnn.design.problem import Problem
from lattice_gnn.design.task import Task
from lattice_gnn.design.track import Track

_BROKEN = (
    "The gradient is not finite at a design of the search, which stopped there; a strut may have "
    "become extremely short or thin."
)
_NUDGE = 0.02  #: displacement of a symmetric start whose symmetry may break, in ranges


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What a search found.

    Attributes:
        z: Scaled variables of the best design.
        starts: Objectives of the feasible starts, best first.
        ran_out: Whether the limit of steps ended it.
        interrupted: Whether the user ended it.
        notes: What a user must know.
    """

    z: Float[np.ndarray, " variables"]
    starts: tuple[float, ...] = ()
    ran_out: bool = False
    interrupted: bool = False
    notes: tuple[str, ...] = ()


def search(problem: Problem, task: Task, track: Track, store: Checkpoint, *, nudge: bool) -> Found:
    """Search from all starts of a task, or go on where a checkpoint is.

    Args:
        problem: The problem.
        task: Its task: number of starts, seed, settings.
        track: Follows the search.
        store: The checkpoint.
        nudge: Whether the first start is displaced too, because it is symmetric and the search may
            break that symmetry.

    Raises:
        KeyboardInterrupt: If the user ends the search before any design has been evaluated.
    """
    finished = store.get("found")
    if finished is not None:
        track.see(problem.at(finished["z"][None], gradient=False))
        return _found_of(finished)
    starts = _starts(problem, task, nudge=nudge)
    best, population = store.get("best"), None
    if task.settings.method == "batched" or (task.settings.method == "auto" and task.starts > 1):
        state = store.get("population")
        population = Population.of_section(state) if state else Population.at(problem, starts)
    if best is not None:
        track.see(problem.at(best["z"][None], gradient=False))
        track.steps = 0 if population is None else population.step
        starts[0] = best["z"]

    def keep(at: Track) -> None:
        if at.best is not None:
            store.put("best", {"z": at.best})
        if population is not None:
            store.put("population", population.section())

    track.keep = keep
    run = _Run(problem, task, track, population)
    try:
        run.all(starts)
    except KeyboardInterrupt:
        run.interrupted = True
    if run.interrupted and track.best is None:
        raise KeyboardInterrupt  # nothing has been found
    track.keep = None
    _, late = completed(lambda: keep(track))
    z = np.zeros(problem.variables.count) if track.best is None else track.best
    found = Found(z, run.values(), run.ran_out, run.interrupted or late, tuple(run.notes))
    if not found.interrupted:
        store.put("found", _section_of(found))
    return found


def _starts(problem: Problem, task: Task, *, nudge: bool) -> Float[np.ndarray, "starts variables"]:
    rng = np.random.default_rng(task.seed)
    starts = draw_starts(problem, task.starts, task.settings.perturbation, rng)
    if nudge:
        starts[0] = draw_starts(problem, 2, _NUDGE, rng)[1]
    return starts


def _section_of(found: Found) -> Section:
    return {
        "z": found.z,
        "starts": np.array(found.starts, dtype=np.float64),
        "ran_out": np.array(found.ran_out),
        "notes": np.array(found.notes, dtype=np.str_),
    }


def _found_of(section: Section) -> Found:
    return Found(
        z=section["z"],
        starts=tuple(section["starts"].tolist()),
        ran_out=bool(section["ran_out"]),
        notes=tuple(section["notes"].tolist()),
    )


class _Run:
    """A search under way, which an interruption may end at any point."""

    def __init__(self, problem: Problem, task: Task, track: Track, population: Population | None):
        self.problem, self.task, self.track, self.population = problem, task, track, population
        self.ran_out = self.interrupted = False
        self.notes: list[str] = []
        self.found: list[float] = []

    def all(self, starts: Float[np.ndarray, "starts variables"]) -> None:
        """Run every start, or the population and then its best."""
        limit, settings = self.task.settings.max_steps, self.task.settings
        if self.track.best is None and starts[0].any():  # the lattice as given is a design too
            self.track.see(self.problem.at(np.zeros_like(starts[:1]), gradient=False))
        if self.population is None:
            for z in starts:
                self._finish(z, "search", limit)
            return
        batched_search(self.problem, self.population, self.track, limit)
        self.ran_out = settings.polish == 0
        for k in self.population.ranking()[: settings.polish]:
            if np.isfinite(self.population.excess[k]):
                self._finish(self.population.best[k], "polish", limit)

    def _finish(self, z: Float[np.ndarray, " variables"], phase: str, limit: int) -> None:
        """Run SLSQP from one design and keep its objective if it is feasible."""
        own = Track(on_step=None, phase=phase)
        self.track.phase, self.track.steps = phase, 0
        try:
            self.ran_out |= slsqp(self.problem, z, (self.track, own), limit)
        except NotFiniteError:
            if _BROKEN not in self.notes:
                self.notes.append(_BROKEN)
        if own.best is not None and own.excess <= 0:
            self.found.append(self.problem.objective_of(own.cost))

    def values(self) -> tuple[float, ...]:
        """Return the objectives of all feasible starts, best first."""
        values = list(self.found)
        if self.population is not None:
            polished = set(self.population.ranking()[: self.task.settings.polish])
            values += [
                self.problem.objective_of(float(self.population.cost[k]))
                for k in range(len(self.population.z))
                if self.population.excess[k] <= 0 and k not in polished
            ]
        return tuple(sorted(values, reverse=self.problem.sign < 0))
