"""The optimisation problem of a design: cost, residuals and their derivatives for many x at once.

Optimisers work on z = (x - start) / scale and minimise a cost that is the objective over a unit
of the start, so that steps and gradients are of order one. Residuals are those of the
constraints: not negative where an inequality is satisfied, zero where an equality is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from lattice_gnn.design.derivatives import Graph
from lattice_gnn.design.elastic_rules import InverseFactor
from lattice_gnn.design.evaluators import Evaluator
from lattice_gnn.design.manufactured import AsManufactured
from lattice_gnn.design.point import Point
from lattice_gnn.design.quantities import Constraint, Quantity
from lattice_gnn.design.state import DesignState
from lattice_gnn.design.strut_rules import Net
from lattice_gnn.design.variables import Variables

_REGULAR = 1e-7  #: smallest pivot of the factor over its largest, where moduli exist


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

    @cached_property
    def limit_slopes(self) -> Float[np.ndarray, " constraints"]:
        """Derivative of the residuals of each constraint by its quantity."""
        return np.array([c.slope for c in self.constraints], dtype=np.float64)

    def tightened(self, margins: Sequence[float] | Float[np.ndarray, " _"]) -> "Problem":
        """Return the problem with its first constraints moved inwards, as far as they are bounds.

        Args:
            margins: Of the first constraints, in multiples of their scales.
        """
        moved = [
            constraint.tightened(margin)
            for constraint, margin in zip(self.constraints, margins, strict=False)
        ]
        return replace(self, constraints=(*moved, *self.constraints[len(moved) :]))

    @cached_property
    def net(self) -> Net:
        """The net of all designs."""
        lattice = self.variables.lattice
        fixed = None if "cells" in self.variables.changing else lattice.cell
        return Net(lattice.num_nodes, lattice.struts, lattice.shifts, fixed)

    def at(self, z: Float[np.ndarray, "designs variables"], *, gradient: bool = True) -> Point:
        """Evaluate some z; derivatives follow on request."""
        batch = self.variables.batch(self.start + z * self.scale)
        leaves = {name: getattr(batch, name) for name in self.variables.changing}
        for leaf in leaves.values():
            leaf.requires_grad_(gradient)
        with torch.set_grad_enabled(gradient):
            made = self.made.batch(batch)
            mandel = None
            if self.needs_stiffness:
                mandel = self.made.stiffness(self.evaluator(made))
            known, solved, inverse = _regular(mandel, len(z))
            state = DesignState(made, None if known is None else known.requires_grad_(gradient))
            # Rules hold where the lattices that are evaluated are the leaves.
            struts = self.net.geometry(batch) if made is batch else None
            graph = Graph(leaves, mandel, state, solved, inverse, self.net, struts)
            quantities = (self.objective, *(c.quantity for c in self.constraints))
            terms = tuple(graph.term(quantity) for quantity in quantities)
        return Point(self, z, graph, terms)


def _regular(
    mandel: Float[Tensor, "designs 6 6"] | None, count: int
) -> tuple[Float[Tensor, "designs 6 6"] | None, Bool[np.ndarray, " designs"], InverseFactor | None]:
    """Return the stiffness without graph, where it is regular, and its inverse factor.

    The identity stands for what is not regular.
    """
    if mandel is None:
        return None, np.ones(count, dtype=bool), None
    known = mandel.detach()
    factors = _factors(known.numpy())
    pivots = factors.diagonal(axis1=1, axis2=2)
    solved = pivots.min(1) > _REGULAR * pivots.max(1)
    if not solved.all():
        chosen = solved[:, None, None]
        known = torch.where(torch.from_numpy(chosen), known, torch.eye(6, dtype=known.dtype))
        factors = np.where(chosen, factors, np.eye(6))
    return known, solved, np.linalg.inv(factors)


def _factors(C: Float[np.ndarray, "designs 6 6"]) -> Float[np.ndarray, "designs 6 6"]:
    """Return the Cholesky factors; NaN where a matrix is not positive definite."""
    try:
        return np.linalg.cholesky(C)
    except np.linalg.LinAlgError:
        if len(C) == 1:
            return np.full_like(C, np.nan)
        return np.concatenate([_factors(one[None]) for one in C])
