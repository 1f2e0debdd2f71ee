"""The optimisation problem of a design: cost, residuals and their derivatives for many x at once.

Optimisers work on z = (x - start) / scale and minimise a cost that is the objective over a unit
of the start, so that steps and gradients are of order one. Residuals are those of the
constraints: not negative where an inequality is satisfied, zero where an equality is.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from lattice_gnn.design.evaluators import Evaluator
from lattice_gnn.design.manufactured import AsManufactured
from lattice_gnn.design.quantities import Constraint, Quantity
from lattice_gnn.design.state import DesignState
from lattice_gnn.design.variables import Variables
from lattice_gnn.lattice.batch import LatticeBatch

_REGULAR = 1e-14  #: smallest eigenvalue over the largest of a stiffness whose moduli exist
_BATCHED_FROM = 4  #: rows of a Jacobian from which one batched backward pass is cheaper


@dataclass(frozen=True, eq=False)
class Problem:
    """Minimise or maximise a quantity under constraints.

    Attributes:
        variables: What may change.
        evaluator: What computes the stiffness.
        objective: The quantity.
        sign: 1 to minimise it, -1 to maximise it.
        constraints: All constraints, those that guard the geometry included.
        unit: By what the objective is divided: its magnitude at the start, or its largest change
            in one typical step there if that is larger.
        made: How the lattice that is evaluated differs from the design.
    """

    variables: Variables
    evaluator: Evaluator
    objective: Quantity
    sign: int
    constraints: tuple[Constraint, ...]
    unit: float = 1.0
    made: AsManufactured = field(default_factory=AsManufactured)

    @cached_property
    def squared(self) -> bool:
        """Whether the objective is a distance that is minimised."""
        return self.objective.target is not None and self.sign > 0

    @cached_property
    def needs_stiffness(self) -> bool:
        """Whether any quantity reads the stiffness."""
        quantities = (self.objective, *(c.quantity for c in self.constraints))
        return any(quantity.needs_stiffness for quantity in quantities)

    @cached_property
    def start(self) -> Float[np.ndarray, " variables"]:
        """The variables at the start, of which z is zero."""
        return self.variables.start

    @cached_property
    def scale(self) -> Float[np.ndarray, " variables"]:
        """Typical steps, by which z is scaled."""
        return self.variables.scale

    @cached_property
    def bounds(self) -> tuple[Float[np.ndarray, " variables"], Float[np.ndarray, " variables"]]:
        """Smallest and largest z."""
        lower, upper = self.variables.lower - self.start, self.variables.upper - self.start
        return lower / self.scale, upper / self.scale

    def x(self, z: Float[np.ndarray, "*batch variables"]) -> Float[np.ndarray, "*batch variables"]:
        """Return the variables of scaled variables, exactly within the bounds."""
        x = self.start + z * self.scale
        return np.clip(x, self.variables.lower, self.variables.upper)

    def z(self, x: Float[np.ndarray, "*batch variables"]) -> Float[np.ndarray, "*batch variables"]:
        """Return the scaled variables of variables."""
        scaled: Float[np.ndarray, "*batch variables"] = (x - self.start) / self.scale
        return scaled

    def objective_of(self, cost: float) -> float:
        """Return the objective, as stated by the user, that has a cost."""
        return self.unit * (cost**0.5 if self.squared else self.sign * cost)

    def at(self, z: Float[np.ndarray, "designs variables"], *, gradient: bool = True) -> "Point":
        """Evaluate some z; derivatives follow on request."""
        with torch.set_grad_enabled(gradient):
            free = torch.tensor(z).requires_grad_(gradient)
            x = torch.from_numpy(self.start) + free * torch.from_numpy(self.scale)
            batch = self.variables.batch(x)
            state, solved = self._state(self.made.batch(batch))
            objective = self.objective(state).sum(1)
            parts = tuple(constraint.residual(state) for constraint in self.constraints)
            if not solved.all():
                objective = torch.where(solved, objective, torch.nan)
                parts = tuple(torch.where(solved[:, None], part, torch.nan) for part in parts)
        return Point(self, free, state, objective, parts)

    def _state(self, batch: LatticeBatch) -> tuple[DesignState, Bool[Tensor, " designs"]]:
        """Evaluate the stiffness; where it is not regular the identity stands for it."""
        if not self.needs_stiffness:
            return DesignState(batch), torch.ones(len(batch), dtype=torch.bool)
        mandel = self.made.stiffness(self.evaluator(batch))
        known = mandel.detach().numpy()
        finite = np.isfinite(known).all((1, 2))
        eigenvalues = np.linalg.eigvalsh(np.where(finite[:, None, None], known, 0.0))
        solved = torch.from_numpy(finite & (eigenvalues[:, 0] > _REGULAR * eigenvalues[:, 5]))
        if not solved.all():
            identity = torch.eye(6, dtype=mandel.dtype)
            mandel = torch.where(solved[:, None, None], mandel, identity)
        return DesignState(batch, mandel), solved


@dataclass(frozen=True, eq=False)
class Point:
    """Some designs, evaluated.

    Attributes:
        problem: The problem.
        free: z, the leaf of the graph.
        state: The lattices and their stiffness.
        objective: The objective, as stated by the user.
        parts: Residuals of every constraint.
    """

    problem: Problem
    free: Float[Tensor, "designs variables"]
    state: DesignState
    objective: Float[Tensor, " designs"]
    parts: tuple[Float[Tensor, "designs _"], ...]

    @cached_property
    def cost(self) -> Float[Tensor, " designs"]:
        """What is minimised, of order one at the start.

        A distance to a target is squared, which is smooth at zero.
        """
        relative = self.objective / self.problem.unit
        return relative**2 if self.problem.squared else self.problem.sign * relative

    @cached_property
    def residuals(self) -> Float[Tensor, "designs residuals"]:
        """Residuals of all constraints."""
        return torch.cat([self.free.new_zeros(len(self.free), 0), *self.parts], dim=1)

    @cached_property
    def equality(self) -> Bool[np.ndarray, " residuals"]:
        """Which residuals must be zero."""
        senses = [c.sense == "==" for c in self.problem.constraints]
        return np.repeat(np.array(senses, dtype=bool), [part.shape[1] for part in self.parts])

    @cached_property
    def vector(self) -> Bool[np.ndarray, " residuals"]:
        """Which residuals are components of a vector."""
        widths = [part.shape[1] for part in self.parts]
        return np.repeat(np.array(widths, dtype=np.int64) > 1, widths)

    @cached_property
    def allowed(self) -> Float[np.ndarray, " residuals"]:
        """Largest violation of a satisfied constraint, for every residual."""
        allowed = np.array([c.allowed for c in self.problem.constraints], dtype=np.float64)
        return np.repeat(allowed, [part.shape[1] for part in self.parts])

    @cached_property
    def violations(self) -> Float[np.ndarray, "designs constraints"]:
        """Worst violation of each constraint, in multiples of its scale; 0 if none."""
        found = np.zeros((len(self.free), len(self.parts)))
        for k, (constraint, part) in enumerate(
            zip(self.problem.constraints, self.parts, strict=True)
        ):
            values = part.detach().numpy()
            values = np.abs(values) if constraint.sense == "==" else np.maximum(-values, 0.0)
            found[:, k] = values.max(1)
        return found

    @cached_property
    def excess(self) -> Float[np.ndarray, " designs"]:
        """Worst violation beyond what is allowed; 0 for a feasible design, inf if not a number."""
        allowed = np.array([constraint.allowed for constraint in self.problem.constraints])
        beyond = np.maximum(self.violations - allowed, 0.0)
        worst = beyond.max(1, initial=0.0)
        broken = ~np.isfinite(worst) | ~np.isfinite(self.objective.detach().numpy())
        return np.where(broken, np.inf, worst)

    def gradient(self, total: Float[Tensor, " designs"]) -> Float[np.ndarray, "designs variables"]:
        """Differentiate one scalar of every design with respect to z."""
        if not total.requires_grad:
            return np.zeros(tuple(self.free.shape))
        (found,) = torch.autograd.grad(total.sum(), self.free, retain_graph=True)
        return found.numpy()

    def cost_gradient(self) -> Float[np.ndarray, "designs variables"]:
        """Differentiate the cost with respect to z."""
        return self.gradient(self.cost)

    def jacobian(self) -> Float[np.ndarray, "designs residuals variables"]:
        """Differentiate the residuals with respect to z."""
        rows = [self.free.new_zeros(len(self.free), 0, self.free.shape[1])]
        for constraint, part in zip(self.problem.constraints, self.parts, strict=True):
            cheap = not constraint.quantity.needs_stiffness
            if not part.requires_grad:  # it depends on nothing that may vary
                rows.append(self.free.new_zeros(*part.shape, self.free.shape[1]))
            elif cheap and part.shape[1] >= _BATCHED_FROM:
                rows.append(self._at_once(part))
            else:
                rows.append(self._one_by_one(part))
        return torch.cat(rows, dim=1).numpy()

    def _at_once(self, part: Tensor) -> Tensor:
        seeds = torch.eye(part.shape[1], dtype=part.dtype)[:, None, :].expand(-1, len(part), -1)
        (found,) = torch.autograd.grad(
            part, self.free, grad_outputs=seeds, retain_graph=True, is_grads_batched=True
        )
        return found.transpose(0, 1)

    def _one_by_one(self, part: Tensor) -> Tensor:
        columns = [
            torch.autograd.grad(column.sum(), self.free, retain_graph=True)[0]
            for column in part.unbind(1)
        ]
        return torch.stack(columns, dim=1)
