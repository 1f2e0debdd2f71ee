"""One design at a time: sequential quadratic programming (SLSQP of scipy)."""

from contextlib import suppress

import numpy as np
from jaxtyping import Float
from scipy.optimize import minimize

from lattice_gnn.design.point import Point
from lattice_gnn.design.problem import Problem
from lattice_gnn.design.track import Track

_RESTARTS = 3
_PRECISION = 1e-10
_SETTLED = 3  #: steps without a change beyond the evaluator's precision that end SLSQP
_PENALTY = 10.0  #: by which a design that cannot be evaluated is worse than the worst seen


class NotFiniteError(ArithmeticError):
    """The cost or its gradient is not a number where the search stands."""


class _SettledError(Exception):
    """The last steps changed the design by less than the evaluator can tell."""


def slsqp(
    problem: Problem, z: Float[np.ndarray, " variables"], tracks: tuple[Track, ...], max_steps: int
) -> bool:
    """Minimise from one z; the tracks hold the best design that was evaluated.

    Returns whether the limit of steps ended it.

    SLSQP (Kraft 1988) is started again from the best design with a fresh Hessian while that still
    improves it: a library's own report of success is not relied upon. Where its steps are within
    the precision of the evaluator it is ended, as its line search would go on in the rounding.

    Raises:
        NotFiniteError: If the gradient is not finite at a design that SLSQP accepted.
    """
    own = Track()
    view = _View(problem, (own, *tracks))
    for _ in range(1 + _RESTARTS):
        before = (own.excess, own.cost)
        view.recent.clear()
        with suppress(_SettledError):
            minimize(
                view.cost,
                z,
                jac=view.gradient,
                bounds=list(zip(*problem.bounds, strict=True)),
                constraints=view.constraints(),
                method="SLSQP",
                callback=view.step,
                options={"maxiter": max_steps - view.steps, "ftol": _PRECISION},
            )
        left = max_steps - view.steps
        if own.best is None or left <= 0 or not _gained(before, own):
            return left <= 0
        z = own.best
    return False


def _gained(before: tuple[float, float], track: Track) -> bool:
    excess, cost = before
    if not np.isfinite(cost):
        return True
    if track.excess > 0 or excess > 0:
        return track.excess < 0.99 * excess
    return track.cost < cost - 1e-5 * max(1.0, abs(cost))


class _View:
    """The problem as scipy wants it; the last evaluation and its derivatives are kept."""

    def __init__(self, problem: Problem, tracks: tuple[Track, ...]):
        self.problem, self.tracks = problem, tracks
        self.place: bytes = b""
        self.worst = 0.0
        # Residuals of the problem's start stand for those of designs that cannot be evaluated; the
        # tracks do not see it, because it may be none of this search.
        zero = np.clip(np.zeros(problem.variables.count), *problem.bounds)
        self.point = problem.at(zero[None], gradient=False)
        self.residuals = self.point.residuals[0]
        self.jacobian: tuple[bytes, Float[np.ndarray, "residuals variables"]] = (b"", np.zeros(0))
        self.equality = self.point.equality
        self.steps = 0
        self.recent: list[tuple[float, float]] = []

    def _at(self, z: Float[np.ndarray, " variables"]) -> Point:
        place = z.tobytes()
        if place != self.place:
            z = np.clip(z, *self.problem.bounds)
            self.point, self.place = self.problem.at(z[None]), place
            for track in self.tracks:
                track.see(self.point)
        return self.point

    def cost(self, z: Float[np.ndarray, " variables"]) -> float:
        value = self._at(z).cost.item()
        if not np.isfinite(self.point.excess[0]):
            return self.worst + _PENALTY
        self.worst = max(self.worst, value)
        return value

    def gradient(self, z: Float[np.ndarray, " variables"]) -> Float[np.ndarray, " variables"]:
        found: Float[np.ndarray, " variables"] = self._at(z).cost_gradient()[0]
        if not np.isfinite(found).all() or not np.isfinite(self.point.excess[0]):
            raise NotFiniteError
        return found

    def values(self, z: Float[np.ndarray, " variables"]) -> Float[np.ndarray, " residuals"]:
        found = self._at(z).residuals[0]
        if np.isfinite(found).all():
            self.residuals = found
        return self.residuals

    def rows(self, z: Float[np.ndarray, " variables"]) -> Float[np.ndarray, "residuals variables"]:
        point = self._at(z)
        if self.jacobian[0] != self.place:
            self.jacobian = self.place, point.jacobian()[0]
        if not np.isfinite(self.jacobian[1]).all():
            raise NotFiniteError
        return self.jacobian[1]

    def step(self, z: Float[np.ndarray, " variables"]) -> None:
        """Keep cost and worst violation of a step of SLSQP, and end it where they have settled."""
        point = self._at(z)
        self.steps += 1
        self.recent.append((point.cost.item(), point.violations.max(initial=0.0)))
        costs, violations = np.array(self.recent[-1 - _SETTLED :]).T
        precision = self.problem.evaluator.precision
        settled = np.ptp(costs) <= precision * np.abs(costs).max()
        if len(costs) > _SETTLED and settled and np.ptp(violations) <= precision:
            raise _SettledError

    def constraints(self) -> list[dict[str, object]]:
        """Return the constraints for scipy; vector equalities as bands.

        The components of a vector are rarely independent (many vanish by symmetry), and SLSQP stops
        at dependent equalities and corrupts memory at more equalities than variables (scipy issue
        25665). So each component is kept within half of its tolerance instead.
        """
        many = self.equality.sum() >= len(self.problem.start)
        banded = self.equality & (self.point.vector | many)
        half = 0.5 * self.point.allowed[banded]
        found: list[dict[str, object]] = []
        for kind, chosen in (("ineq", ~self.equality), ("eq", self.equality & ~banded)):
            if chosen.any():
                found.append(
                    {
                        "type": kind,
                        "fun": lambda z, chosen=chosen: self.values(z)[chosen],
                        "jac": lambda z, chosen=chosen: self.rows(z)[chosen],
                    }
                )
        if banded.any():

            def inside(z: Float[np.ndarray, " variables"]) -> Float[np.ndarray, " sides"]:
                residuals = self.values(z)[banded]
                return np.concatenate([half - residuals, half + residuals])

            def slopes(z: Float[np.ndarray, " variables"]) -> Float[np.ndarray, "sides variables"]:
                rows = self.rows(z)[banded]
                return np.concatenate([-rows, rows])

            found.append({"type": "ineq", "fun": inside, "jac": slopes})
        return found
