"""Quantities of a design: what is maximised, minimised or constrained.

A quantity is a function of lattices and their stiffness, with a name. Comparing it with a number
gives a constraint: ``relative_density <= 0.1``, ``E([1, 1, 1]) >= 0.02``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from lattice_gnn.design.state import DesignState
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.tensors import moduli

Sense = Literal["<=", ">=", "=="]

INEQUALITY_TOLERANCE = 1e-6
"""Largest scaled violation of a satisfied inequality."""
EQUALITY_TOLERANCE = 1e-3
"""Largest scaled violation of a satisfied equality."""


@dataclass(frozen=True, eq=False)
class Quantity:
    """A named function of a design.

    Attributes:
        name: How results and messages call it, such as ``E[111]``.
        function: Returns one value, or several, for every lattice: (lattices,) or (lattices, k).
        needs_stiffness: Whether it reads the stiffness; geometry alone is cheaper.
        size: Number of values per lattice; None where it depends on the lattice.
    """

    name: str
    function: Callable[[DesignState], Tensor]
    needs_stiffness: bool = True
    size: int | None = 1

    def __call__(self, state: DesignState) -> Float[Tensor, "lattices values"]:
        """Evaluate; a single value has a column of its own."""
        values = self.function(state)
        return values[:, None] if values.ndim == 1 else values

    def __le__(self, bound: float | int | Tensor) -> "Constraint":
        return Constraint(self, "<=", bound)

    def __ge__(self, bound: float | int | Tensor) -> "Constraint":
        return Constraint(self, ">=", bound)

    def __eq__(self, bound: object) -> "Constraint":  # type: ignore[override]
        if not isinstance(bound, int | float | Tensor):
            raise LatticeGnnError(
                f"{self.name}: expected a number after ==, got {type(bound).__name__}"
            )
        return Constraint(self, "==", bound)

    def __hash__(self) -> int:
        return id(self)

    def __bool__(self) -> bool:
        raise LatticeGnnError(
            f"{self.name}: a quantity has no truth value; write two constraints for a range"
        )


@dataclass(frozen=True, eq=False)
class Constraint:
    """A bound on a quantity.

    Attributes:
        quantity: The quantity.
        sense: "<=", ">=" or "==", which holds for every value of the quantity.
        bound: The bound, one number or one per value.
        tolerance: Largest violation, in multiples of ``scale``, of a satisfied constraint; None
            for ``INEQUALITY_TOLERANCE`` or ``EQUALITY_TOLERANCE``.
        scale: Unit in which violations are measured; None for the largest magnitude of the bound,
            or 1 if the bound is zero.
    """

    quantity: Quantity
    sense: Sense
    bound: float | int | Tensor
    tolerance: float | None = None
    scale: float | None = None

    def __bool__(self) -> bool:
        raise LatticeGnnError(
            f"{self.name}: a constraint has no truth value; write a range as two constraints"
        )

    @property
    def name(self) -> str:
        """The constraint as text, such as ``relative_density <= 0.1``."""
        bound = f"{self.bound:.6g}" if isinstance(self.bound, int | float) else "target"
        return f"{self.quantity.name} {self.sense} {bound}"

    @property
    def unit(self) -> float:
        """The scale of violations."""
        if self.scale is not None:
            return self.scale
        return float(torch.as_tensor(self.bound).abs().max()) or 1.0

    @property
    def allowed(self) -> float:
        """The largest violation of a satisfied constraint, in multiples of the scale."""
        if self.tolerance is not None:
            return self.tolerance
        return EQUALITY_TOLERANCE if self.sense == "==" else INEQUALITY_TOLERANCE

    def residual(self, state: DesignState) -> Float[Tensor, "lattices values"]:
        """Return by how much each value satisfies the constraint, in multiples of the scale.

        Not negative where an inequality is satisfied, zero where an equality is.
        """
        bound = torch.as_tensor(self.bound, dtype=torch.float64)
        apart = (self.quantity(state) - bound) / self.unit
        return -apart if self.sense == "<=" else apart

    def violation(self, state: DesignState) -> Float[Tensor, " lattices"]:
        """Return the worst violation of each lattice, in multiples of the scale; 0 if none."""
        residual = self.residual(state)
        parts = residual.abs() if self.sense == "==" else (-residual).clamp_min(0.0)
        return parts.amax(1)


def _volume_share(state: DesignState) -> Tensor:
    return state.batch.relative_density


relative_density = Quantity("relative_density", _volume_share, needs_stiffness=False)
"""Sum of strut volumes over cell volume; overlap at the joints counts twice."""


def E(direction: Sequence[float | int]) -> Quantity:  # noqa: N802 (the textbook letter)
    """Young's modulus along a direction, over that of the solid."""
    n = torch.tensor([float(x) for x in direction], dtype=torch.float64)
    moduli.unit_vectors(n)
    name = "".join(f"{x:g}" for x in direction)
    if any(len(f"{x:g}") > 1 for x in direction):
        name = ",".join(f"{x:g}" for x in direction)
    return Quantity(f"E[{name}]", lambda state: moduli.young_modulus(state.stiffness, n))
