"""Settings of a design search."""

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from lattice_gnn.design.manufactured import AsManufactured
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.checks import whole_number

Variable = Literal["nodes", "radii", "radius", "cell", "cell_shape", "cell_volume"]
VARIABLES: tuple[str, ...] = get_args(Variable)

Aim = Literal["maximise", "minimise"]
Method = Literal["auto", "slsqp", "batched"]
Reference = Literal["auto", "beam", "solid", "none"]


@dataclass(frozen=True, slots=True)
class DesignSettings:
    """How to search; the task itself is stated by the arguments of ``optimise``.

    Attributes:
        max_steps: Largest number of steps of each start, and of each that SLSQP finishes; a step
            of SLSQP may take several evaluations.
        method: "slsqp" (sequential quadratic programming, one start at a time), "batched" (all
            starts advance together, then SLSQP finishes the best), or "auto": "batched" for several
            starts, "slsqp" for one.
        polish: Number of best starts of a batched search that SLSQP finishes.
        perturbation: How far starts other than the first are from the given lattice: a share of
            the range that each variable may move.
        move: Largest displacement of a node in each coordinate, in mean strut lengths.
        radius_bounds: Smallest and largest radius, unit of length; None for a tenth of the
            smallest radius of the start, and a quarter of its mean strut length, or 1.5 of its
            largest radius if that is more.
        strain: Largest strain of the cell.
        shortest: Smallest length of a strut, as a share of its length at the start.
        digits: Rounding of the result: decimals of coordinates and strains, significant digits of
            radii.
        optimality: Largest unbalanced share of the objective's gradient at convergence, after
            rounding.
        topology_rounds: Rounds of topology moves (removing, merging, adding struts); 0 for none.
        reference_tolerance: Largest violation by the reference of a confirmed constraint, in
            multiples of its scale, where larger than the constraint's own tolerance.
        reference: What verifies the design: "beam", "solid", "none", or "auto" for that of the
            fidelity.
        as_manufactured: How the printed lattice differs from the design: what is printed is
            evaluated, by the search and by the reference, and the design is written.
        voxels_per_diameter: Resolution of the solid reference.
        checkpoint: File that the state of the search is written to and resumed from.
    """

    max_steps: int = 200
    method: Method = "auto"
    polish: int = 3
    perturbation: float = 0.2
    move: float = 0.25
    radius_bounds: tuple[float, float] | None = None
    strain: float = 0.3
    shortest: float = 0.1
    digits: int = 4
    optimality: float = 1e-2
    topology_rounds: int = 0
    reference_tolerance: float = 0.01
    reference: Reference = "auto"
    as_manufactured: AsManufactured = field(default_factory=AsManufactured)
    voxels_per_diameter: float | int = 8
    checkpoint: str | os.PathLike[str] | None = None

    def __post_init__(self) -> None:
        """Check every number."""
        for name, least in (("max_steps", 1), ("polish", 0), ("digits", 1), ("topology_rounds", 0)):
            value = whole_number(getattr(self, name), f"design settings: {name}", least)
            object.__setattr__(self, name, value)
        for name in ("move", "strain", "shortest", "optimality", "perturbation"):
            self._require(name, "a number between 0 and 1", lambda value: 0 < value < 1)
        self._require("reference_tolerance", "a number >= 0", lambda value: 0 <= value < math.inf)
        self._require("voxels_per_diameter", "a positive number", lambda n: 0 < n < math.inf)
        for name, kind in (("method", Method), ("reference", Reference)):
            self._require(name, f"one of {', '.join(get_args(kind))}", get_args(kind).__contains__)
        self._require("radius_bounds", "two numbers, 0 < smallest <= largest, or None", _is_range)
        self._require(
            "as_manufactured", "an AsManufactured", lambda x: isinstance(x, AsManufactured)
        )
        self._require(
            "checkpoint", "a path or None", lambda x: x is None or isinstance(x, str | os.PathLike)
        )

    def _require(self, name: str, expected: str, fits: Callable[[Any], bool]) -> None:
        """Check one setting.

        Raises:
            LatticeGnnError: If it does not fit, or is of a type that cannot be compared.
        """
        value = getattr(self, name)
        try:
            good = fits(value)
        except (TypeError, ValueError):
            good = False
        if not good:
            raise LatticeGnnError(
                f"design settings: {name}: expected {expected}, got {value!r:.60}"
            )


def _is_range(value: Any) -> bool:
    if value is None:
        return True
    low, high = value
    return bool(0 < low <= high < math.inf)
