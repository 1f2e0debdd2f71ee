"""Documents of lattices: counts, material, densities, geometry, net, warnings."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.findings import Finding, findings
from lattice_gnn.lattice.lattice import Lattice, Material
from lattice_gnn.lattice.union import VolumeFraction
from lattice_gnn.reports.document import Document

Range = tuple[float, float]
"""Smallest and largest value."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Origin of a lattice.

    Attributes:
        file: File that contains it; None for one made in memory.
        index: Number in the file, from 0; None if the file contains a single lattice.
    """

    file: str | None = None
    index: int | None = None


MEMORY = Origin()


@dataclass(frozen=True, slots=True)
class LatticeFacts:
    """Name, counts, material and densities of a lattice.

    Attributes:
        file: File it comes from; null for one made in memory.
        index: Number in the file, from 0; null if the file contains a single lattice.
        name: Name of the lattice.
        units: Name of the unit of length; no result depends on it.
        nodes: Nodes per cell.
        struts: Struts per cell.
        material: The solid.
        relative_density: Sum of strut volumes over the cell volume; overlaps are counted twice.
        volume_fraction: Volume of the union of struts and joints over the cell volume, by sampling;
            null if not computed.
    """

    file: str | None
    index: int | None
    name: str
    units: str
    nodes: int
    struts: int
    material: Material
    relative_density: float
    volume_fraction: VolumeFraction | None


def lattice_facts(
    lattice: Lattice, origin: Origin = MEMORY, *, thorough: bool = True
) -> LatticeFacts:
    """Describe a lattice; ``thorough`` also samples the union of its struts, which is slower."""
    return LatticeFacts(
        file=origin.file,
        index=origin.index,
        name=lattice.name,
        units=lattice.units,
        nodes=lattice.num_nodes,
        struts=lattice.num_struts,
        material=lattice.material,
        relative_density=float(lattice.relative_density),
        volume_fraction=_volume_fraction(lattice) if thorough else None,
    )


def _volume_fraction(lattice: Lattice) -> VolumeFraction | None:
    try:
        return lattice.volume_fraction()
    except LatticeGnnError:  # struts that span a great many cells; findings() says so
        return None


@dataclass(frozen=True, slots=True)
class Geometry:
    """Cell, lengths, radii, slenderness, coordination, clearance.

    Attributes:
        cell_lengths: Lengths of the cell vectors.
        cell_angles: Angles between cell vectors 2 and 3, 1 and 3, 1 and 2, in degrees.
        volume: Volume of the cell.
        strut_lengths: Smallest and largest strut length.
        radii: Smallest and largest radius.
        radius_over_length: Smallest and largest radius/length.
        coordination: Number of nodes by number of strut ends.
        tapered: Whether any strut is tapered.
        hollow: Whether any strut is hollow.
        own_moduli: Whether struts have individual moduli.
        clearance: Smallest gap between struts without a common joint; negative if they overlap,
            null if unknown.
    """

    cell_lengths: tuple[float, float, float]
    cell_angles: tuple[float, float, float]
    volume: float
    strut_lengths: Range
    radii: Range
    radius_over_length: Range
    coordination: dict[str, int]
    tapered: bool
    hollow: bool
    own_moduli: bool
    clearance: float | None


@dataclass(frozen=True, slots=True)
class NetComponent:
    """One component of the net.

    Attributes:
        nodes: Node numbers.
        rank: Number of dimensions in which it is connected to its own images, 0 to 3.
        index: Number of interpenetrating copies; 0 if the rank is below 3.
    """

    nodes: tuple[int, ...]
    rank: int
    index: int


@dataclass(frozen=True, slots=True)
class NetFacts:
    """Connectivity of the struts.

    Attributes:
        description: Description in words.
        spans_space: Whether some component is connected in three dimensions.
        components: The components.
    """

    description: str
    spans_space: bool
    components: tuple[NetComponent, ...]


@dataclass(frozen=True, slots=True)
class LatticeReport(Document):
    """Description of a lattice without its stiffness.

    Attributes:
        lattice: Name, counts, material and densities.
        geometry: Cell, lengths, radii, slenderness, coordination, clearance.
        net: Connectivity of the struts.
        warnings: Findings about the lattice, most important first.
    """

    SCHEMA: ClassVar[str] = "info/1"

    lattice: LatticeFacts
    geometry: Geometry
    net: NetFacts
    warnings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class LatticeReports(Document):
    """Several lattices.

    Attributes:
        infos: One entry per lattice.
    """

    SCHEMA: ClassVar[str] = "infos/1"

    infos: tuple[LatticeReport, ...]


def lattice_report(lattice: Lattice, origin: Origin = MEMORY) -> LatticeReport:
    """Describe a lattice with every finding."""
    net = lattice.connectivity()
    components = tuple(
        NetComponent(tuple(part.nodes.tolist()), part.rank, part.index) for part in net.components
    )
    return LatticeReport(
        lattice=lattice_facts(lattice, origin),
        geometry=_geometry(lattice),
        net=NetFacts(net.describe(), net.spans_space, components),
        warnings=findings(lattice),
    )


def _geometry(lattice: Lattice) -> Geometry:
    edges = np.linalg.norm(lattice.cell, axis=1)
    radii = np.stack([lattice.radii, lattice.sections.end_radii])
    try:
        clearance: float | None = float(lattice.clearance().distance)
    except LatticeGnnError:
        clearance = None
    degrees, counts = np.unique(lattice.degrees, return_counts=True)
    unit = lattice.cell / edges[:, None]
    cosines = np.array([unit[1] @ unit[2], unit[0] @ unit[2], unit[0] @ unit[1]])
    return Geometry(
        cell_lengths=_three(edges),
        cell_angles=_three(np.degrees(np.arccos(np.clip(cosines, -1, 1)))),
        volume=float(lattice.volume),
        strut_lengths=_range(lattice.lengths),
        radii=_range(radii),
        radius_over_length=_range(radii / lattice.lengths),
        coordination={str(k): int(count) for k, count in zip(degrees, counts, strict=True)},
        tapered=lattice.end_radii is not None,
        hollow=lattice.inner_radii is not None,
        own_moduli=lattice.E is not None or lattice.nu is not None,
        clearance=clearance,
    )


def _three(values: Float[np.ndarray, "3"]) -> tuple[float, float, float]:
    a, b, c = values.tolist()
    return a, b, c


def _range(values: Float[np.ndarray, "..."]) -> Range:
    return float(values.min()), float(values.max())
