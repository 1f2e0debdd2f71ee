"""The best design so far of a search, and its history."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from lattice_gnn.design.point import Point
from lattice_gnn.design.result import Step
from lattice_gnn.tensors.stiffness import Stiffness

OnStep = Callable[[Step], None]


@dataclass(slots=True)
class Track:
    """Follows a search: every evaluated design is compared with the best so far.

    A feasible design is better than an infeasible one; of two feasible ones that with the lower
    cost, of two infeasible ones that with the smaller violation.

    Attributes:
        on_step: Called with every step.
        keep: Called with the best variables now and then, to write a checkpoint.
        phase: What the search is doing.
        steps: Evaluations so far in this phase, of each start.
        history: Every step.
        best: Scaled variables of the best design; None before the first.
        cost: Its cost.
        excess: Its worst violation beyond what is allowed.
        stiffness: Its stiffness; None where nothing needs it.
    """

    on_step: OnStep | None = None
    keep: Callable[["Track"], None] | None = None
    phase: str = "search"
    steps: int = 0
    history: list[Step] = field(default_factory=list)
    best: Float[np.ndarray, " variables"] | None = None
    cost: float = np.inf
    excess: float = np.inf
    stiffness: Stiffness | None = None
    _kept: float = field(default_factory=time.monotonic)

    def see(self, point: Point) -> None:
        """Record the evaluation of some designs."""
        costs, excesses = point.cost, point.excess
        order = np.lexsort((np.where(excesses > 0, 0.0, costs), excesses))
        first = int(order[0])
        if np.isfinite(excesses[first]) and self._is_better(costs[first], excesses[first]):
            self.best = point.z[first].copy()
            self.cost, self.excess = float(costs[first]), float(excesses[first])
            mandel = point.state.mandel
            self.stiffness = None if mandel is None else Stiffness(mandel[first].detach().clone())
        self.steps += 1
        if self.best is None:
            return
        objective = point.problem.objective_of(self.cost)
        step = Step(self.steps, self.phase, objective, self.excess, self.stiffness)
        self.history.append(step)
        if self.on_step is not None:
            self.on_step(step)
        if self.keep is not None and time.monotonic() - self._kept > 10.0:
            self.keep(self)
            self._kept = time.monotonic()

    def begin(self, phase: str) -> None:
        """Begin another phase: steps count from zero, and the best design is forgotten."""
        self.phase, self.steps = phase, 0
        self.best, self.cost, self.excess = None, np.inf, np.inf

    def _is_better(self, cost: float, excess: float) -> bool:
        if excess > 0 or self.excess > 0:
            return bool(excess < self.excess)
        return bool(cost < self.cost)
