"""One search: the starts, the optimisers, the best design."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from lattice_gnn.design.checkpoint import Checkpoint
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


def search(problem: Problem, task: Task, track: Track, *, nudge: bool) -> Found:
    """Search from all starts of a task.

    Args:
        problem: The problem.
        task: Its task: number of starts, seed, settings.
        track: Follows the search.
        nudge: Whether the first start is displaced too, because it is symmetric and the search may
            break that symmetry.
    """
    settings = task.settings
    rng = np.random.default_rng(task.seed)
    starts = draw_starts(problem, task.starts, settings.perturbation, rng)
    if nudge:
        starts[0] = draw_starts(problem, 2, _NUDGE, rng)[1]
    store = None if settings.checkpoint is None else Checkpoint(settings.checkpoint, task)
    resumed = None if store is None else store.load()
    batched = settings.method == "batched" or (settings.method == "auto" and task.starts > 1)
    population: Population | None = None
    if batched:
        population = resumed[1] if resumed else None
        population = population or Population.at(problem, starts)
    elif resumed:
        starts[0] = resumed[0]
    if resumed:
        track.see(problem.at(resumed[0][None], gradient=False))
        track.steps = 0 if population is None else population.step
    if store is not None:
        track.keep = lambda at: store.save(at.best, population) if at.best is not None else None
    run = _Run(problem, task, track, population)
    try:
        run.all(starts)
    except KeyboardInterrupt:
        run.interrupted = True
    if store is not None and track.best is not None:
        store.save(track.best, population)
    best = np.zeros(problem.variables.count) if track.best is None else track.best
    return Found(best, run.values(), run.ran_out, run.interrupted, tuple(run.notes))


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
