"""Some designs, evaluated: cost and residuals, and their derivatives by the scaled variables."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor

from lattice_gnn.design.derivatives import Graph, Term
from lattice_gnn.design.state import DesignState

if TYPE_CHECKING:
    from lattice_gnn.design.problem import Problem


@dataclass(frozen=True, eq=False)
class Point:
    """Some designs, evaluated.

    The graph of the evaluator serves once: for all derivatives by row (of objective, cost and
    residuals), which are kept, or for their weighted sum, ``gradient``.

    Attributes:
        problem: The problem.
        z: Scaled variables.
        graph: The graph of their stiffness.
        terms: The objective and the quantities of all constraints.
    """

    problem: "Problem"
    z: Float[np.ndarray, "designs variables"]
    graph: Graph
    terms: tuple[Term, ...]

    def of(self, problem: "Problem") -> "Point":
        """Return the same evaluation for a problem that differs in units and scales alone.

        The derivatives, which the graph gives once, are taken along.
        """
        found = replace(self, problem=problem)
        vars(found)["_slopes"] = self._slopes
        return found

    @property
    def state(self) -> DesignState:
        """The lattices and their stiffness."""
        return self.graph.state

    @cached_property
    def objective(self) -> Float[np.ndarray, " designs"]:
        """The objective, as stated by the user."""
        return self._known(self.terms[0].values)[:, 0]

    @cached_property
    def cost(self) -> Float[np.ndarray, " designs"]:
        """What is minimised, of order one at the start.

        A distance to a target is squared, which is smooth at zero.
        """
        relative = self.objective / self.problem.unit
        return relative * relative if self.problem.squared else self.problem.sign * relative

    @cached_property
    def parts(self) -> tuple[Float[np.ndarray, "designs _"], ...]:
        """Residuals of every constraint; of many values, those of the worst."""
        return tuple(
            self._known(constraint.residual_of(limit.values))
            for constraint, limit in zip(self.problem.constraints, self._limits, strict=True)
        )

    def _known(self, values: Float[np.ndarray, "designs _"]) -> Float[np.ndarray, "designs _"]:
        """Return values, NaN where there is no stiffness."""
        solved = self.graph.solved
        return values if solved.all() else np.where(solved[:, None], values, np.nan)

    @cached_property
    def _limits(self) -> tuple[Term, ...]:
        """The quantities of the constraints; of many values, the worst."""
        found = []
        for constraint, limit in zip(self.problem.constraints, self.terms[1:], strict=True):
            if isinstance(limit.source, Tensor):
                chosen = constraint.chosen(constraint.residual_of(limit.values))
                if chosen is not None:
                    source = limit.source.gather(1, torch.from_numpy(chosen))
                    limit = Term(source.detach().numpy(), source, limit.needs_stiffness)
            found.append(limit)
        return tuple(found)

    @cached_property
    def residuals(self) -> Float[np.ndarray, "designs residuals"]:
        """Residuals of all constraints."""
        return np.concatenate([np.zeros((len(self.z), 0)), *self.parts], axis=1)

    @cached_property
    def equality(self) -> Bool[np.ndarray, " residuals"]:
        """Which residuals must be zero."""
        return self._repeated([c.sense == "==" for c in self.problem.constraints]).astype(bool)

    @cached_property
    def vector(self) -> Bool[np.ndarray, " residuals"]:
        """Which residuals are components of a vector."""
        return self._repeated([part.shape[1] > 1 for part in self.parts]).astype(bool)

    @cached_property
    def allowed(self) -> Float[np.ndarray, " residuals"]:
        """Largest violation of a satisfied constraint, for every residual."""
        return self._repeated([c.allowed for c in self.problem.constraints])

    def _repeated(self, values: Sequence[bool | float]) -> Shaped[np.ndarray, " residuals"]:
        """Repeat one value per constraint for each of its residuals."""
        return np.repeat(np.array(values), [part.shape[1] for part in self.parts])

    @cached_property
    def violations(self) -> Float[np.ndarray, "designs constraints"]:
        """Worst violation of each constraint, in multiples of its scale; 0 if none."""
        found = np.zeros((len(self.z), len(self.parts)))
        for k, (constraint, part) in enumerate(
            zip(self.problem.constraints, self.parts, strict=True)
        ):
            found[:, k] = constraint.violation_of(part)
        return found

    @cached_property
    def excess(self) -> Float[np.ndarray, " designs"]:
        """Worst violation beyond what is allowed; 0 for a feasible design, inf if not a number."""
        allowed = np.array([constraint.allowed for constraint in self.problem.constraints])
        worst = np.maximum(self.violations - allowed, 0.0).max(1, initial=0.0)
        broken = ~np.isfinite(worst) | ~np.isfinite(self.objective)
        return np.where(broken, np.inf, worst)

    def objective_gradient(self) -> Float[np.ndarray, "designs variables"]:
        """Differentiate the objective with respect to z."""
        return self._slopes[:, 0]

    def cost_gradient(self) -> Float[np.ndarray, "designs variables"]:
        """Differentiate the cost with respect to z."""
        return self._rows[:, 0]

    def jacobian(self) -> Float[np.ndarray, "designs residuals variables"]:
        """Differentiate the residuals with respect to z."""
        return self._rows[:, 1:]

    def gradient(
        self, weights: Float[np.ndarray, "designs residuals"]
    ) -> Float[np.ndarray, "designs variables"]:
        """Differentiate the cost plus the weighted sum of the residuals with respect to z.

        This takes one pass through the evaluator.
        """
        weights = self._factors * np.column_stack([np.ones(len(self.z)), weights])
        total, terms, first, factors = None, [], 0, []
        for one in (self.terms[0], *self._limits):
            own = weights[:, first : first + one.values.shape[1]]
            first += one.values.shape[1]
            if isinstance(one.source, Tensor):
                part = (one.source * torch.from_numpy(own)).sum(1)
                total = part if total is None else total + part
            else:
                terms.append(one)
                factors.append(own[:, 0])
        if total is not None:
            values = total.detach().numpy()[:, None]
            terms.append(Term(values, total[:, None], self.state.mandel is not None))
            factors.append(np.ones(len(self.z)))
        return np.einsum("br,brv->bv", np.stack(factors, axis=1), self._differentiated(terms))

    @cached_property
    def _factors(self) -> Float[np.ndarray, "designs values"]:
        """Derivatives of the cost by the objective, and of the residuals by their quantities."""
        problem = self.problem
        limits = np.repeat(problem.limit_slopes, [limit.values.shape[1] for limit in self._limits])
        found = np.empty((len(self.z), 1 + len(limits)))
        found[:, 1:] = limits
        unit = problem.unit
        found[:, 0] = 2 * self.objective / unit**2 if problem.squared else problem.sign / unit
        return found

    @cached_property
    def _rows(self) -> Float[np.ndarray, "designs values variables"]:
        """Derivatives of the cost and the residuals by z."""
        return self._factors[:, :, None] * self._slopes

    @cached_property
    def _slopes(self) -> Float[np.ndarray, "designs values variables"]:
        """Derivatives of the objective and the quantities of the constraints by z."""
        return self._differentiated((self.terms[0], *self._limits))

    def _differentiated(
        self, terms: Sequence[Term]
    ) -> Float[np.ndarray, "designs values variables"]:
        problem = self.problem
        x = problem.start + self.z * problem.scale
        return problem.variables.chained(x, self.graph.slopes(terms)) * problem.scale
