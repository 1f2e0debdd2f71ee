"""Settings of a design search."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from lattice_gnn.design.manufactured import AsManufactured
from lattice_gnn.errors import LatticeGnnError

Variable = Literal["nodes", "radii", "radius", "cell", "cell_shape", "cell_volume"]
VARIABLES: tuple[str, ...] = get_args(Variable)

Aim = Literal["maximise", "minimise"]
Method = Literal["auto", "slsqp", "batched"]


@dataclass(frozen=True, slots=True)
class DesignSettings:
    """How to search; the task itself is stated by the arguments of ``optimise``.

    Attributes:
        max_steps: Largest number of gradient evaluations of each start.
        method: "slsqp" (sequential quadratic programming, one start at a time), "batched" (all
            starts advance together, then SLSQP finishes the best), or "auto": "batched" for several
            starts, "slsqp" for one.
        polish: Number of best starts of a batched search that SLSQP finishes.
        perturbation: How far starts other than the first are from the given lattice: a share of
            the range that each variable may move.
        move: Largest displacement of a node in each coordinate, in mean strut lengths.
        radius_bounds: Smallest and largest radius, unit of length; None for a tenth of the
            smallest radius of the start, and a quarter of its mean strut length.
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
    reference: Literal["auto", "beam", "solid", "none"] = "auto"
    as_manufactured: AsManufactured = field(default_factory=AsManufactured)
    voxels_per_diameter: float | int = 8
    checkpoint: Path | None = None

    def __post_init__(self) -> None:
        """Check every number."""
        for name, least in (("max_steps", 1), ("polish", 0), ("digits", 1), ("topology_rounds", 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise LatticeGnnError(
                    f"design settings: {name}: expected a whole number >= {least}, got {value!r}"
                )
        for name in ("move", "strain", "shortest", "optimality", "perturbation"):
            value = getattr(self, name)
            if not (isinstance(value, int | float) and 0 < value < 1):
                raise LatticeGnnError(
                    f"design settings: {name}: expected a number between 0 and 1, got {value!r}"
                )
        if self.method not in get_args(Method):
            raise LatticeGnnError(
                f"design settings: method: expected one of {', '.join(get_args(Method))}, got "
                f"{self.method!r}"
            )
        if self.radius_bounds is not None:
            low, high = self.radius_bounds
            if not (0 < low <= high and math.isfinite(high)):
                raise LatticeGnnError(
                    "design settings: radius_bounds: expected 0 < smallest <= largest, got "
                    f"{low:g} and {high:g}"
                )
