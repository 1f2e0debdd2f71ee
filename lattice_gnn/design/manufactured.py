"""The lattice as it is manufactured, which differs from its design."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.checks import finite_number, positive_number
from lattice_gnn.lattice.lattice import Lattice


@dataclass(frozen=True, slots=True)
class AsManufactured:
    """How a printed lattice differs from its design; by default not at all.

    Attributes:
        diameter_offset: Printed minus designed strut diameter, unit of the lattice.
        modulus_factor: Young's modulus of the printed solid over that of the material.
    """

    diameter_offset: float = 0.0
    modulus_factor: float = 1.0

    def __post_init__(self) -> None:
        """Check the numbers."""
        finite_number(self.diameter_offset, "diameter_offset")
        positive_number(self.modulus_factor, "modulus_factor")

    def __str__(self) -> str:
        """Return the difference in words; empty if there is none."""
        if self == AsManufactured():
            return ""
        return (
            f"diameters {self.diameter_offset:+.4g}, Young's modulus of the solid times "
            f"{self.modulus_factor:.4g}"
        )

    def batch(self, design: LatticeBatch) -> LatticeBatch:
        """Return the lattices as they are printed: outer surfaces displaced, bores the other way.

        Radii stay above a hundredth of the designed ones, so that a strut that vanishes costs
        stiffness instead of failing.
        """
        offset = 0.5 * self.diameter_offset
        if offset == 0.0:
            return design
        bored = design.inner_radii > 0
        return design.replace(
            radii=torch.maximum(design.radii + offset, 0.01 * design.radii),
            end_radii=torch.maximum(design.end_radii + offset, 0.01 * design.end_radii),
            inner_radii=torch.where(bored, (design.inner_radii - offset).clamp_min(0.0), 0.0),
        )

    def stiffness(self, mandel: Float[Tensor, "*batch 6 6"]) -> Float[Tensor, "*batch 6 6"]:
        """Return the stiffness in the unit of the material, which the printed solid falls short of.

        Args:
            mandel: Stiffness of a printed lattice over the modulus of the printed solid.
        """
        return mandel if self.modulus_factor == 1.0 else self.modulus_factor * mandel

    def lattice(self, design: Lattice) -> Lattice:
        """Return the shape of a lattice as it is printed."""
        if self.diameter_offset == 0.0:
            return design
        (printed,) = self.batch(LatticeBatch.from_lattices([design])).to_lattices(
            material=design.material
        )
        return printed.replace(name=design.name, units=design.units)
