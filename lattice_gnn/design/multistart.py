"""Many starts at once: projected Adam on an augmented Lagrangian, all designs in one batch.

Every step evaluates all designs together and takes one backward pass, whatever the number of
constraints. The augmented Lagrangian (Nocedal and Wright 2006, Numerical Optimization, sec. 17.4)

    f + sum over inequalities (rho/2) (max(0, lambda/rho - g)^2 - (lambda/rho)^2)
      + sum over equalities -lambda h + (rho/2) h^2

is minimised by Adam (Kingma and Ba 2015) in scaled variables, projected onto the bounds; every
``PERIOD`` steps the multipliers are updated, and the penalty of a design grows where its violation
has not fallen. Designs are independent: one that cannot be evaluated goes back to where it could.
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from jaxtyping import Float

from lattice_gnn.design.point import Point
from lattice_gnn.design.problem import Problem
from lattice_gnn.design.track import Track

PERIOD = 20
"""Steps between updates of the multipliers."""
_FIRST_RATE, _LAST_RATE = 0.2, 0.005  #: step lengths, in typical steps
_MOMENTS = (0.9, 0.99)
_PENALTY, _MOST, _GROWTH = 10.0, 1e5, 3.0
_FALL = 0.5  #: share to which a violation should fall between updates
_CLOSE = 1e-3  #: violation that the multipliers alone will correct


@dataclass(slots=True)
class Population:
    """The state of a batched search.

    Attributes:
        z: Scaled variables of every design.
        first: First moment of the gradient.
        second: Second moment of the gradient.
        multipliers: Estimates of the Lagrange multipliers.
        penalty: Penalty of each design.
        missed: Violation of each design at the last update.
        step: Steps taken.
        best: Best z of each start.
        cost: Its cost.
        excess: Its worst violation beyond what is allowed.
    """

    z: Float[np.ndarray, "designs variables"]
    first: Float[np.ndarray, "designs variables"]
    second: Float[np.ndarray, "designs variables"]
    multipliers: Float[np.ndarray, "designs residuals"]
    penalty: Float[np.ndarray, " designs"]
    missed: Float[np.ndarray, " designs"]
    step: int
    best: Float[np.ndarray, "designs variables"]
    cost: Float[np.ndarray, " designs"]
    excess: Float[np.ndarray, " designs"]

    @classmethod
    def at(cls, problem: Problem, z: Float[np.ndarray, "designs variables"]) -> "Population":
        """Begin a search at some z."""
        count = len(z)
        residuals = problem.at(z[:1], gradient=False).residuals.shape[1]
        return cls(
            z=z.copy(),
            first=np.zeros_like(z),
            second=np.zeros_like(z),
            multipliers=np.zeros((count, residuals)),
            penalty=np.full(count, _PENALTY),
            missed=np.full(count, np.inf),
            step=0,
            best=z.copy(),
            cost=np.full(count, np.inf),
            excess=np.full(count, np.inf),
        )

    def section(self) -> dict[str, np.ndarray]:
        """Return the state as arrays, for a checkpoint."""
        return {item.name: np.asarray(getattr(self, item.name)) for item in fields(self)}

    @classmethod
    def of_section(cls, section: dict[str, np.ndarray]) -> "Population":
        """Return the state that a checkpoint holds."""
        values: dict[str, Any] = {item.name: section[item.name] for item in fields(cls)}
        return cls(**{**values, "step": int(values["step"])})

    def ranking(self) -> list[int]:
        """Return the starts, best first: feasible ones by cost, then the others by violation."""
        costs = np.where(self.excess > 0, 0.0, self.cost)
        return [int(k) for k in np.lexsort((costs, self.excess))]


def draw_starts(
    problem: Problem, count: int, perturbation: float, rng: np.random.Generator
) -> Float[np.ndarray, "designs variables"]:
    """Draw starting points: the start itself, and points around it within the bounds.

    Each variable is displaced by at most ``perturbation`` of its range to either side.
    """
    lower, upper = problem.bounds
    reach = perturbation * (upper - lower)
    drawn = rng.uniform(-1.0, 1.0, (count, len(lower))) * reach
    drawn[0] = 0.0
    return np.clip(drawn, lower, upper)


def batched_search(
    problem: Problem, population: Population, track: Track, max_steps: int
) -> Population:
    """Advance all designs together; returns the population, which can be continued."""
    while population.step < max_steps:
        point = problem.at(population.z)
        track.see(point)
        _remember(population, point)
        gradient = point.gradient(_weights(point, population))
        gradient[~np.isfinite(point.excess)] = np.nan
        _advance(problem, population, gradient, max_steps)
        population.step += 1
        if population.step % PERIOD == 0:
            _update_multipliers(population, point)
    point = problem.at(population.z, gradient=False)
    track.see(point)
    _remember(population, point)
    return population


def _remember(population: Population, point: Point) -> None:
    cost, excess = point.cost, point.excess
    feasible = excess <= 0
    better = np.where(
        feasible & (population.excess <= 0), cost < population.cost, excess < population.excess
    )
    better &= np.isfinite(excess)
    population.best[better] = population.z[better]
    population.cost[better], population.excess[better] = cost[better], excess[better]


def _weights(point: Point, population: Population) -> Float[np.ndarray, "designs residuals"]:
    """Return the derivatives of the augmented Lagrangian by the residuals."""
    g, rho, multipliers = point.residuals, population.penalty[:, None], population.multipliers
    pull = rho * g - multipliers
    return np.where(point.equality, pull, np.minimum(pull, 0.0))


def _advance(
    problem: Problem,
    population: Population,
    gradient: Float[np.ndarray, "designs variables"],
    max_steps: int,
) -> None:
    """Take one step of Adam; designs without a finite gradient go back to their best."""
    broken = ~np.isfinite(gradient).all(1)
    gradient = np.where(broken[:, None], 0.0, gradient)
    keep1, keep2 = _MOMENTS
    population.first = keep1 * population.first + (1 - keep1) * gradient
    population.second = keep2 * population.second + (1 - keep2) * gradient**2
    population.first[broken] = population.second[broken] = 0.0
    done = population.step / max_steps
    rate = _FIRST_RATE * (_LAST_RATE / _FIRST_RATE) ** done
    mean = population.first / (1 - keep1 ** (population.step + 1))
    size = np.sqrt(population.second / (1 - keep2 ** (population.step + 1)))
    moved = population.z - rate * mean / (size + 1e-12)
    moved[broken] = population.best[broken]
    population.z = np.clip(moved, *problem.bounds)


def _update_multipliers(population: Population, point: Point) -> None:
    g = point.residuals
    fine = np.isfinite(g).all(1)
    rho = population.penalty[:, None]
    shifted = population.multipliers - rho * g
    updated = np.where(point.equality, shifted, np.maximum(shifted, 0.0))
    population.multipliers = np.where(fine[:, None], updated, population.multipliers)
    missed = point.excess
    slow = fine & (missed > _FALL * population.missed) & (missed > _CLOSE)
    population.penalty[slow] = np.minimum(_GROWTH * population.penalty[slow], _MOST)
    population.missed = np.where(fine, missed, population.missed)
