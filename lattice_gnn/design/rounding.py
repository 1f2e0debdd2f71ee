"""Rounding of a design to a stated number of digits, within its constraints."""

import numpy as np
from jaxtyping import Float

from lattice_gnn.design.optimiser import NotFiniteError, slsqp
from lattice_gnn.design.point import Point
from lattice_gnn.design.problem import Problem
from lattice_gnn.design.track import Track

_ATTEMPTS = 5  #: with growing margins
_MOVES = 8  #: of single digits in an attempt
_ROUNDING = 0.05  #: a violation above this is not due to rounding
_STEPS = 20


def round_design(
    problem: Problem, z: Float[np.ndarray, " variables"], digits: int
) -> tuple[Float[np.ndarray, " variables"], bool]:
    """Return the variables x of a design, rounded, and whether they are.

    They are not if no rounded design can be evaluated. Where rounding violates a constraint, last
    digits are changed one at a time as long as this reduces the violation; if that is not enough,
    the design is searched again with a margin to the bounds that it violated.
    """
    margins = np.zeros(len(problem.constraints))
    allowed = np.array([constraint.allowed for constraint in problem.constraints])
    best, least = problem.x(z), np.inf
    for _ in range(_ATTEMPTS):
        x, point = _settled(problem, problem.variables.rounded(problem.x(z), digits), digits)
        excess = float(point.excess[0])
        if excess < least:
            best, least = x, excess
        if not 0 < least < _ROUNDING:
            break
        missed = point.violations[0]
        margins = np.where(missed > allowed, 2 * np.maximum(margins, missed), margins)
        follow = Track(phase="round")
        try:
            slsqp(problem.tightened(margins), z, (follow,), _STEPS)
        except NotFiniteError:
            break  # what was rounded before stays the best
        if follow.best is None:
            break
        z = follow.best
    return best, bool(np.isfinite(least))


def _settled(
    problem: Problem, x: Float[np.ndarray, " variables"], digits: int
) -> tuple[Float[np.ndarray, " variables"], Point]:
    """Change last digits one at a time while this reduces the violation due to rounding."""
    variables = problem.variables
    units = variables.units(x, digits)
    point = problem.at(problem.z(x)[None], gradient=False)
    for _ in range(_MOVES):
        if not 0 < point.excess[0] < _ROUNDING:
            break
        moves = np.vstack([np.diag(units), -np.diag(units)])
        tried = np.array([variables.on_grid(x + move, units) for move in moves])
        several = problem.at(problem.z(tried), gradient=False)
        costs = np.where(several.excess > 0, 0.0, several.cost)
        first = int(np.lexsort((costs, several.excess))[0])
        if not several.excess[first] < point.excess[0]:
            break
        x = tried[first]
        point = problem.at(problem.z(x)[None], gradient=False)
    return x, point
