"""A method against the reference tensors of a catalogue."""

from dataclasses import dataclass
from typing import ClassVar

from fem_reference.validate import Comparison, Outlier
from lattice_gnn.reports.document import Document
from lattice_gnn.reports.errors import Summary, summary


@dataclass(frozen=True, slots=True)
class ReferenceSelection:
    """Which tensors of a catalogue were compared; all where null.

    Attributes:
        lowest: Number of lowest densities of each entry.
        highest: Number of highest densities of each entry.
        limit: Most lattices, drawn at random.
        seed: Of that draw.
    """

    lowest: int | None
    highest: int | None
    limit: int | None
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationReport(Document):
    """A method against the reference tensors of a catalogue; differences are fractions.

    Attributes:
        catalogue: As given.
        method: ``beam``, ``solid`` or ``network``.
        voxels_per_diameter: Resolution of solids; null for other methods.
        element: Beam theory; null for other methods.
        model: Name or path of the network; of that method only.
        selection: The options that chose the lattices.
        lattices: Number that was compared.
        seconds: Wall time of the solver.
        stiffness: |C - C_ref| / |C_ref|.
        compliance: The same for the inverse S.
        softest: Relative difference of the smallest eigenvalue of C.
        rounding_floor: Change of C that follows from rounding the reference to its printed digits.
        grid_error: Estimated error of C by the grid; of solids only.
        grid_softest_error: Estimated error of the smallest eigenvalue; of solids only.
        worst: The largest differences of C.
        without_reference: Names of entries without tensors.
        refused: One sentence for each lattice that was left out.
        notes: What reading the file needed.
    """

    SCHEMA: ClassVar[str] = "validation/1"

    catalogue: str
    method: str
    voxels_per_diameter: int | None
    element: str | None
    model: str | None = None
    selection: ReferenceSelection
    lattices: int
    seconds: float
    stiffness: Summary
    compliance: Summary
    softest: Summary
    rounding_floor: Summary
    grid_error: Summary | None = None
    grid_softest_error: Summary | None = None
    worst: tuple[Outlier, ...]
    without_reference: tuple[str, ...]
    refused: tuple[str, ...]
    notes: tuple[str, ...]


def differences(comparison: Comparison) -> dict[str, Summary]:
    """Summarise each kind of difference."""
    return {
        "stiffness": summary(comparison.stiffness),
        "compliance": summary(comparison.compliance),
        "softest": summary(comparison.softest),
        "rounding_floor": summary(comparison.rounding_floor),
    }
