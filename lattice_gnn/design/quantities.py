"""Quantities of a design: what is maximised, minimised or constrained.

A quantity is a named, batched, differentiable function of lattices and their stiffness. Comparing
it with a number or another quantity gives a constraint, arithmetic gives another quantity:

>>> import lattice_gnn as lg
>>> limits = [lg.relative_density <= 0.1, lg.clearance >= 0.02]
>>> specific = lg.E([1, 1, 1]) / lg.relative_density
>>> print(limits[0].name, "|", specific.name)
relative_density <= 0.1 | E[111]/relative_density

Some quantities have many values per lattice: one for every strut, gap or angle. A lower bound then
holds for the smallest and an upper bound for the largest; as an objective the smallest is
maximised, or the largest minimised.
"""

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from lattice_gnn.design.elastic_rules import ElasticRule
from lattice_gnn.design.state import DesignState
from lattice_gnn.design.strut_rules import StrutRule
from lattice_gnn.errors import LatticeGnnError

Sense = Literal["<=", ">=", "=="]
Number = float | int

INEQUALITY_TOLERANCE = 1e-6
"""Largest scaled violation of a satisfied inequality."""
EQUALITY_TOLERANCE = 1e-3
"""Largest scaled violation of a satisfied equality."""
MOST = 24
"""Values of a quantity with many that a constraint passes to the optimiser: the worst ones."""


@dataclass(frozen=True, eq=False, repr=False)
class Quantity:
    """A named, batched, differentiable function of lattices and their stiffness.

    Attributes:
        name: Its name in results, messages and expressions, such as ``E[111]``.
        function: Returns one value, or several, for every lattice: (lattices,) or (lattices, k).
        needs_stiffness: Whether it reads the stiffness; geometry alone is cheaper.
        size: Number of values per lattice; None if there is one for every strut, gap or angle.
        target: Stiffness that it compares with, Mandel, NaN where free; None for most. It is
            checked against the symmetry that is kept.
        strut_rule: The same number from the struts, with derivatives in closed form; None to
            differentiate ``function``.
        elastic_rule: The same from the stiffness.
    """

    name: str
    function: Callable[[DesignState], Tensor]
    needs_stiffness: bool = True
    size: int | None = 1
    target: Float[Tensor, "6 6"] | None = None
    strut_rule: StrutRule | None = None
    elastic_rule: ElasticRule | None = None

    def __call__(self, state: DesignState) -> Float[Tensor, "lattices values"]:
        """Evaluate; a single value has a column of its own."""
        values = self.function(state)
        values = values[:, None] if values.ndim == 1 else values
        if (
            values.ndim != 2
            or len(values) != len(state.batch)
            or values.shape[1] != (self.size or values.shape[1])
        ):
            raise LatticeGnnError(
                f"{self.name}: expected values of shape ({len(state.batch)}, {self.size}), got "
                f"{tuple(values.shape)}; return {self.size or 'some'} per lattice"
            )
        return values

    def smallest(self) -> "Quantity":
        """Return the smallest of many values; a quantity of one value is returned as it is."""
        return self._extreme("smallest", lambda values: values.amin(-1))

    def largest(self) -> "Quantity":
        """Return the largest of many values; a quantity of one value is returned as it is."""
        return self._extreme("largest", lambda values: values.amax(-1))

    def _extreme(self, which: str, pick: Callable[[Tensor], Tensor]) -> "Quantity":
        if self.size == 1:
            return self
        if self.size is not None:
            raise LatticeGnnError(
                f"{self.name}: has {self.size} values and cannot be optimised; require them by ==, "
                "or take a single number, such as misfit(target)"
            )
        return Quantity(
            f"{which} {self.name}", lambda state: pick(self(state)), self.needs_stiffness
        )

    def __repr__(self) -> str:
        """Return the name in angle brackets."""
        return f"<quantity {self.name}>"

    def __le__(self, bound: "Quantity | Number | Tensor") -> "Constraint":
        """Bound the quantity, or the largest of its values, from above."""
        return _constraint(self, "<=", bound)

    def __ge__(self, bound: "Quantity | Number | Tensor") -> "Constraint":
        """Bound the quantity, or the smallest of its values, from below."""
        return _constraint(self, ">=", bound)

    def __eq__(self, bound: object) -> "Constraint":  # type: ignore[override]
        """Require a value."""
        return _constraint(self, "==", bound)

    def __hash__(self) -> int:
        """Return the hash of the object: quantities hold functions and have no value."""
        return id(self)

    def __bool__(self) -> bool:
        """Refuse: a quantity is not true or false."""
        raise LatticeGnnError(f"{self.name}: a quantity is neither true nor false; compare it")

    def __add__(self, other: "Quantity | Number") -> "Quantity":
        """Return the sum."""
        return _combined(self, "+", other)

    def __radd__(self, other: Number) -> "Quantity":
        """Return the sum."""
        return _combined(other, "+", self)

    def __sub__(self, other: "Quantity | Number") -> "Quantity":
        """Return the difference."""
        return _combined(self, "-", other)

    def __rsub__(self, other: Number) -> "Quantity":
        """Return the difference."""
        return _combined(other, "-", self)

    def __mul__(self, other: "Quantity | Number") -> "Quantity":
        """Return the product."""
        return _combined(self, "*", other)

    def __rmul__(self, other: Number) -> "Quantity":
        """Return the product."""
        return _combined(other, "*", self)

    def __truediv__(self, other: "Quantity | Number") -> "Quantity":
        """Return the quotient."""
        return _combined(self, "/", other)

    def __rtruediv__(self, other: Number) -> "Quantity":
        """Return the quotient."""
        return _combined(other, "/", self)

    def __neg__(self) -> "Quantity":
        """Return the negative."""
        return replace(
            self,
            name=f"-{_bracketed(self.name, '+-')}",
            function=lambda state: -self(state),
            target=None,  # the negative of a distance is none
            strut_rule=None,
            elastic_rule=None,
        )


@dataclass(frozen=True, eq=False, repr=False)
class Constraint:
    """A bound on a quantity, or a value that it must have.

    Attributes:
        quantity: The quantity.
        sense: "<=", ">=" or "==", which holds for every value of the quantity.
        bound: The bound, one number or one per value.
        tolerance: Largest violation, in multiples of ``unit``, of a satisfied constraint; None
            for ``INEQUALITY_TOLERANCE`` or ``EQUALITY_TOLERANCE``.
        scale: Unit in which violations are measured; None for the largest magnitude of the bound,
            or 1 if the bound is zero.
        text: The constraint as the user wrote it; None to compose it.
        against: The quantity it is compared with, if not a number; its size is the scale.
    """

    quantity: Quantity
    sense: Sense
    bound: float | int | Tensor
    tolerance: float | None = None
    scale: float | None = None
    text: str | None = None
    against: Quantity | None = None

    def __repr__(self) -> str:
        """Return the constraint in angle brackets."""
        return f"<constraint {self.name}>"

    def __bool__(self) -> bool:
        """Refuse: Python would reduce a range such as 0.01 <= x <= 0.1 to its second half."""
        raise LatticeGnnError(
            f"{self.name}: a constraint is neither true nor false; write the range "
            "0.01 <= x <= 0.1 as the two constraints x >= 0.01 and x <= 0.1"
        )

    @property
    def name(self) -> str:
        """The constraint as text, such as ``relative_density <= 0.1``."""
        if self.text is not None:
            return self.text
        bound = f"{self.bound:.6g}" if isinstance(self.bound, float | int) else "target"
        return f"{self.quantity.name} {self.sense} {bound}"

    @cached_property
    def unit(self) -> float:
        """The scale of violations."""
        if self.scale is not None:
            return self.scale
        return float(np.abs(self._bound).max()) or 1.0

    @property
    def allowed(self) -> float:
        """The largest violation of a satisfied constraint, in multiples of the scale."""
        if self.tolerance is not None:
            return self.tolerance
        return EQUALITY_TOLERANCE if self.sense == "==" else INEQUALITY_TOLERANCE

    def within(self, tolerance: float) -> "Constraint":
        """Return the constraint with another tolerance, in multiples of its scale."""
        return replace(self, tolerance=tolerance)

    def tightened(self, margin: float) -> "Constraint":
        """Return the constraint with its bound moved inwards, in multiples of the scale.

        A required value stays.
        """
        if self.sense == "==" or not margin > 0:
            return self
        return replace(
            self, bound=self.bound + self.direction * margin * self.unit, scale=self.unit
        )

    def scaled_at(self, state: DesignState) -> "Constraint":
        """Return the constraint with the scale that it has at a start, if it compares quantities.

        That is the magnitude of the right side, or 1 if that is zero.
        """
        if self.against is None or self.scale is not None:
            return self
        size = float(self.against(state).detach().abs().max())
        return replace(self, scale=size if 0.0 < size < math.inf else 1.0)

    @property
    def direction(self) -> int:
        """Sign of the slope of the residual along the quantity: -1 for an upper bound."""
        return -1 if self.sense == "<=" else 1

    @cached_property
    def slope(self) -> float:
        """Slope of the residual along the quantity."""
        return self.direction / self.unit

    def residual_of(
        self, values: Float[np.ndarray, "lattices values"]
    ) -> Float[np.ndarray, "lattices values"]:
        """Return by how much each value satisfies the constraint, in multiples of the scale.

        Not negative where an inequality is satisfied, zero where an equality is.
        """
        found: Float[np.ndarray, "lattices values"] = (values - self._bound) * self.slope
        return found

    def chosen(
        self, residual: Float[np.ndarray, "lattices values"]
    ) -> Int[np.ndarray, "lattices worst"] | None:
        """Return which residuals the optimiser sees, the worst of many in order; None for all.

        In this order they are continuous where two values change places.
        """
        if self.quantity.size is not None or residual.shape[1] <= MOST:
            return None
        return np.argsort(residual, axis=1)[:, :MOST]

    def residual(self, state: DesignState) -> Float[np.ndarray, "lattices values"]:
        """Return by how much each value of a state satisfies the constraint; of many, the worst."""
        residual = self.residual_of(self.quantity(state).detach().numpy())
        chosen = self.chosen(residual)
        return residual if chosen is None else np.take_along_axis(residual, chosen, axis=1)

    def worst(self, state: DesignState) -> Float[np.ndarray, " lattices"]:
        """Return, for each lattice, the value nearest to a violation or violating most."""
        values = self.quantity(state).detach().numpy()
        gap = self.residual_of(values)
        gap = -np.abs(gap) if self.sense == "==" else gap
        return np.take_along_axis(values, gap.argmin(1)[:, None], axis=1)[:, 0]

    def violation(self, state: DesignState) -> Float[np.ndarray, " lattices"]:
        """Return the worst violation of each lattice, in multiples of the scale; 0 if none."""
        return self.violation_of(self.residual_of(self.quantity(state).detach().numpy()))

    def violation_of(
        self, residual: Float[np.ndarray, "lattices values"]
    ) -> Float[np.ndarray, " lattices"]:
        """Return the worst violation of residuals; 0 if none."""
        parts = np.abs(residual) if self.sense == "==" else np.maximum(-residual, 0.0)
        worst: Float[np.ndarray, " lattices"] = parts.max(1)
        return worst

    @cached_property
    def _bound(self) -> Float[np.ndarray, "*values"]:
        return np.asarray(self.bound, dtype=np.float64)


def _constraint(quantity: Quantity, sense: Sense, bound: object) -> Constraint:
    """Compare a quantity with a number, one number per value, or another quantity."""
    bound = bound.item() if isinstance(bound, np.generic) else bound
    if isinstance(bound, Quantity):
        text = f"{quantity.name} {sense} {bound.name}"
        return Constraint(quantity - bound, sense, 0.0, text=text, against=bound)
    if isinstance(bound, Tensor):
        finite = bool(torch.isfinite(bound).all())
        fits = bound.ndim == 0 or bound.shape == (quantity.size,)
    else:
        finite = isinstance(bound, float | int) and math.isfinite(bound)
        fits = True
    if not (finite and fits) or not isinstance(bound, float | int | Tensor):
        raise LatticeGnnError(
            f"{quantity.name} {sense} {bound!r:.40}: expected a finite number"
            + (f" or {quantity.size} of them" if (quantity.size or 1) > 1 else " or a quantity")
        )
    return Constraint(quantity, sense, bound)


def _combined(left: object, sign: str, right: object) -> Quantity:
    """Combine two quantities, or one and a number, by a sign of arithmetic."""
    left, right = (x.item() if isinstance(x, np.generic) else x for x in (left, right))
    quantities = [part for part in (left, right) if isinstance(part, Quantity)]
    for part in (left, right):
        if not isinstance(part, Quantity | float | int):
            raise LatticeGnnError(f"{sign}: expected a quantity or a number, got {part!r:.40}")
    if len(quantities) == 2 and any(part.size != 1 for part in quantities):
        many = next(part for part in quantities if part.size != 1)
        raise LatticeGnnError(
            f"{many.name}: has several values per lattice and combines with numbers only"
        )

    def function(state: DesignState) -> Tensor:
        x, y = (part(state) if isinstance(part, Quantity) else part for part in (left, right))
        found: Tensor = _SIGNS[sign](x, y)
        return found

    return Quantity(
        name=_joined(left, sign, right),
        function=function,
        needs_stiffness=any(part.needs_stiffness for part in quantities),
        size=quantities[0].size,
    )


_SIGNS: dict[str, Callable[..., Tensor]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
_LOOSE = {"+": ("", ""), "-": ("", "+-"), "*": ("+-", "+-"), "/": ("+-", "+-*/")}
"""Signs that need parentheses to the left and to the right of each sign."""


def _joined(left: object, sign: str, right: object) -> str:
    """Return the name of a combination, with the parentheses that are needed."""
    names = (part.name if isinstance(part, Quantity) else f"{part:.6g}" for part in (left, right))
    first, second = (
        _bracketed(name, loose) for name, loose in zip(names, _LOOSE[sign], strict=True)
    )
    return f"{first} {sign} {second}" if sign in "+-" else f"{first}{sign}{second}"


def _bracketed(name: str, signs: str) -> str:
    """Put a name in parentheses if it contains one of the signs outside of brackets."""
    depth = 0
    for letter in name:
        depth += (letter in "([") - (letter in ")]")
        if depth == 0 and letter in signs:
            return f"({name})"
    return name
