"""First-order optimality, recomputed independently of any optimiser."""

import numpy as np
from jaxtyping import Bool, Float
from scipy.optimize import nnls

from lattice_gnn.design.problem import Problem

ACTIVE = 1e-3
"""Residual up to which an inequality counts as active, in multiples of its scale."""
_AT_BOUND = 1e-3  #: distance from a bound that counts as zero, in typical steps, without rounding


def optimality(
    problem: Problem,
    z: Float[np.ndarray, " variables"],
    rounding: Float[np.ndarray, " variables"] | float = 0.0,
) -> float:
    """Return the part of the cost's gradient that constraints and bounds do not balance.

    At a constrained optimum the gradient is a combination of those of the active constraints, with
    multipliers that are not negative for inequalities (Karush, Kuhn and Tucker). The multipliers
    are found by least squares. The remainder is returned over the norm of the gradient, or over 1
    (a change of the objective by its magnitude at the start in one typical step) if that is larger.

    Args:
        problem: The problem.
        z: Where.
        rounding: Unit to which each variable was rounded, in typical steps: a bound is reached if
            it is not further away.
    """
    point = problem.at(z[None])
    gradient = point.cost_gradient()[0]
    columns = active_gradients(problem, z, rounding=rounding)
    size = max(1.0, float(np.linalg.norm(gradient)))
    if not np.isfinite(gradient).all() or not np.isfinite(columns).all():
        return np.inf
    remainder = gradient - columns @ _multipliers(columns, gradient)
    return float(np.linalg.norm(remainder)) / size


def reduced_cost(
    problem: Problem, z: Float[np.ndarray, " variables"], new: Bool[np.ndarray, " variables"]
) -> float:
    """Return by how much the cost changes per unit of new variables, constraints priced in.

    The multipliers of the active constraints are those of the other variables; the cost can fall
    where the result is negative.
    """
    gradient = problem.at(z[None]).cost_gradient()[0]
    columns = active_gradients(problem, z, bounds=~new)
    if not np.isfinite(gradient).all() or not np.isfinite(columns).all():
        return np.inf
    weights = _multipliers(columns[~new], gradient[~new])
    return float((gradient - columns @ weights)[new].sum())


def _multipliers(
    columns: Float[np.ndarray, "variables active"], gradient: Float[np.ndarray, " variables"]
) -> Float[np.ndarray, " active"]:
    """Return the multipliers that balance a gradient best, none negative."""
    found = np.zeros(columns.shape[1])
    norms = np.linalg.norm(columns, axis=0)
    some = norms > 0
    if some.any():
        found[some] = nnls(columns[:, some] / norms[some], gradient)[0] / norms[some]
    return found


def active_gradients(
    problem: Problem,
    z: Float[np.ndarray, " variables"],
    bounds: Bool[np.ndarray, " variables"] | None = None,
    rounding: Float[np.ndarray, " variables"] | float = 0.0,
) -> Float[np.ndarray, "variables active"]:
    """Return the gradients of what is active, as columns whose multipliers are not negative.

    Args:
        problem: The problem.
        z: Where.
        bounds: Variables whose bounds count; None for all.
        rounding: As for ``optimality``.
    """
    counted = np.ones(len(z), dtype=bool) if bounds is None else bounds
    point = problem.at(z[None])
    residuals, rows = point.residuals[0], point.jacobian()[0]
    equal: Bool[np.ndarray, " residuals"] = point.equality
    active = ~equal & (residuals <= ACTIVE)
    lower, upper = at_bounds(problem, z, rounding)
    identity = np.eye(len(z))
    return np.column_stack(
        [
            rows[active].T,
            rows[equal].T,
            -rows[equal].T,
            identity[:, counted & lower],
            -identity[:, counted & upper],
        ]
    )


def at_bounds(
    problem: Problem,
    z: Float[np.ndarray, " variables"],
    rounding: Float[np.ndarray, " variables"] | float = 0.0,
) -> tuple[Bool[np.ndarray, " variables"], Bool[np.ndarray, " variables"]]:
    """Return which variables are at their lower and which at their upper bounds.

    Args:
        problem: The problem.
        z: Where.
        rounding: As for ``optimality``.
    """
    lower, upper = problem.bounds
    near = np.maximum(rounding, _AT_BOUND)
    return z - lower <= near, upper - z <= near
