"""Print processes: published limits, as constraints of a design.

Every limit is quoted from a public source, named beside it. A limit for which no source is known
is None: it sets no constraint, which does not mean that the process has none.
"""

from dataclasses import dataclass, fields

from lattice_gnn.design.directions import vector
from lattice_gnn.design.geometric import clearance, overhang, radius
from lattice_gnn.design.manufactured import AsManufactured
from lattice_gnn.design.quantities import Constraint
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.checks import positive_number
from lattice_gnn.tensors.arrays import ArrayLike


@dataclass(frozen=True, slots=True)
class Limit:
    """A published limit.

    Attributes:
        value: In mm, or degrees.
        source: Where it is published, and what exactly is said there.
    """

    value: float
    source: str


@dataclass(frozen=True, slots=True)
class PrintProcess:
    """Limits of a print process.

    Attributes:
        name: Name of the process.
        smallest_diameter: Thinnest strut, mm.
        smallest_gap: Smallest gap between struts, mm.
        overhang: Smallest inclination of a strut to the build plate without support, degrees.
        diameter_offset: Printed minus designed strut diameter, mm.
    """

    name: str
    smallest_diameter: Limit | None = None
    smallest_gap: Limit | None = None
    overhang: Limit | None = None
    diameter_offset: Limit | None = None

    def constraints(
        self, *, millimetres: float = 1.0, build_direction: ArrayLike = (0.0, 0.0, 1.0)
    ) -> list[Constraint]:
        """Return the limits as constraints of a lattice.

        Args:
            millimetres: Length of one unit of the lattice, mm.
            build_direction: Normal of the build plate; used if the overhang is limited.
        """
        positive_number(millimetres, f"{self.name}: millimetres")
        vector(build_direction)
        found = []
        if self.smallest_diameter is not None:
            found.append(radius >= 0.5 * self.smallest_diameter.value / millimetres)
        if self.smallest_gap is not None:
            found.append(clearance >= self.smallest_gap.value / millimetres)
        if self.overhang is not None:
            found.append(overhang(build_direction) >= self.overhang.value)
        return found

    def as_manufactured(
        self, *, millimetres: float = 1.0, modulus_factor: float = 1.0
    ) -> AsManufactured:
        """Return how struts of this process come out.

        Args:
            millimetres: Length of one unit of the lattice, mm.
            modulus_factor: Young's modulus of the printed solid over that of the material.

        Raises:
            LatticeGnnError: If no deviation of the diameter is published for the process.
        """
        if self.diameter_offset is None:
            raise LatticeGnnError(
                f"{self.name}: no published deviation of the diameter is known; give your own as "
                "AsManufactured(diameter_offset=...)"
            )
        scale = positive_number(millimetres, f"{self.name}: millimetres")
        return AsManufactured(self.diameter_offset.value / scale, modulus_factor)

    def sources(self) -> dict[str, str]:
        """Return the source of every limit that is known, by name."""
        limits = {item.name: getattr(self, item.name) for item in fields(self)[1:]}
        return {name: limit.source for name, limit in limits.items() if limit is not None}


_TI64 = (
    "Laser powder bed fusion of complex metal lattice metamaterials: a structurally robust "
    "holistic design approach (2025), doi:10.1038/s44334-025-00019-y, Table 2"
)

PRINT_PROCESSES = {
    process.name: process
    for process in (
        PrintProcess(
            "lpbf-ti64",
            smallest_diameter=Limit(
                0.2, f"{_TI64}: thinnest strut of the printed lattice, upright; printed as 0.236 mm"
            ),
            diameter_offset=Limit(
                0.044,
                f"{_TI64}: measured minus designed diameter of five groups of inclination, "
                "0.036, 0.032, 0.080, 0.038 and 0.036 mm; their mean",
            ),
        ),
        PrintProcess(
            "mjf-pa12",
            smallest_diameter=Limit(
                1.0,
                "3Faktur, design requirements for Multi Jet Fusion, ribs of polyamide 12: below "
                "1 mm diameter at your own risk, 2 mm recommended",
            ),
            smallest_gap=Limit(
                1.0,
                "Solidlines, MJF design guide: gap between lattice beams usually advised as 1 mm",
            ),
        ),
        PrintProcess(
            "sls-pa12",
            smallest_diameter=Limit(
                1.0, "Materialise, design guidelines for PA 12 (SLS): walls of at least 1 mm"
            ),
        ),
    )
}
"""Processes by name. None of the sources read states a limit of overhang for struts."""
